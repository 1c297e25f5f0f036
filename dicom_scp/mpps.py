"""Modality Performed Procedure Step as SCP (PS3.4, annex F): a scanner tells of an exam, its end and what it made.

Of what it tells only states and keyed UIDs leave this module: who the exam is of is read by nobody and kept nowhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.events import Event, EventHandlerType

from dicom_scp.deidentify import check_uid
from dicom_scp.errors import NotUnderstood
from dicom_scp.identity import KeyRing

PROCEDURE_STEP = "1.2.840.10008.3.1.2.3.3"
IN_PROGRESS, COMPLETED, DISCONTINUED = "IN PROGRESS", "COMPLETED", "DISCONTINUED"  # PS3.3, C.4.14
_SUCCESS = 0x0000
_INVALID_VALUE, _PROCESSING_FAILURE, _DUPLICATE = 0x0106, 0x0110, 0x0111  # PS3.7, annex C
_NO_SUCH_INSTANCE, _MISSING_ATTRIBUTE = 0x0112, 0x0120
_MAY_NO_LONGER_BE_UPDATED = 0xA506  # Error ID, PS3.4, table F.7.2-2
_MOST_INSTANCES = 100_000


class StepProblem(Exception):
    """The procedure step cannot be taken."""

    status = _PROCESSING_FAILURE
    error_id = 0


class StepKnown(StepProblem):
    """There is such a procedure step already."""

    status = _DUPLICATE


class StepUnknown(StepProblem):
    """There is no such procedure step."""

    status = _NO_SUCH_INSTANCE


class StepEnded(StepProblem):
    """The procedure step may no longer be updated."""

    error_id = _MAY_NO_LONGER_BE_UPDATED


class BadStep(StepProblem):
    """A value of the procedure step is none that it may have."""

    status = _INVALID_VALUE


class StateMissing(StepProblem):
    """The procedure step has no status."""

    status = _MISSING_ATTRIBUTE


@dataclass(frozen=True, slots=True)
class Step:
    """What a scanner tells of a procedure step; every UID is keyed."""

    uid: str
    study_uid: str  # "" where it is not told: an N-SET need not
    state: str  # "" where it does not change
    made: Mapping[str, tuple[str, ...]]  # Series Instance UID -> SOP Instance UIDs


# Takes a step; raises StepProblem.
TakeStep = Callable[[Step], None]


def handlers(begun: TakeStep, told: TakeStep, keyring: KeyRing) -> list[EventHandlerType]:
    """Give what answers N-CREATE and N-SET of a listener."""
    return [(evt.EVT_N_CREATE, _created, [begun, keyring]), (evt.EVT_N_SET, _set, [told, keyring])]


def _created(event: Event, begun: TakeStep, keyring: KeyRing) -> tuple[int | Dataset, Dataset | None]:
    """Answer an N-CREATE; the SCP makes the UID where the SCU gives none (PS3.7, 10.1.5.1.4)."""
    request = event.request
    given = str(request.AffectedSOPInstanceUID or "")  # type: ignore[union-attr] # it is an N-CREATE

    uid = given or str(generate_uid())

    def take() -> None:
        step = read_step(uid, event.attribute_list, keyring)
        if not step.state:
            raise StateMissing(StateMissing.__doc__)
        if step.state != IN_PROGRESS:
            raise BadStep(BadStep.__doc__)
        begun(step)

    made = Dataset()
    made.AffectedSOPInstanceUID = uid
    return _answered(take), None if given else made


def _set(event: Event, told: TakeStep, keyring: KeyRing) -> tuple[int | Dataset, Dataset | None]:
    """Answer an N-SET."""
    uid = str(event.request.RequestedSOPInstanceUID or "")  # type: ignore[union-attr] # it is an N-SET
    return _answered(lambda: told(read_step(uid, event.modification_list, keyring))), None


def _answered(take: Callable[[], None]) -> int | Dataset:
    """Give the status of the answer; with an Error ID where the Standard has one."""
    try:
        take()
    except StepProblem as problem:
        if not problem.error_id:
            return problem.status
        told = Dataset()
        told.Status, told.ErrorID = problem.status, problem.error_id
        told.ErrorComment = problem.__doc__
        return told
    except Exception:  # noqa: BLE001 - whatever it was, the step is not noted, and no text of it may be told
        return _PROCESSING_FAILURE
    return _SUCCESS


def read_step(uid: str, attributes: Dataset, keyring: KeyRing) -> Step:
    """Read what is told of a step. Raises BadStep."""
    try:
        state = str(attributes.get("PerformedProcedureStepStatus") or "")
        if state not in {"", IN_PROGRESS, COMPLETED, DISCONTINUED}:
            raise BadStep(BadStep.__doc__)
        scheduled = attributes.get("ScheduledStepAttributesSequence") or []
        study = next((str(item.get("StudyInstanceUID") or "") for item in scheduled), "")
        return Step(
            _keyed(uid, keyring), _keyed(study, keyring) if study else "", state, _made(attributes, keyring)
        )
    except (NotUnderstood, TypeError, ValueError, AttributeError) as error:
        raise BadStep(BadStep.__doc__) from error


def _made(attributes: Dataset, keyring: KeyRing) -> dict[str, tuple[str, ...]]:
    made: dict[str, tuple[str, ...]] = {}
    left = _MOST_INSTANCES
    for item in attributes.get("PerformedSeriesSequence") or []:
        images = item.get("ReferencedImageSequence") or []
        others = item.get("ReferencedNonImageCompositeSOPInstanceSequence") or []
        named = [str(one.ReferencedSOPInstanceUID) for one in (*images, *others)]
        left -= len(named)
        if left < 0:
            raise BadStep(BadStep.__doc__)
        made[_keyed(str(item.SeriesInstanceUID), keyring)] = tuple(_keyed(one, keyring) for one in named)
    return made


def _keyed(uid: str, keyring: KeyRing) -> str:
    check_uid(uid)
    return keyring.uid(uid)
