"""The API: the review queue, and what is decided there."""

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request, Response

from inference.artifacts import NAMES
from service.access import Caller, Permission
from service.ledger.review import DecidedMeanwhile, NoSuchReview, OutOfTurn, RequestUsed, Ruling
from service.naming import NamesSomebody
from service.review.views import Case, Cursor, ReviewSelection, as_seen
from service.web.access import Reviewer, ThresholdKeeper
from service.web.api import PAGED, link_next
from service.web.deps import Cursor as PageCursor
from service.web.deps import HouseOf, IdempotencyKey, Limit
from service.web.problems import documented
from service.web.review_wire import (
    AgreementAnswer,
    NewDecision,
    ReviewAnswer,
    ReviewPage,
    agreement_answer,
    review_answer,
)
from service.web.samples_wire import SampleAnswer, SamplePage

router = APIRouter(prefix="/api/v1", tags=["review"])

NO_REVIEW = "There is no such series in review."
NEEDS_COMMENT = "A comment is needed unless the series is usable."
ETAG = {"ETag": {"description": "What If-Match of the next change holds", "schema": {"type": "string"}}}
HOUR_S = 3600.0

ReviewId = Annotated[str, Path(pattern=r"^\d{1,18}$", description="Opaque id of a series in review")]
IfMatch = Annotated[str | None, Header(max_length=80, description="ETag of what was seen")]


def version_of(if_match: str | None) -> int:
    """Read the version that was seen. Raises HTTPException: 428 where it is not told, 412 where it never was."""
    if if_match is None:
        raise HTTPException(428, "If-Match must say what was seen: the ETag.")
    text = if_match.strip('"')
    if not (text.isascii() and text.isdecimal()):
        raise HTTPException(412, DecidedMeanwhile.__doc__)
    return int(text)


def _selection(
    tier: Annotated[int, Query(ge=0, le=2, description="Who decides next; 0: what is decided")] = 1,
    scanner: Annotated[str, Query(max_length=64, description="Only what this scanner made")] = "",
    verdict: Annotated[
        Literal["Usable", "Check", "Repeat", "Not scored"] | None,
        Query(description="Only these; nothing whose verdict is hidden"),
    ] = None,
    artifact: Annotated[
        str, Query(max_length=32, description="Only where the model found this one (see /artifacts)")
    ] = "",
    older_than_h: Annotated[
        float | None, Query(ge=0, le=87600, description="Only what waits for so many hours")
    ] = None,
) -> ReviewSelection:
    if artifact and artifact not in NAMES:
        raise HTTPException(422, "artifact must be a name of the catalogue.")
    before = None if older_than_h is None else time.time() - older_than_h * HOUR_S
    return ReviewSelection(tier, scanner, verdict, artifact, before)


@router.get("/reviews", summary="The review queue", responses=PAGED)
def list_reviews(
    request: Request,
    response: Response,
    house: HouseOf,
    caller: Reviewer,
    selection: Annotated[ReviewSelection, Depends(_selection)],
    limit: Limit = 50,
    cursor: PageCursor = None,
) -> ReviewPage:
    """List what waits, the longest first, or what is decided, the newest first."""
    book = house.reviewing.book
    cases, following = book.queue(selection, limit, cursor)
    link_next(request, response, following)
    return ReviewPage(
        items=[review_answer(as_seen(case, caller.name)) for case in cases],
        next_cursor=following,
        waiting={str(tier): count for tier, count in book.waiting().items()},
    )


@router.get(
    "/reviews/{review_id}",
    summary="One series in review",
    responses={200: {"headers": ETAG}, **documented(401, 403, 404)},
)
def get_review(response: Response, review_id: ReviewId, house: HouseOf, caller: Reviewer) -> ReviewAnswer:
    """Tell one series in review and what was decided on it, as far as the caller may know it yet."""
    case = house.reviewing.book.case(int(review_id))
    if case is None:
        raise HTTPException(404, NO_REVIEW)
    return _told(response, case, caller)


@router.post(
    "/reviews/{review_id}/decisions",
    summary="Decide",
    status_code=201,
    responses={201: {"headers": ETAG}, **documented(401, 403, 404, 409, 412, 413, 428)},
)
def decide(
    response: Response,
    review_id: ReviewId,
    house: HouseOf,
    caller: Reviewer,
    given: NewDecision,
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> ReviewAnswer:
    """Decide on a series, or hand it on to the second tier; nothing that was decided before is lost."""
    version = version_of(if_match)
    if given.tier == 2 and Permission.DECIDE not in caller.permissions:
        raise HTTPException(403, f"The second tier needs the permission {Permission.DECIDE}.")
    if given.decision != "usable" and not given.comment:
        raise HTTPException(422, NEEDS_COMMENT)
    book = house.reviewing.book
    case = book.case(int(review_id))
    if case is None:
        raise HTTPException(404, NO_REVIEW)
    ruling = Ruling(
        review_id=int(review_id),
        tier=given.tier,
        decision=given.decision,
        comment=given.comment,
        tags=tuple(dict.fromkeys(given.tags)),
        cursor=None if given.cursor is None else Cursor(given.cursor.slice, given.cursor.x, given.cursor.y),
        author=caller.name,
        role=caller.role or "",
        key=idempotency_key,
    )
    try:
        house.reviewing.screen(given.comment, caller.name, [case.review.series_id])
        return _told(response, book.decide(ruling, version), caller)
    except NamesSomebody as error:
        raise HTTPException(422, str(error)) from error
    except NoSuchReview as error:
        raise HTTPException(404, NO_REVIEW) from error
    except OutOfTurn as error:
        raise HTTPException(409, str(error)) from error
    except DecidedMeanwhile as error:
        raise HTTPException(412, str(error)) from error
    except RequestUsed as error:
        raise HTTPException(422, str(error)) from error


@router.get("/agreement", summary="How far model and reviewers agree", responses=documented(401, 403))
def get_agreement(
    house: HouseOf,
    _caller: Reviewer,
    days: Annotated[float, Query(gt=0, le=3650, description="Decided in the last days")] = 90,
    scanner: Annotated[str, Query(max_length=64, description="Only what this scanner made")] = "",
    protocol: Annotated[
        str, Query(pattern=r"^(\d{1,18}-[A-Z2-7]{1,32})?$", description="Only this one (see /protocols)")
    ] = "",
) -> AgreementAnswer:
    """Give kappa, precision of alerts and the missed rate, each with its interval."""
    return agreement_answer(house.reviewing.agreement(days, scanner, protocol), days)


@router.get("/samples", summary="What people decided, as labelled samples", responses=PAGED)
def list_samples(
    request: Request,
    response: Response,
    house: HouseOf,
    _caller: ThresholdKeeper,
    limit: Limit = 50,
    cursor: Annotated[
        str | None, Query(pattern=r"^\d{1,18}$", description="`next_cursor` of the page before")
    ] = None,
) -> SamplePage:
    """List every decided series with its labels and without identity; pictures come by `scanside samples`."""
    items, following = house.reviewing.samples(limit, int(cursor or 0))
    after = None if following is None else str(following)
    link_next(request, response, after)
    return SamplePage(items=[SampleAnswer.model_validate(item) for item in items], next_cursor=after)


def _told(response: Response, case: Case, caller: Caller) -> ReviewAnswer:
    response.headers["ETag"] = f'"{case.review.version}"'
    return review_answer(as_seen(case, caller.name))
