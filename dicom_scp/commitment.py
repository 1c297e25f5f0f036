"""Storage Commitment as SCP (PS3.4, annex J), which never commits: what is kept here is a copy that leaves again.

A request is a hint that its sender has sent everything it names. The answer is always event type 2 with every instance
in the Failed SOP Sequence: by its own association to a sender whose address is known, else on the one that asked.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import cast

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_role, evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.dsutils import encode
from pynetdicom.events import Event, EventHandlerType

from dicom_scp.deidentify import check_uid
from dicom_scp.errors import NotUnderstood
from dicom_scp.guard import Counted
from dicom_scp.identity import KeyRing

PUSH_MODEL, PUSH_MODEL_INSTANCE = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
_REQUEST, _SOME_FAILED = 1, 2  # action type and event type, PS3.4, tables J.3-1 and J.3-2
_NOT_KEPT = 0x0110  # Failure Reason: processing failure, PS3.3, C.14.1.1
_SUCCESS, _NO_SUCH_ACTION, _INVALID_ARGUMENT = 0x0000, 0x0123, 0x0115  # PS3.7, annex C
_MOST_INSTANCES = 100_000
_ANSWER_S = 10.0

# Hears which instances (keyed UIDs) a sender asks to keep.
Hint = Callable[[frozenset[str]], None]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a sender takes the answer to a commitment request."""

    host: str
    port: int


def handlers(
    hint: Hint, keyring: KeyRing, addresses: Mapping[str, Address], ae_title: str
) -> list[EventHandlerType]:
    """Give what answers N-ACTION of a listener; `addresses` by the sender's AE title."""
    return [(evt.EVT_N_ACTION, _asked, [hint, keyring, addresses, ae_title])]


def _asked(
    event: Event, hint: Hint, keyring: KeyRing, addresses: Mapping[str, Address], ae_title: str
) -> tuple[int, None]:
    """Answer a request, and say afterwards that nothing was committed."""
    association = cast("Counted", event.assoc)
    if event.action_type != _REQUEST:
        return _NO_SUCH_ACTION, None
    try:
        named, refusal = read_request(event.action_information)
    except Exception:  # noqa: BLE001 - whatever stands there, it cannot be read, and no text of it may be told
        return _INVALID_ARGUMENT, None
    sender = association.requestor.ae_title
    address = addresses.get(sender)

    def answer() -> None:
        hint(frozenset(map(keyring.uid, named)))
        if address is None:
            _tell_here(association, event.context.context_id, refusal, event.context.transfer_syntax)
        else:
            told = threading.Thread(target=tell, args=(address, sender, ae_title, refusal), daemon=True)
            told.start()

    association.afterwards.append(answer)
    return _SUCCESS, None


def read_request(information: Dataset) -> tuple[list[str], Dataset]:
    """Give the SOP Instance UIDs of a request, and its refusal. Raises NotUnderstood, ValueError, AttributeError."""
    transaction = str(information.TransactionUID)
    check_uid(transaction)
    items = list(information.ReferencedSOPSequence)
    if not 0 < len(items) <= _MOST_INSTANCES:
        raise NotUnderstood("a commitment request names no instances, or too many")
    refusal = Dataset()
    refusal.TransactionUID = transaction
    refusal.FailedSOPSequence = [_failed(item) for item in items]
    return [str(item.ReferencedSOPInstanceUID) for item in items], refusal


def _failed(item: Dataset) -> Dataset:
    failed = Dataset()
    failed.ReferencedSOPClassUID = str(item.ReferencedSOPClassUID)
    failed.ReferencedSOPInstanceUID = str(item.ReferencedSOPInstanceUID)
    check_uid(failed.ReferencedSOPClassUID)
    check_uid(failed.ReferencedSOPInstanceUID)
    failed.FailureReason = _NOT_KEPT
    return failed


def _tell_here(association: Counted, context_id: int, refusal: Dataset, syntax: str) -> None:
    """Send the refusal on the association that asked; its answer is heard and forgotten."""
    report = N_EVENT_REPORT()
    report.MessageID = 1
    report.AffectedSOPClassUID = PUSH_MODEL
    report.AffectedSOPInstanceUID = PUSH_MODEL_INSTANCE
    report.EventTypeID = _SOME_FAILED
    encoded = encode(refusal, syntax == ImplicitVRLittleEndian, is_little_endian=True)
    if encoded is not None:
        report.EventInformation = BytesIO(encoded)
        association.dimse.send_msg(report, context_id)


def tell(address: Address, called: str, calling: str, refusal: Dataset) -> bool:
    """Send the refusal by an association of its own; tells whether it was taken. Never raises."""
    try:
        return _told(address, called, calling, refusal)
    except (OSError, RuntimeError, ValueError):  # no such host, or the association broke
        return False


def _told(address: Address, called: str, calling: str, refusal: Dataset) -> bool:
    entity = ApplicationEntity(calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = (
        _ANSWER_S
    )
    entity.add_requested_context(PUSH_MODEL, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    role = build_role(PUSH_MODEL, scp_role=True)
    association = entity.associate(address.host, address.port, ae_title=called, ext_neg=[role])
    if not association.is_established:
        return False
    try:
        status, _ = association.send_n_event_report(refusal, _SOME_FAILED, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    finally:
        association.release()
    return bool(status.get("Status") == _SUCCESS)
