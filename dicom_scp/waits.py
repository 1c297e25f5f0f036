"""pynetdicom's two loops without their polling: they sleep until something comes, not for a millisecond each.

The stock classes do the same work; `Listener` takes them instead where it is told to (`event_waits=False`).
"""

import contextlib
import os
import queue
import select
import threading
from collections.abc import Callable
from typing import Any, cast

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dul import DULServiceProvider

_LONGEST_WAIT_S = 0.5  # how late a timer may be noticed


class _WakingQueue(queue.Queue[Any]):
    """A queue that also wakes whoever waits for more than this queue."""

    def __init__(self, wake: Callable[[], None]) -> None:
        super().__init__()
        self._wake = wake

    def put(self, item: object, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - as in the base
        super().put(item, block, timeout)
        self._wake()


class WaitingProvider(DULServiceProvider):
    """The upper layer, waiting on its socket and its queues at once."""

    def __init__(self, assoc: "WaitingAssociation") -> None:
        super().__init__(assoc)
        self._association = assoc
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._bell_lock = threading.Lock()
        self.event_queue = _WakingQueue(self.ring)
        self.to_provider_queue = _WakingQueue(self.ring)
        self.to_user_queue = _WakingQueue(assoc.wake)
        self._watched = -1
        self._poll = select.poll()
        self._poll.register(self._bell, select.POLLIN)

    def ring(self) -> None:
        """Wake the loop."""
        with self._bell_lock:
            if self._bell >= 0:
                os.eventfd_write(self._bell, 1)

    def kill_dul(self) -> None:
        """Stop the loop."""
        super().kill_dul()
        self.ring()

    def stop_dul(self) -> bool:
        """Stop the loop if the connection is over; tells whether it was."""
        if self.state_machine.current_state != "Sta1":
            return False
        self.kill_dul()
        if self.is_alive():
            self.join()
        return True

    def run_reactor(self) -> None:
        """Send, receive and act, until the connection is over: what the stock loop does, in its order."""
        self._idle_timer.start()
        self._association.provider_runs()
        try:
            while not self._kill_thread:
                if not self._turned():
                    self._wait()
        except Exception:  # noqa: BLE001 - whatever it was, this association is over and no other
            # What it says may quote what the peer sent, so it says nothing.
            self._association.provider_failed()
            if self.socket is not None:
                self.socket.close()
        finally:
            with self._bell_lock:
                os.close(self._bell)
                self._bell = -1
            self._association.wake()

    def _is_transport_event(self) -> bool:
        """Read what has come; where the association is over (Sta13), end the connection unread."""
        if self.state_machine.current_state == "Sta13" and self.socket is not None:
            self.socket.close()
            return True
        return super()._is_transport_event()

    def _turned(self) -> bool:
        """Move one primitive out or one PDU in, and act on one event; tells whether there was one."""
        if self.artim_timer.expired:
            self.event_queue.put("Evt18")
        if not self._process_recv_primitive() and self._is_transport_event():
            self._idle_timer.restart()
        try:
            event = self.event_queue.get(block=False)
        except queue.Empty:
            return False
        self.state_machine.do_action(event)
        return True

    def _wait(self) -> None:
        sock = self.socket.socket if self.socket is not None else None
        number = sock.fileno() if sock is not None else -1
        if number != self._watched:
            if self._watched >= 0:
                with contextlib.suppress(KeyError):
                    self._poll.unregister(self._watched)
            if number >= 0:
                self._poll.register(number, select.POLLIN)
            self._watched = number
        for ready, _ in self._poll.poll(_LONGEST_WAIT_S * 1000):
            if ready == self._bell:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._bell)


class WaitingAssociation(Association):
    """An acceptor that waits for a message, a release or the end."""

    def __init__(self, ae: ApplicationEntity, mode: str) -> None:
        self._woken = threading.Event()
        super().__init__(ae, mode)
        self.dul = WaitingProvider(self)
        self.acse_timeout = ae.acse_timeout  # both set the timers of the provider
        self.network_timeout = ae.network_timeout
        self.dimse.msg_queue = _WakingQueue(self.wake)

    def wake(self) -> None:
        """Wake the loop."""
        self._woken.set()

    def provider_runs(self) -> None:
        """Note that the upper layer is up."""
        self._dul_ready.set()

    def provider_failed(self) -> None:
        """End the association: its upper layer is no more."""
        self.is_aborted = True
        self.is_established = False
        self._kill = True

    def _run_reactor(self) -> None:
        """Serve messages until the association is over: what the stock loop does, in its order."""
        while not self._kill:
            context_id, message = self.dimse.get_msg(block=False)
            if message:
                self._serve_request(message, cast("int", context_id))
                continue
            if self._over():
                self.kill()
                return
            self._woken.wait(_LONGEST_WAIT_S)
            self._woken.clear()

    def _over(self) -> bool:
        """Answer a release, note an abort, end what was silent for too long; tells whether it is over."""
        if self.is_established and self.acse.is_release_requested():
            self.acse.send_release(is_response=True)
            self.is_released = True
            self.is_established = False
            evt.trigger(self, evt.EVT_RELEASED, {})
            return True
        if self.acse.is_aborted():
            self.dul.receive_pdu(wait=False)
            self.is_aborted = True
            self.is_established = False
            evt.trigger(self, evt.EVT_ABORTED, {})
            return True
        if self.dul.idle_timer_expired():
            self.abort()
            return True
        return not self.dul.is_alive()
