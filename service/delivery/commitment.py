"""Storage commitment as SCU: an archive is asked to say that it keeps what it took (PS3.4, annex J)."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.events import Event, EventHandlerType

from dicom_scp.commitment_report import (
    PUSH_MODEL,
    PUSH_MODEL_INSTANCE,
    CommitmentReport,
    TakeReport,
    answer_report,
)
from service.delivery.base import Undelivered
from service.scu import Context

CONTEXT: Context = (PUSH_MODEL, ImplicitVRLittleEndian)
ANSWERS_AT_ONCE_S = 0.5  # for a report on the association that asked; a later one comes to the listener
_REQUEST = 1  # action type, PS3.4 table J.3-1


@dataclass(frozen=True, slots=True)
class Reports:
    """Takes what is reported on the association that asked."""

    take: TakeReport
    came: threading.Event = field(default_factory=threading.Event)

    def handlers(self) -> list[EventHandlerType]:
        """Give the handlers of such an association."""
        return [(evt.EVT_N_EVENT_REPORT, self._answer)]

    def _answer(self, event: Event) -> tuple[int, None]:
        answer = answer_report(event, self._taken)
        self.came.set()
        return answer

    def _taken(self, report: CommitmentReport) -> bool:
        return self.take(report)


def request_commitment(association: Association, transaction: str, objects: Mapping[str, str]) -> None:
    """Ask for objects: SOP Instance UID -> SOP Class UID. Raises Undelivered with the archive's answer."""
    information = Dataset()
    information.TransactionUID = transaction
    information.ReferencedSOPSequence = [_reference(*one) for one in objects.items()]
    try:
        status, _ = association.send_n_action(information, _REQUEST, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    except ValueError as error:
        raise Undelivered("storage commitment is not accepted") from error
    except RuntimeError as error:
        raise Undelivered("storage commitment: association lost") from error
    code: int | None = getattr(status, "Status", None)
    if code != 0x0000:
        said = "no answer" if code is None else f"0x{code:04X}"
        raise Undelivered(f"storage commitment: {said}")


def _reference(sop_instance_uid: str, sop_class_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    return item
