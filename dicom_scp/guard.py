"""What stands between the network and pynetdicom: who may connect, how much may come, and how slowly."""

import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socketserver import TCPServer
from typing import Any, cast

from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.events import EventHandlerType
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from dicom_scp.deidentify import Announced

LARGEST_NEGOTIATION = (
    1 << 17
)  # bytes of any PDU that is not P-DATA: 128 contexts with five syntaxes need 64 KiB
_PDU_HEADER = 6
_OUT_OF_RESOURCES = 0xA700
_LAST_WORD_S = 0.3
_DISCARDED = 1 << 16
_SLACK = 1024  # some senders count the PDU's own header in the maximum


class PduTooLongError(OSError):
    """The peer announces a PDU longer than the maximum that it was told."""


class PduTooSlowError(TimeoutError):
    """The peer took longer for one PDU than it may."""


class Gate:
    """Who may connect, and how many at once; safe for threads."""

    def __init__(self, networks: tuple[str, ...], most: int, most_per_peer: int) -> None:
        self.admit(networks)
        self._most = most
        self._most_per_peer = most_per_peer
        self._connected: Counter[str] = Counter()
        self._lock = threading.Lock()

    def admit(self, networks: Iterable[str]) -> None:
        """Say from where connections are let in from now on; those that are there stay."""
        self._networks = tuple(ip_network(network, strict=False) for network in networks)

    def enter(self, address: str) -> str:
        """Count a connection; gives "" or why it may not be made."""
        if self._networks and not any(_plain(address) in network for network in self._networks):
            return "refused_address"
        with self._lock:
            # Twice the associations: the surplus shall hear in DICOM's words that there are too many.
            if self._connected.total() >= 2 * self._most or self._connected[address] >= self._most_per_peer:
                return "refused_too_many"
            self._connected[address] += 1
        return ""

    def leave(self, address: str) -> None:
        """Uncount a connection."""
        with self._lock:
            self._connected[address] -= 1
            if self._connected[address] <= 0:
                del self._connected[address]


def _plain(address: str) -> IPv4Address | IPv6Address:
    found = ip_address(address.partition("%")[0])
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


class GuardedSocket(AssociationSocket):
    """Reads PDUs that are neither longer nor slower than they may be."""

    def __init__(
        self, assoc: Association, client_socket: socket.socket, *, max_pdu: int, deadline_s: float
    ) -> None:
        super().__init__(assoc, client_socket=client_socket)
        self._max_pdu = max(max_pdu + _SLACK, LARGEST_NEGOTIATION)
        self._deadline_s = deadline_s
        self._until = 0.0
        client_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client_socket.settimeout(
            deadline_s
        )  # for sending; a peer that does not read is as dead as a silent one

    def recv(self, nr_bytes: int) -> bytearray:
        """Read the header of a PDU (six bytes) or its body.

        Raises PduTooLongError and PduTooSlowError, and OSError where the connection is lost.
        """
        connection = cast("socket.socket", self.socket)
        if nr_bytes == _PDU_HEADER:
            self._until = time.monotonic() + self._deadline_s
        elif nr_bytes > self._max_pdu:
            raise PduTooLongError(PduTooLongError.__doc__)
        # Without it the peer's small replies wait 40 ms for ours; Linux forgets it, so it is said again.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        received = bytearray(nr_bytes)
        view, at = memoryview(received), 0
        while at < nr_bytes:
            left = self._until - time.monotonic()
            if left <= 0:
                raise PduTooSlowError(PduTooSlowError.__doc__)
            connection.settimeout(left)
            count = connection.recv_into(view[at:])
            if not count:
                view.release()
                return received[:at]
            at += count
        connection.settimeout(self._deadline_s)
        return received

    def close(self) -> None:
        """Say that there is no more, give the peer a moment to read what was said last, and close.

        A socket that is closed with bytes unread resets the connection, and the reason of the end is lost.
        """
        connection = self.socket
        until = time.monotonic() + _LAST_WORD_S
        with suppress(OSError):
            if connection is not None:
                connection.shutdown(socket.SHUT_WR)
            while connection is not None and (left := until - time.monotonic()) > 0:
                connection.settimeout(left)
                if not connection.recv(_DISCARDED):
                    break
        super().close()
        if connection is not None:
            connection.close()  # the base leaves it open where the peer was faster


class CappedMessages(DIMSEServiceProvider):
    """Puts messages together that are no longer than they may be."""

    most = 1 << 30  # bytes of one message

    def is_coming(self) -> bool:
        """Tell whether a message is half here."""
        return self.message is not None

    def give_up(self, length: int) -> None:
        """End the association because a message has grown to `length` bytes."""
        cast("Counted", self.assoc).too_long = length
        self.dul.event_queue.put("Evt19")

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take the next part of a message; one too long ends the association."""
        message = self.message
        length = sum(len(data) for _, data in primitive.presentation_data_value_list)
        if message is not None:
            length += message.encoded_command_set.tell()
            length += message.data_set.tell() if message.data_set is not None else 0
        if length > self.most:
            self.message = None
            self.give_up(length)
            return
        super().receive_primitive(primitive)


TlsNow = Callable[
    [], ssl.SSLContext
]  # asked for each connection: certificates are replaced while the door is open
# Takes an instance of an association: what was announced, the data set, its transfer syntax; gives the status.
Store = Callable[["Counted", Announced, bytes, str], int]


def _nobody_takes_it(*_: object) -> int:
    return _OUT_OF_RESOURCES


class Counted(Association):
    """An association that says when it is over, and what it brought."""

    messages_class = CappedMessages

    def __init__(self, ae: ApplicationEntity, mode: str) -> None:
        super().__init__(ae, mode)
        messages = self.messages_class(self)
        messages.msg_queue = self.dimse.msg_queue
        self.dimse = self.messages = messages
        self.accepted = False
        self.serving = False  # an instance is being taken
        self.too_long = 0  # bytes of the message that was too long
        self.series: set[str] = set()  # keyed Series Instance UIDs that were taken
        self.afterwards: list[Callable[[], None]] = []  # what to do when the message has been answered
        self.over: Callable[[], None] = lambda: None
        self.store: Store = _nobody_takes_it

    def is_busy(self) -> bool:
        """Tell whether a message is coming in, waiting or being answered."""
        return self.serving or self.messages.is_coming() or not self.messages.msg_queue.empty()

    def run(self) -> None:
        """Serve, and say when it is over."""
        try:
            super().run()
        finally:
            self.over()

    def _serve_request(self, msg: Any, context_id: int) -> None:  # noqa: ANN401 - any message
        """Serve one request, and do what is to follow; answers to what was told need no answer."""
        if getattr(msg, "MessageIDBeingRespondedTo", None) is not None:
            return
        super()._serve_request(msg, context_id)
        while self.afterwards:
            self.afterwards.pop(0)()

    def belongs_to(self, server: "GuardedServer", address: str) -> None:
        """Make it one of the server's, which finds its own by this part of their names."""
        self._server = server
        self.name = f"AcceptorThread@{address}"
        self.messages.most = server.max_message
        self.over = lambda: server.left(self, address)
        self.store = server.store


class GuardedHandler(RequestHandler):
    """Makes an association on a guarded socket."""

    def _create_association(self) -> Association:
        server = cast("GuardedServer", self.server)
        association = server.association_class(self.ae, "acceptor")
        association.belongs_to(server, str(self.client_address[0]))
        connection = cast("socket.socket", self.request)
        sock = GuardedSocket(association, connection, max_pdu=server.max_pdu, deadline_s=server.deadline_s)
        association.set_socket(sock)
        acceptor = association.acceptor
        acceptor.maximum_length = self.ae.maximum_pdu_size
        acceptor.ae_title = server.ae_title
        acceptor.address_info = self.local
        acceptor.implementation_class_uid = self.ae.implementation_class_uid
        acceptor.implementation_version_name = self.ae.implementation_version_name
        acceptor.supported_contexts = server.contexts  # nobody changes them: a copy each would cost 10 ms
        association.requestor.address_info = self.remote
        for event in server.get_events():
            handlers = cast("Any", server.get_handlers(event))
            for handler, arguments in [handlers] if event.is_intervention else handlers:
                association.bind(event, handler, arguments)
        return association


class GuardedServer(ThreadedAssociationServer):
    """Accepts connections through a `Gate`."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(  # noqa: PLR0913 - what pynetdicom's server takes, and the guard's three
        self,
        ae: ApplicationEntity,
        address: tuple[str, int],
        handlers: list[EventHandlerType],
        *,
        gate: Gate,
        deadline_s: float,
        max_message: int,
        association_class: type[Counted],
        turned_away: Callable[[str, str], None],  # why, and the address
        over: Callable[[Counted], None],
        store: Store,
        tls: TlsNow | None = None,
    ) -> None:
        self.gate = gate
        self.max_pdu = ae.maximum_pdu_size
        self.deadline_s = deadline_s
        self.max_message = max_message
        self.association_class = association_class
        self._turned_away = turned_away
        self._over = over
        self.store = store
        self._tls = tls
        contexts = ae.supported_contexts
        super().__init__(
            ae, address, ae.ae_title, contexts, evt_handlers=handlers, request_handler=GuardedHandler
        )

    def verify_request(self, request: object, client_address: tuple[str, int]) -> bool:  # noqa: ARG002 - the base's
        """Let a connection in before a byte of it is read, or have it closed."""
        reason = self.gate.enter(client_address[0])
        if reason:
            self._turned_away(reason, client_address[0])
        return not reason

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the base
        """Start an association; a connection that is gone already is no error."""
        try:
            self.finish_request(self._secured(request), client_address)
        except OSError:
            self.gate.leave(client_address[0])
            self.shutdown_request(request)

    def _secured(self, connection: socket.socket) -> socket.socket:
        """Shake hands, in the connection's own thread and time. Raises OSError where that fails."""
        if self._tls is None:
            return connection
        connection.settimeout(self.deadline_s)
        return self._tls().wrap_socket(connection, server_side=True)

    def left(self, association: Counted, address: str) -> None:
        """Take note that an association is over."""
        self.gate.leave(address)
        self._over(association)

    def shutdown(self) -> None:
        """Stop accepting, and close the listening socket."""
        TCPServer.shutdown(self)
        self.server_close()
