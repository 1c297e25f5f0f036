"""How one instance is taken, whatever way it came: de-identified, handed on, answered, and told."""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dicom_scp.deidentify import SCORED_CLASSES, Announced, Deidentifier, check_uid
from dicom_scp.errors import Mismatch, Refused, Skipped
from dicom_scp.instance import Facts, Instance
from dicom_scp.own import OWN

SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700  # PS3.4, table B.2-1
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An instance that was not taken: enough to find it at the sender, nothing of what it holds."""

    size: int  # bytes of the encoded data set
    digest: str  # SHA-256 of the encoded data set, hexadecimal; "" where it was cut off
    reason: str
    status: int  # DIMSE status that was answered; 0 where the association was aborted


def _nothing(*_: object) -> None:
    """Do nothing."""


def _never(_: str) -> bool:
    """Tell of nothing that it is ours."""
    return False


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end."""

    address: str
    ae_title: str = ""  # calling; "": it was turned away before it could say


@dataclass(frozen=True, slots=True)
class DoorEvents:
    """Callables that hear what happens at the door, each in the thread of its association."""

    association: Callable[[str, Peer], None] = _nothing  # one of RESULTS of the listener
    active: Callable[[int], None] = _nothing  # +1 and -1
    skipped: Callable[[str, Facts | None], None] = _nothing  # reason
    refused: Callable[[Refusal], None] = _nothing
    released: Callable[[str, frozenset[str]], None] = _nothing  # calling AE title, keyed Series Instance UIDs
    stored: Callable[[float, int, int], None] = (
        _nothing  # seconds, status, bytes; for all that was not skipped
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one instance."""

    status: int  # DIMSE status
    dropped: str = ""  # why a sound instance is not kept
    series_uid: str = ""  # keyed, of an instance that was kept


@dataclass(frozen=True, slots=True)
class Taker:
    """Takes the identity off instances and hands them to `receive`."""

    receive: Callable[[Instance], int]  # gives the DIMSE status
    deidentifier: Deidentifier
    events: DoorEvents = field(default_factory=DoorEvents)
    is_own: Callable[[str], bool] = _never  # whether a SOP Instance UID is of something that we have sent

    def take(self, announced: Announced, encoded: bytes, syntax: str, *, study_uid: str = "") -> Answer:
        """Take one instance, or not; never raises.

        Args:
            announced: what was said of it beforehand; both UIDs have to be there.
            encoded: the data set.
            syntax: its transfer syntax.
            study_uid: keyed Study Instance UID that it has to be of; "" for any.

        """
        began = time.perf_counter()
        try:
            answer = self._taken(announced, encoded, syntax, study_uid)
        except Skipped as skipped:
            self.events.skipped(str(skipped), None)
            return Answer(SUCCESS, dropped=str(skipped))
        except Refused as refused:
            answer = self._refused(encoded, str(refused), refused.status)
        except OSError as error:
            reason = f"the instance could not be kept ({type(error).__name__})"
            answer = self._refused(encoded, reason, OUT_OF_RESOURCES)
        except Exception as error:  # noqa: BLE001 - top of the thread: the sender must not think it safe
            # The message may hold values of the header, so only the kind is told, and where.
            _LOG.error("store_failed", extra={"error": type(error).__name__, "where": _where(error)})
            answer = self._refused(encoded, "the instance could not be kept", OUT_OF_RESOURCES)
        self.events.stored(time.perf_counter() - began, answer.status, len(encoded))
        return answer

    def refuse(self, received: bytes, reason: str, status: int) -> Answer:
        """Tell of what came in the place of an instance and is none."""
        answer = self._refused(received, reason, status)
        self.events.stored(0.0, status, len(received))
        return answer

    def _refused(self, encoded: bytes, reason: str, status: int) -> Answer:
        self.events.refused(Refusal(len(encoded), hashlib.sha256(encoded).hexdigest(), reason, status))
        return Answer(status)

    def _taken(self, announced: Announced, encoded: bytes, syntax: str, study_uid: str) -> Answer:
        for uid in (announced.sop_class_uid, announced.sop_instance_uid):
            check_uid(uid)
        if self.is_own(announced.sop_instance_uid):
            raise Skipped(OWN)
        if announced.sop_class_uid not in SCORED_CLASSES:
            raise Skipped("not an MR image")
        instance = self.deidentifier(encoded, syntax, announced=announced)
        if study_uid not in {"", instance.study_instance_uid}:
            raise Mismatch("the instance is of another study than was announced")
        status = self.receive(instance)
        return Answer(status, series_uid=instance.series_instance_uid if status == SUCCESS else "")


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
