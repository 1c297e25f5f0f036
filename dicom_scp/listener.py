"""The listener: associations by the rules, C-ECHO, and C-STORE answered when the instance is safe."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import cast

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at import by pynetdicom

from dicom_scp.deidentify import SCORED_CLASSES, TRANSFER_SYNTAXES, Announced, Deidentifier, check_uid
from dicom_scp.errors import Refused, Skipped
from dicom_scp.guard import Counted, Gate, GuardedServer
from dicom_scp.instance import Facts, Instance
from dicom_scp.libraries import quiet_libraries
from dicom_scp.storage_classes import STORAGE_CLASSES, teach_pynetdicom
from dicom_scp.stores import StoringAssociation

# How an association may begin and end; the last two never became one.
RESULTS = ("accepted", "rejected", "released", "aborted", "refused_address", "refused_too_many")
SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700  # PS3.4, table B.2-1
_POLL_S = 0.1
_LAST_WORD_S = 1.0  # for aborts to reach their peers
_LOG = logging.getLogger(__name__)


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
class Refusal:
    """An instance that was not taken: enough to find it at the sender, nothing of what it holds."""

    size: int  # bytes of the encoded data set
    digest: str  # SHA-256 of the encoded data set, hexadecimal; "" where it was cut off
    reason: str
    status: int  # DIMSE status that was answered; 0 where the association was aborted


def _nothing(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class DoorEvents:
    """Callables that hear what happens at the door, each in the thread of its association."""

    association: Callable[[str], None] = _nothing  # one of RESULTS
    active: Callable[[int], None] = _nothing  # +1 and -1
    skipped: Callable[[str, Facts | None], None] = _nothing  # reason
    refused: Callable[[Refusal], None] = _nothing
    released: Callable[[str, frozenset[str]], None] = _nothing  # calling AE title, keyed Series Instance UIDs
    stored: Callable[[float, int, int], None] = (
        _nothing  # seconds, status, bytes; for all that was not skipped
    )


@dataclass(slots=True)
class Listener:
    """Receives instances, takes their identity off, hands them to `receive`, and answers what that gives."""

    config: ListenerConfig
    receive: Callable[[Instance], int]  # gives the DIMSE status
    deidentifier: Deidentifier
    events: DoorEvents = field(default_factory=DoorEvents)
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
        ]
        self._server = GuardedServer(
            self._entity(),
            (config.host, config.port),
            handlers,
            gate=Gate(config.networks, config.max_associations, config.max_associations_per_peer),
            deadline_s=config.pdu_deadline_s,
            max_message=config.max_instance_bytes,
            association_class=StoringAssociation if config.event_waits else Counted,
            turned_away=self.events.association,
            over=self._over,
            store=self._store,
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
        return entity

    def _accepted(self, event: Event) -> None:
        association = cast("Counted", event.assoc)
        association.accepted = True
        self.events.association("accepted")
        self.events.active(1)

    def _rejected(self, event: Event) -> None:  # noqa: ARG002 - what pynetdicom calls it with
        self.events.association("rejected")

    def _over(self, association: Counted) -> None:
        if not association.accepted:
            return
        self.events.active(-1)
        self.events.association("released" if association.is_released else "aborted")
        if association.too_long:
            self.events.refused(Refusal(association.too_long, "", "the instance is larger than it may be", 0))
        if association.is_released:
            self.events.released(association.requestor.ae_title, frozenset(association.series))

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
        began = time.perf_counter()
        association.serving = True
        try:
            status = self._taken(association, announced, encoded, syntax)
        except Skipped as skipped:
            self.events.skipped(str(skipped), None)
            return SUCCESS
        except Refused as refused:
            status = self._refused(encoded, str(refused), refused.status)
        except OSError as error:
            reason = f"the instance could not be kept ({type(error).__name__})"
            status = self._refused(encoded, reason, OUT_OF_RESOURCES)
        except Exception as error:  # noqa: BLE001 - top of the thread: the sender must not think it safe
            # The message may hold values of the header, so only the kind is told, and where.
            _LOG.error("store_failed", extra={"error": type(error).__name__, "where": _where(error)})
            status = self._refused(encoded, "the instance could not be kept", OUT_OF_RESOURCES)
        finally:
            association.serving = False
        self.events.stored(time.perf_counter() - began, status, len(encoded))
        return status

    def _taken(self, association: Counted, announced: Announced, encoded: bytes, syntax: str) -> int:
        """Take one instance; gives the status. Raises Refused, Skipped among them, and OSError."""
        for uid in (announced.sop_class_uid, announced.sop_instance_uid):
            check_uid(uid)
        if announced.sop_class_uid not in SCORED_CLASSES:
            raise Skipped("not an MR image")
        instance = self.deidentifier(encoded, syntax, announced=announced)
        status = self.receive(instance)
        if status == SUCCESS:
            association.series.add(instance.series_instance_uid)
        return status

    def _refused(self, encoded: bytes, reason: str, status: int) -> int:
        self.events.refused(Refusal(len(encoded), hashlib.sha256(encoded).hexdigest(), reason, status))
        return status


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
