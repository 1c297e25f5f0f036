"""The listener: associations by the rules, C-ECHO, and C-STORE answered when the instance is safe."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import cast

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at import by pynetdicom

from dicom_scp.deidentify import Announced
from dicom_scp.guard import Counted, Gate, GuardedServer, TlsNow
from dicom_scp.libraries import quiet_libraries
from dicom_scp.storage_classes import STORAGE_CLASSES, teach_pynetdicom
from dicom_scp.stores import StoringAssociation
from dicom_scp.taking import Peer, Refusal, Taker
from dicom_scp.transfer_syntaxes import TRANSFER_SYNTAXES

# How an association may begin and end; the last two never became one.
RESULTS = ("accepted", "rejected", "released", "aborted", "refused_address", "refused_too_many")
_POLL_S = 0.1
_LAST_WORD_S = 1.0  # for aborts to reach their peers
SIMPLE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)  # of services that carry no pixels


@dataclass(frozen=True, slots=True)
class ListenerConfig:
    """Where to listen, to whom, and how much of them to bear."""

    ae_title: str = "SCANSIDE"
    host: str = "127.0.0.1"
    port: int = 11112  # 0: any free one
    ae_titles: tuple[str, ...] = ()  # calling AE titles that may associate; none given: any
    networks: tuple[str, ...] = ()  # networks (CIDR) that may connect; none given: any
    max_pdu: int = 131_072  # bytes; dcmtk sends no longer ones
    pdu_deadline_s: float = 10.0  # for one PDU to arrive, and for the first one to begin
    max_associations: int = 64
    max_associations_per_peer: int = 32
    max_instance_bytes: int = 1 << 30
    idle_s: float = 300.0  # an association that says nothing for so long is aborted
    event_waits: bool = True  # False: pynetdicom's own loops, which poll


@dataclass(frozen=True, slots=True)
class Offer:
    """A service beside storage and verification: its SOP class, and the handlers that answer it."""

    sop_class_uid: str
    handlers: Sequence[EventHandlerType]


@dataclass(slots=True)
class Listener:
    """Receives instances, has each taken, and answers what came of it."""

    config: ListenerConfig
    taker: Taker
    offers: Sequence[Offer] = ()
    tls: TlsNow | None = None  # gives the context for the next connection; None: no TLS
    _server: GuardedServer | None = None
    _thread: threading.Thread | None = None

    def start(self) -> int:
        """Listen; gives the port. Raises OSError where the address cannot be had."""
        quiet_libraries()
        teach_pynetdicom()
        config = self.config
        handlers: list[EventHandlerType] = [
            (evt.EVT_C_STORE, self._stored),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_REJECTED, self._rejected),
            *(handler for offer in self.offers for handler in offer.handlers),
        ]
        self._server = GuardedServer(
            self._entity(),
            (config.host, config.port),
            handlers,
            gate=Gate(config.networks, config.max_associations, config.max_associations_per_peer),
            deadline_s=config.pdu_deadline_s,
            max_message=config.max_instance_bytes,
            association_class=StoringAssociation if config.event_waits else Counted,
            turned_away=lambda reason, address: self.taker.events.association(reason, Peer(address)),
            over=self._over,
            store=self._store,
            tls=self.tls,
        )
        serve = partial(self._server.serve_forever, _POLL_S)
        self._thread = threading.Thread(target=serve, name="door", daemon=True)
        self._thread.start()
        return self._server.server_address[1]

    def stop(self, drain_s: float = 5.0) -> None:
        """Accept no more, let what is being taken be answered (for at most `drain_s`), and abort the rest."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        until = time.monotonic() + drain_s
        aborts: dict[Counted, threading.Thread] = {}
        while associations := cast("list[Counted]", self._server.active_associations):
            late = time.monotonic() >= until
            for association in associations:
                if association not in aborts and (late or not association.is_busy()):
                    aborts[association] = threading.Thread(target=association.abort, daemon=True)
                    aborts[association].start()
            if time.monotonic() >= until + _LAST_WORD_S:
                break
            time.sleep(_POLL_S / 5)
        self._server = self._thread = None

    def admit(self, ae_titles: Sequence[str], networks: Sequence[str]) -> None:
        """Say who is let in from now on, as `config` said at the start; associations that are open stay."""
        if self._server is not None:
            self._server.gate.admit(networks)
            self._server.ae.require_calling_aet = list(ae_titles)

    def _entity(self) -> ApplicationEntity:
        config = self.config
        entity = ApplicationEntity(config.ae_title)
        entity.maximum_pdu_size = config.max_pdu
        entity.maximum_associations = config.max_associations
        entity.require_calling_aet = list(config.ae_titles)
        entity.acse_timeout = config.pdu_deadline_s
        entity.network_timeout = config.idle_s
        entity.add_supported_context(Verification)
        for uid in STORAGE_CLASSES:
            entity.add_supported_context(uid, list(TRANSFER_SYNTAXES))
        for offer in self.offers:
            entity.add_supported_context(offer.sop_class_uid, list(SIMPLE), scu_role=True, scp_role=True)
        return entity

    def _accepted(self, event: Event) -> None:
        association = cast("Counted", event.assoc)
        association.accepted = True
        self.taker.events.association("accepted", _peer(association))
        self.taker.events.active(1)

    def _rejected(self, event: Event) -> None:
        self.taker.events.association("rejected", _peer(event.assoc))

    def _over(self, association: Counted) -> None:
        if not association.accepted:
            return
        self.taker.events.active(-1)
        self.taker.events.association(
            "released" if association.is_released else "aborted", _peer(association)
        )
        if association.too_long:
            self.taker.events.refused(
                Refusal(association.too_long, "", "the instance is larger than it may be", 0)
            )
        if association.is_released:
            self.taker.events.released(association.requestor.ae_title, frozenset(association.series))

    def _stored(self, event: Event) -> int:
        """Answer a C-STORE request that came by pynetdicom's own way."""
        association = cast("Counted", event.assoc)
        request = cast("C_STORE", event.request)
        announced = Announced(
            sop_class_uid=str(request.AffectedSOPClassUID or ""),
            sop_instance_uid=str(request.AffectedSOPInstanceUID or ""),
            calling_ae_title=association.requestor.ae_title,
        )
        encoded = (request.DataSet or BytesIO()).getvalue()
        return self._store(association, announced, encoded, event.context.transfer_syntax)

    def _store(self, association: Counted, announced: Announced, encoded: bytes, syntax: str) -> int:
        """Take one instance, or not; gives the status, and never raises."""
        association.serving = True
        try:
            answer = self.taker.take(announced, encoded, syntax)
        finally:
            association.serving = False
        if answer.series_uid:
            association.series.add(answer.series_uid)
        return answer.status


def _peer(association: Association) -> Peer:
    return Peer(association.requestor.address or "", association.requestor.ae_title)
