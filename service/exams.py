"""What the door does with procedure steps and commitment requests: both are evidence that a series is over."""

import logging
from collections.abc import Callable

from dicom_scp import commitment, mpps
from dicom_scp.listener import Offer
from service.bootstrap import Foundation
from service.ledger import (
    ExamEnded,
    ExamKnown,
    ExamNote,
    Exams,
    ExamState,
    ExamUnknown,
    Intake,
    LedgerUnavailable,
)

log = logging.getLogger(__name__)


def offers(foundation: Foundation, intake: Intake) -> tuple[Offer, ...]:
    """Give the services that the settings switch on."""
    settings, keyring = foundation.settings, foundation.keyring
    offered: list[Offer] = []
    if settings.mpps:
        exams = Exams(foundation.database)
        answers = mpps.handlers(_noting(exams.begun), _noting(exams.told), keyring)
        offered.append(Offer(mpps.PROCEDURE_STEP, answers))
    if settings.commitment == "signal":
        addresses = {
            entry.ae_title: commitment.Address(entry.host, entry.port)
            for entry in settings.scanner
            if entry.ae_title and entry.host and entry.port
        }
        answers = commitment.handlers(_hinting(intake), keyring, addresses, settings.ae_title)
        offered.append(Offer(commitment.PUSH_MODEL, answers))
    return tuple(offered)


def _noting(note: Callable[[ExamNote], None]) -> mpps.TakeStep:
    """Give the function that notes a step, with the ledger's words turned into the door's."""

    def take(step: mpps.Step) -> None:
        state = ExamState(step.state) if step.state else None
        try:
            note(ExamNote(step.uid, step.study_uid, state, step.made))
        except ExamKnown as error:
            raise mpps.StepKnown(mpps.StepKnown.__doc__) from error
        except ExamUnknown as error:
            raise mpps.StepUnknown(mpps.StepUnknown.__doc__) from error
        except ExamEnded as error:
            raise mpps.StepEnded(mpps.StepEnded.__doc__) from error
        except LedgerUnavailable as error:
            raise mpps.StepProblem(mpps.StepProblem.__doc__) from error
        log.info("procedure step", extra={"exam": step.uid, "state": step.state})

    return take


def _hinting(intake: Intake) -> commitment.Hint:
    def hint(uids: frozenset[str]) -> None:
        try:
            intake.committed(uids)
        except LedgerUnavailable:
            log.warning("commitment request not noted: ledger unavailable")

    return hint
