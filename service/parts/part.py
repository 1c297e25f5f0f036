"""One running part of the house: its signals, its heartbeat, its loops."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from types import FrameType

from service.ledger import Bell, Database, LedgerUnavailable, Upkeep
from service.ledger_views import PartView
from service.metrics import Metrics

BEAT_S = 2.0
ALIVE_S = 8.0  # a part that was silent for longer does not count as running
IDLE_S = 0.25  # a loop looks at the clock at least as often
PAUSE_S = 1.0  # after an error
GRACE_S = 8.0  # for all threads together to end

log = logging.getLogger(__name__)


class Part:
    """A process of the house: it says that it lives, and stops when it is told to."""

    def __init__(self, kind: str, upkeep: Upkeep, database: Database, metrics: Metrics) -> None:
        self.kind = kind
        self.name = f"{kind}@{socket.gethostname()}:{os.getpid()}"
        self.stop = threading.Event()
        self.facts: dict[str, object] = {"kind": kind, "version": version("scanside")}
        self.metrics = metrics
        self._upkeep = upkeep
        self._database = database
        self._started_at = time.time()
        self._threads: list[threading.Thread] = []

    @contextmanager
    def running(self) -> Generator[None]:
        """Beat until the block ends; SIGTERM and SIGINT ask it to end."""
        stop_on_signals(self.stop)
        self.beat()
        self.every(BEAT_S, self.beat, "heart")
        log.info("part started", extra={"part": self.name})
        try:
            yield
        finally:
            self.stop.set()
            deadline = time.monotonic() + GRACE_S
            for thread in self._threads:
                thread.join(timeout=max(0.0, deadline - time.monotonic()))
            with suppress(LedgerUnavailable):
                self._upkeep.gone(self.name)
            log.info("part stopped", extra={"part": self.name})

    def beat(self) -> None:
        """Say that this part lives, and what is to be known of it."""
        self._upkeep.alive(self.name, os.getpid(), self._started_at, self.facts)
        self.metrics.heartbeat.labels(stage=self.kind).set(time.time())

    def spawn(self, target: Callable[[], None], name: str) -> None:
        """Run a function in a thread that the stop waits for."""
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads = [*(one for one in self._threads if one.is_alive()), thread]

    def every(self, seconds: float, step: Callable[[], None], name: str) -> None:
        """Run a step again and again in a thread of its own; an error is said, and the next turn tries anew."""

        def turns() -> None:
            while not self.stop.wait(seconds):
                with self._told(name):
                    step()

        self.spawn(turns, name)

    def loop(self, step: Callable[[], bool], name: str, until: threading.Event | None = None) -> None:
        """Run a step in a thread of its own: at once while it finds work, then whenever somebody commits.

        Ends with the part, or before where `until` is set.
        """

        def over() -> bool:
            return self.stop.is_set() or (until is not None and until.is_set())

        def turns() -> None:
            while not over():
                with self._told(name), closing(self._database.bell()) as bell:
                    _listen(bell, step, over)

        self.spawn(turns, name)

    @contextmanager
    def _told(self, name: str) -> Generator[None]:
        """Say what goes wrong in a thread and pause: nothing that happens there may end it."""
        try:
            yield
        except LedgerUnavailable as error:
            log.warning("ledger unavailable", extra={"stage": name, "reason": str(error)})
            self.stop.wait(PAUSE_S)
        except Exception:
            log.exception("step failed", extra={"stage": name})
            self.stop.wait(PAUSE_S)


def _listen(bell: Bell, step: Callable[[], bool], over: Callable[[], bool]) -> None:
    heard = -1
    while not over():
        heard = bell.wait(heard, 0.0)  # what is committed from here on will be heard
        while not over() and step():
            pass
        if not over():
            heard = bell.wait(heard, IDLE_S)


def leave() -> None:
    """End the process if a thread that was not waited for is still at something; there is nothing to be lost by it.

    Python itself would wait for those that are no daemons, as pynetdicom's is that carries an association: for as
    long as a peer takes to answer.
    """
    if threading.active_count() > 1:
        log.info("threads left behind", extra={"reason": ", ".join(_others())})
        logging.shutdown()
        os._exit(0)


def _others() -> list[str]:
    """Name the kinds of the other threads: their own names may hold what came from outside."""
    others = (thread for thread in threading.enumerate() if thread is not threading.current_thread())
    return sorted({type(thread).__name__ for thread in others})


def stop_on_signals(stop: threading.Event) -> None:
    """Let SIGTERM and SIGINT set the event."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)


def living(parts: Sequence[PartView], now: float) -> list[PartView]:
    """Give the parts that gave a sign of life lately."""
    return [part for part in parts if now - part.heartbeat_at < ALIVE_S]
