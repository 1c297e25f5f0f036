"""The API: thresholds of protocols, tried on past series before anybody accepts them."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from inference.verdict import Thresholds
from service.ledger.review import RequestUsed
from service.ledger.thresholds import Acceptance, AcceptedMeanwhile, NoSuchProtocol, NotTried
from service.naming import NamesSomebody
from service.review.thresholds import TooFew
from service.web.access import Reviewer, ThresholdKeeper
from service.web.api import PAGED, link_next
from service.web.deps import Cursor, HouseOf, IdempotencyKey, Limit
from service.web.problems import documented
from service.web.review_api import ETAG, IfMatch, version_of
from service.web.review_wire import (
    NewTrial,
    NewVersion,
    ProtocolAnswer,
    ProtocolPage,
    TrialAnswer,
    protocol_answer,
    trial_answer,
)

router = APIRouter(prefix="/api/v1/protocols", tags=["thresholds"])

NO_PROTOCOL = "There is no such protocol."
ONE_OF_BOTH = "Say either which trial is accepted or which version comes back."
OUT_OF_ORDER = "repeat_index must not exceed usable_index."

ProtocolId = Annotated[
    str, Path(pattern=r"^\d{1,18}-[A-Z2-7]{1,32}$", description="Opaque id of a scanner's protocol")
]
Days = Annotated[float, Query(gt=0, le=3650, description="Judged in the last days")]


@router.get("", summary="Protocols and their thresholds", responses=PAGED)
def list_protocols(
    request: Request,
    response: Response,
    house: HouseOf,
    _caller: Reviewer,
    days: Days = 365,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ProtocolPage:
    """List the protocols of which series were judged, and by what they are judged."""
    reviewing = house.reviewing
    views, following = reviewing.thresholds.protocols(reviewing.since(days), limit, cursor)
    link_next(request, response, following)
    return ProtocolPage(items=[protocol_answer(view) for view in views], next_cursor=following)


@router.get(
    "/{protocol_id}",
    summary="One protocol",
    responses={200: {"headers": ETAG}, **documented(401, 403, 404)},
)
def get_protocol(
    response: Response, protocol_id: ProtocolId, house: HouseOf, _caller: Reviewer, days: Days = 365
) -> ProtocolAnswer:
    """Tell what the series of a protocol are judged by, who accepted it, when and why."""
    try:
        view = house.reviewing.protocol(protocol_id, days)
    except NoSuchProtocol as error:
        raise HTTPException(404, NO_PROTOCOL) from error
    response.headers["ETag"] = f'"{view.version}"'
    return protocol_answer(view)


@router.post(
    "/{protocol_id}/trials",
    summary="Try thresholds on past series",
    status_code=201,
    responses=documented(401, 403, 404, 409, 413),
)
def try_thresholds(
    protocol_id: ProtocolId, house: HouseOf, caller: ThresholdKeeper, given: NewTrial
) -> TrialAnswer:
    """Tell what other thresholds would have said; without any, look for better ones. Changes no verdict."""
    asked, reviewing = given.thresholds, house.reviewing
    if asked is not None and asked.repeat_index > asked.usable_index:
        raise HTTPException(422, OUT_OF_ORDER)
    try:
        if asked is None:
            return trial_answer(reviewing.suggested(protocol_id, given.days, caller.name))
        other = Thresholds(asked.usable_index, asked.repeat_index, asked.repeat_suitability)
        return trial_answer(reviewing.tried(protocol_id, other, given.days, caller.name))
    except NoSuchProtocol as error:
        raise HTTPException(404, NO_PROTOCOL) from error
    except TooFew as error:
        raise HTTPException(409, str(error)) from error


@router.post(
    "/{protocol_id}/versions",
    summary="Put thresholds in force",
    status_code=201,
    responses={201: {"headers": ETAG}, **documented(401, 403, 404, 409, 412, 413, 428)},
)
def accept_thresholds(
    response: Response,
    protocol_id: ProtocolId,
    house: HouseOf,
    caller: ThresholdKeeper,
    given: NewVersion,
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> ProtocolAnswer:
    """Accept what a trial showed, in force or in shadow, or come back to an earlier version."""
    if (given.trial is None) == (given.restores is None):
        raise HTTPException(422, ONE_OF_BOTH)
    acceptance = Acceptance(
        protocol=protocol_id,
        lane=given.lane,
        trial=None if given.trial is None else int(given.trial),
        restores=given.restores,
        why=given.why,
        author=caller.name,
        role=caller.role or "",
        key=idempotency_key,
    )
    try:
        house.reviewing.screen(given.why, caller.name, [])
        view = house.reviewing.thresholds.accept(acceptance, version_of(if_match))
    except NoSuchProtocol as error:
        raise HTTPException(404, NO_PROTOCOL) from error
    except NotTried as error:
        raise HTTPException(409, str(error)) from error
    except AcceptedMeanwhile as error:
        raise HTTPException(412, str(error)) from error
    except (RequestUsed, NamesSomebody) as error:
        raise HTTPException(422, str(error)) from error
    response.headers["ETag"] = f'"{view.version}"'
    return protocol_answer(view)
