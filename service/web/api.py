"""The API: series, slices, findings, deliveries, status and catalogue."""

import time
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response

from inference.artifacts import CATALOGUE
from service.ledger_views import SeriesView
from service.web import answers, wire
from service.web.access import (
    NO_SERIES,
    Reader,
    StatusReader,
    VisibleScanner,
    VisibleSeries,
)
from service.web.deps import Cursor, FeedOf, HouseOf, Limit
from service.web.house import House
from service.web.problems import documented

router = APIRouter(prefix="/api/v1")

_LINK = {"Link": {"description": 'The next page, `rel="next"` (RFC 8288)', "schema": {"type": "string"}}}
PAGED: dict[int | str, dict[str, object]] = {200: {"headers": _LINK}, **documented(401, 403)}


def series_or_404(house: House, series_id: str) -> SeriesView:
    """Find a series, or answer that there is none."""
    series = house.ledger.series_view(series_id)
    if series is None:
        raise HTTPException(404, NO_SERIES)
    return series


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Tell in a header where the next page is, if there is one."""
    if cursor is not None:
        url = request.url.include_query_params(cursor=cursor)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'


@router.get(
    "/series", summary="Series, newest first", tags=["series"], responses=PAGED | documented(401, 403, 404)
)
def list_series(
    request: Request,
    response: Response,
    house: HouseOf,
    scanner: VisibleScanner,
    limit: Limit = 50,
    cursor: Cursor = None,
    verdict: Annotated[
        Literal["Usable", "Check", "Repeat", "Not scored"] | None, Query(description="Only these")
    ] = None,
) -> wire.SeriesPage:
    """List the series, a page at a time."""
    views, following = house.ledger.series_page(limit, cursor, verdict, scanner)
    link_next(request, response, following)
    return wire.SeriesPage(items=[answers.series_answer(view) for view in views], next_cursor=following)


@router.get("/series/{series_id}", summary="One series", tags=["series"], responses=documented(401, 403, 404))
def get_series(series_id: VisibleSeries, house: HouseOf) -> wire.SeriesAnswer:
    """Tell what is known of one series."""
    return answers.series_answer(series_or_404(house, series_id))


@router.get(
    "/series/{series_id}/slices", summary="Its slices", tags=["series"], responses=documented(401, 403, 404)
)
def list_slices(series_id: VisibleSeries, house: HouseOf) -> wire.SliceList:
    """List all slices of a series, in its order."""
    series_or_404(house, series_id)
    return wire.SliceList(items=[answers.slice_answer(view) for view in house.ledger.slices_of(series_id)])


@router.get(
    "/series/{series_id}/findings",
    summary="What was found",
    tags=["series"],
    responses=documented(401, 403, 404),
)
def list_findings(series_id: VisibleSeries, house: HouseOf) -> wire.FindingList:
    """Tell each artifact of a series and the slices that show it."""
    series, slices = series_or_404(house, series_id), house.ledger.slices_of(series_id)
    return answers.finding_list(series, slices, house.bands.of_series(series_id))


@router.get(
    "/artifacts", summary="The catalogue of artifacts", tags=["catalogue"], responses=documented(401, 403)
)
async def list_artifacts(_caller: Reader) -> wire.Catalogue:
    """List every kind of artifact that is looked for."""
    return wire.Catalogue(items=[answers.catalogue_entry(artifact) for artifact in CATALOGUE])


@router.get("/model", summary="The model in use", tags=["catalogue"], responses=documented(401, 403))
def get_model(house: HouseOf, _caller: Reader) -> wire.ModelAnswer | None:
    """Tell the released model in use, what it was measured to do, and what it cannot see."""
    return None if house.model is None else answers.model_answer(house.model)


@router.get("/openapi.json", summary="This description", tags=["catalogue"], responses=documented(401, 403))
def get_description(request: Request, _caller: Reader) -> dict[str, object]:
    """Give the description of every operation (OpenAPI 3.1)."""
    description: dict[str, object] = request.app.openapi()
    return description


@router.get("/status", summary="What the service is doing", tags=["status"], responses=documented(401, 403))
def get_status(house: HouseOf, feed: FeedOf, _caller: StatusReader) -> wire.Status:
    """Tell the state of the parts, the queues and the model."""
    now = time.time()
    counts, checks = house.ledger.counts(), dict(house.ready())
    return wire.Status(
        product=house.product,
        version=house.version,
        now=answers.instant(now),
        ready=all(value is True for value in checks.values()),
        checks=checks,
        model=None if house.model is None else answers.model_answer(house.model),
        series=dict(counts.series),
        slices_waiting=counts.slices_waiting,
        deliveries=dict(counts.deliveries),
        dead_letters=counts.dead_letters,
        oldest_waiting_s=counts.oldest_waiting_s,
        parts=[
            wire.PartAnswer(
                name=part.name,
                pid=part.pid,
                silent_s=max(0.0, now - part.heartbeat_at),
                facts=dict(part.facts),
            )
            for part in house.ledger.parts()
        ],
        last_event_id=house.ledger.last_event_id(),
        listeners=feed.listeners,
    )
