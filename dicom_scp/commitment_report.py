"""What an archive says about objects that it was asked to keep: an N-EVENT-REPORT of PS3.4, annex J.3."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pynetdicom.events import Event

PUSH_MODEL = "1.2.840.10008.1.20.1"
PUSH_MODEL_INSTANCE = "1.2.840.10008.1.20.1.1"
ALL_KEPT, SOME_FAILED = 1, 2  # event types, PS3.4 table J.3-2
PROCESSING_FAILURE = 0x0110
# PS3.7, annex C
_SUCCESS, _NO_SUCH_EVENT, _INVALID_ARGUMENT = 0x0000, 0x0113, 0x0115
_MOST_OBJECTS = 10_000


class NotAReport(ValueError):
    """This is no report of a storage commitment."""


@dataclass(frozen=True, slots=True)
class CommitmentReport:
    """Which objects of one request an archive keeps, and which it does not."""

    transaction_uid: str
    kept: frozenset[str] = frozenset()  # SOP Instance UIDs
    failed: Mapping[str, int] = field(default_factory=dict[str, int])  # SOP Instance UID -> failure reason


# Takes a report; False where nobody asked for it.
TakeReport = Callable[[CommitmentReport], bool]


def nobody_asked(_: CommitmentReport) -> bool:
    """Take no report: nobody asks for commitment."""
    return False


def read_report(event_type: int, information: Dataset) -> CommitmentReport:
    """Read the event information. Raises NotAReport."""
    if event_type not in {ALL_KEPT, SOME_FAILED}:
        raise NotAReport(NotAReport.__doc__)
    kept = information.get("ReferencedSOPSequence") or []
    failed = information.get("FailedSOPSequence") or []
    transaction = str(information.get("TransactionUID") or "")
    if not transaction or len(transaction) > 64 or len(kept) + len(failed) > _MOST_OBJECTS:
        raise NotAReport(NotAReport.__doc__)
    return CommitmentReport(
        transaction,
        frozenset(str(item.get("ReferencedSOPInstanceUID", "")) for item in kept),
        {
            str(item.get("ReferencedSOPInstanceUID", "")): int(
                item.get("FailureReason") or PROCESSING_FAILURE
            )
            for item in failed
        },
    )


def answer_report(event: Event, take: TakeReport) -> tuple[int, None]:
    """Answer a report: a handler for pynetdicom's ``EVT_N_EVENT_REPORT``, with `take` as its argument."""
    event_type = event.event_type or 0
    if event_type not in {ALL_KEPT, SOME_FAILED}:
        return _NO_SUCH_EVENT, None
    try:
        report = read_report(event_type, event.event_information)
    except Exception:  # noqa: BLE001 - whatever stands there, it cannot be read
        return _INVALID_ARGUMENT, None
    try:
        return (_SUCCESS if take(report) else _INVALID_ARGUMENT), None
    except Exception:  # noqa: BLE001 - not noted, so not taken: the archive may tell it again
        return PROCESSING_FAILURE, None
