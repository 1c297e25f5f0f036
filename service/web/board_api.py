"""The API of scanners' boards and exams: who scans, what was made, that it was seen, and whose images they are."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Path, Response

from service.board_views import MadeView, ScannerView, StudyView
from service.ledger.feedback import KeyUsed, NoSuchSeries, NoVerdict, SaidMeanwhile, Saying
from service.web.access import NO_SERIES, Acknowledger, IdentityReader, Reader, VisibleSeries
from service.web.answers import instant, series_answer
from service.web.board_wire import (
    MadeAnswer,
    PatientAnswer,
    ScannerAnswer,
    ScannerList,
    StepAnswer,
    StudyAnswer,
)
from service.web.deps import HouseOf
from service.web.house import House, KeyElsewhere, NoIdentity
from service.web.problems import documented

router = APIRouter(prefix="/api/v1", tags=["boards"])

BOARD = "board"  # what a board, which is no person, is called where a person's role stands

StudyId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,80}$", description="Opaque id of an exam")]


def _scanner_answer(view: ScannerView) -> ScannerAnswer:
    return ScannerAnswer(
        name=view.name,
        last_instance_at=None if view.last_instance_at is None else instant(view.last_instance_at),
        open=view.open,
        verdict=view.verdict,
        series=view.series,
    )


@router.get("/scanners", summary="Scanners", responses=documented(401, 403))
def list_scanners(house: HouseOf, caller: Reader) -> ScannerList:
    """List the scanners that have a board: to a board its own."""
    shown = [view for view in house.boards.scanners() if caller.scanner in {"", view.name}]
    return ScannerList(items=[_scanner_answer(view) for view in shown])


def _made(house: House, study: StudyView) -> Iterator[MadeAnswer]:
    def answer(one: MadeView) -> MadeAnswer | None:
        view = house.ledger.series_view(one.id)
        if view is None:
            return None
        return MadeAnswer(series=series_answer(view), began_at=instant(one.began_at), repeats=one.repeats)

    return (told for one in study.made if (told := answer(one)) is not None)


@router.get("/studies/{study_id}", summary="One exam", responses=documented(401, 403, 404))
def get_study(study_id: StudyId, house: HouseOf, caller: Reader) -> StudyAnswer:
    """Tell the series of an exam in the order of their arrival, and what the scanner tells of the exam."""
    study = house.boards.study(study_id, caller.scanner)
    if study is None:
        raise HTTPException(404, "There is no such exam.")
    steps = [
        StepAnswer(
            state=step.state,
            opened_at=instant(step.opened_at),
            ended_at=None if step.ended_at is None else instant(step.ended_at),
            series=step.series,
            told=step.told,
            never_came=step.never_came,
        )
        for step in study.steps
    ]
    return StudyAnswer(id=study.id, items=list(_made(house, study)), steps=steps)


@router.post(
    "/series/{series_id}/acknowledgement",
    summary="Say that the verdict was seen",
    status_code=204,
    responses=documented(401, 403, 404, 409, 412, 413, 428),
)
def acknowledge(
    series_id: VisibleSeries,
    house: HouseOf,
    caller: Acknowledger,
    idempotency_key: Annotated[
        str, Header(pattern=r"^[A-Za-z0-9._-]{8,64}$", description="The same again counts once")
    ],
    if_match: Annotated[str | None, Header(max_length=80, description="ETag of the feedback seen")] = None,
) -> None:
    """Note that somebody at this screen saw the verdict; what they think of it is feedback."""
    if if_match is None:
        raise HTTPException(428, "If-Match must say what was seen: the ETag of the feedback.")
    saying = Saying(series_id, "acknowledged", caller.name, caller.role or BOARD, idempotency_key)
    try:
        house.feedback.say(saying, if_match.strip('"'))
    except NoSuchSeries as error:
        raise HTTPException(404, NO_SERIES) from error
    except NoVerdict as error:
        raise HTTPException(409, str(error)) from error
    except SaidMeanwhile as error:
        raise HTTPException(412, str(error)) from error
    except KeyUsed as error:
        raise HTTPException(422, str(error)) from error


@router.post(
    "/series/{series_id}/identity",
    summary="Whose images they are",
    responses=documented(401, 403, 404, 410),
)
def show_identity(
    response: Response, series_id: VisibleSeries, house: HouseOf, caller: IdentityReader
) -> PatientAnswer:
    """Tell name and ID of the patient, once it is on record who asked."""
    if house.ledger.series_view(series_id) is None:
        raise HTTPException(404, NO_SERIES)
    try:
        patient = house.whose(series_id, caller.name)
    except NoIdentity as error:
        raise HTTPException(410, str(error)) from error
    except KeyElsewhere as error:
        raise HTTPException(503, str(error)) from error
    response.headers["Cache-Control"] = "no-store"
    return PatientAnswer(name=patient.name, number=patient.number)
