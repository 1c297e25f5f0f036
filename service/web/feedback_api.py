"""The API: what people say to a verdict."""

from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from service.ledger.feedback import KeyUsed, NoSuchSeries, NoVerdict, SaidMeanwhile, Saying
from service.ledger_views import FeedbackKind, SeriesFeedback
from service.naming import NamesSomebody
from service.web.access import NO_SERIES, FeedbackGiver, VisibleSeries
from service.web.answers import feedback_answer
from service.web.deps import HouseOf
from service.web.problems import documented
from service.web.review_wire import Comment
from service.web.wire import FeedbackAnswer

router = APIRouter(prefix="/api/v1/series/{series_id}/feedback", tags=["feedback"])

_ETAG = {"ETag": {"description": "What If-Match of the next saying holds", "schema": {"type": "string"}}}


class NewFeedback(BaseModel):
    """What is said to the verdict."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: FeedbackKind
    comment: Comment = Field(default="", description="Names no patient")


class FeedbackList(BaseModel):
    """Everything that was said to a verdict, oldest first."""

    model_config = ConfigDict(frozen=True)

    items: list[FeedbackAnswer]


def _told(response: Response, said: SeriesFeedback) -> FeedbackList:
    response.headers["ETag"] = f'"{said.version}"'
    return FeedbackList(items=[feedback_answer(one) for one in said.items])


@router.get("", summary="What was said", responses={200: {"headers": _ETAG}, **documented(401, 403, 404)})
def list_feedback(response: Response, series_id: VisibleSeries, house: HouseOf) -> FeedbackList:
    """Tell what people said to the verdict of a series."""
    said = house.feedback.of(series_id)
    if said is None:
        raise HTTPException(404, NO_SERIES)
    return _told(response, said)


@router.post(
    "",
    summary="Say something to the verdict",
    status_code=201,
    responses={201: {"headers": _ETAG}, **documented(401, 403, 404, 409, 412, 413, 428)},
)
def give_feedback(
    response: Response,
    series_id: VisibleSeries,
    house: HouseOf,
    caller: FeedbackGiver,
    given: NewFeedback,
    idempotency_key: Annotated[
        str, Header(pattern=r"^[A-Za-z0-9._-]{8,64}$", description="The same again counts once")
    ],
    if_match: Annotated[str | None, Header(max_length=80, description="ETag of what was seen")] = None,
) -> FeedbackList:
    """Acknowledge a verdict, agree, or say that the series was repeated, accepted anyway or alarmed for nothing."""
    if if_match is None:
        raise HTTPException(428, "If-Match must say what was seen: the ETag of the feedback.")
    saying = Saying(series_id, given.kind, caller.name, caller.role or "", idempotency_key, given.comment)
    try:
        house.reviewing.screen(given.comment, caller.name, [series_id])
        return _told(response, house.feedback.say(saying, if_match.strip('"')))
    except NoSuchSeries as error:
        raise HTTPException(404, NO_SERIES) from error
    except NoVerdict as error:
        raise HTTPException(409, str(error)) from error
    except SaidMeanwhile as error:
        raise HTTPException(412, str(error)) from error
    except (KeyUsed, NamesSomebody) as error:
        raise HTTPException(422, str(error)) from error
