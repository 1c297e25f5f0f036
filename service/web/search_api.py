"""The API: series searched for by what they are and how they were judged, on pages and as a file."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse

from inference.artifacts import NAMES
from inference.series.vocabulary import term_of
from service.exports import Cell
from service.protocols import words_of
from service.trends import views
from service.trends.views import FoundSeries, SeriesStateName
from service.web.access import Exporter, Reader, VisibleScanner
from service.web.answers import instant
from service.web.api import PAGED, link_next
from service.web.deps import Cursor, HouseOf, Limit
from service.web.files import FILE, Format, file_of
from service.web.problems import documented
from service.web.search_wire import FoundAnswer, FoundPage
from service.web.trends_api import Protocol, Since, Until
from service.web.words_wire import told

router = APIRouter(prefix="/api/v1/search", tags=["search"])

MOST_TERMS = 8


def _terms(
    term: Annotated[
        list[Annotated[str, Query(pattern=r"^[a-z]{1,32}=[A-Z0-9_]{1,32}$")]],
        Query(max_length=MOST_TERMS, description="Facet and term, as in `weighting=T2`; all of them"),
    ] = [],  # noqa: B006 - never changed
) -> tuple[tuple[str, str], ...]:
    pairs = [(facet, name) for facet, _, name in (one.partition("=") for one in term)]
    if any(term_of(facet, name) is None for facet, name in pairs):
        raise HTTPException(404, "There is no such term.")
    return tuple(pairs)


def _when(since: Since = None, until: Until = None) -> tuple[float | None, float | None]:
    return (
        None if since is None else _midnight(since),
        None if until is None else _midnight(until, days=1),
    )


def _judged(
    verdict: Annotated[
        Literal["", "Usable", "Check", "Repeat", "Not scored"], Query(description="Empty: any")
    ] = "",
    artifact: Annotated[str, Query(max_length=32, description="That is present; empty: any")] = "",
    reviewed: Annotated[
        bool | None, Query(description="Whether a person said something about the verdict")
    ] = None,
) -> tuple[str, str, bool | None]:
    if artifact and artifact not in NAMES:
        raise HTTPException(404, "There is no such artifact.")
    return verdict, artifact, reviewed


def _query(
    *,
    scanner: VisibleScanner,
    terms: Annotated[tuple[tuple[str, str], ...], Depends(_terms)],
    when: Annotated[tuple[float | None, float | None], Depends(_when)],
    judged: Annotated[tuple[str, str, bool | None], Depends(_judged)],
    protocol: Protocol = "",
    state: Annotated[SeriesStateName | Literal[""], Query(description="Empty: any")] = "",
) -> views.Query:
    (since, until), (verdict, artifact, reviewed) = when, judged
    return views.Query(
        since=since,
        until=until,
        scanner=scanner,
        protocol=protocol,
        terms=terms,
        verdict=verdict,
        artifact=artifact,
        state=state,
        reviewed=reviewed,
    )


Asked = Annotated[views.Query, Depends(_query)]


def _midnight(day: date, days: int = 0) -> float:
    """Give the instant at which a day begins by the clock of the site (TZ), or the day some days later."""
    try:
        return datetime.combine(day + timedelta(days=days), datetime.min.time()).astimezone().timestamp()
    except (OverflowError, ValueError, OSError) as error:
        raise HTTPException(404, "There are no series of such a day.") from error


def _answer(found: FoundSeries) -> FoundAnswer:
    return FoundAnswer(
        id=found.id,
        generation=found.generation,
        opened_at=instant(found.opened_at),
        scanner=found.scanner,
        series_number=found.series_number,
        coil=found.coil,
        state=found.state,
        verdict=found.verdict,
        index=found.index,
        suitability=found.suitability,
        artifacts=list(found.artifacts),
        reviewed=found.reviewed,
        **told(description=words_of(found.protocol), reason=found.reason),
    )


@router.get("", summary="Series by what they are", responses=PAGED | documented(404))
def search_series(
    request: Request,
    response: Response,
    house: HouseOf,
    _caller: Reader,
    asked: Asked,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> FoundPage:
    """List the series that are searched for, newest first, a page at a time."""
    found, following = house.search.page(asked, limit, cursor)
    link_next(request, response, following)
    return FoundPage(items=[_answer(one) for one in found], next_cursor=following)


@router.get(
    "/export",
    summary="What is searched for, as a file",
    response_class=StreamingResponse,
    responses=FILE | documented(401, 403, 404),
)
def export_search(
    house: HouseOf,
    caller: Exporter,
    asked: Asked,
    format: Format = "csv",  # noqa: A002 - the word of the query
) -> StreamingResponse:
    """Give all series that are searched for, newest first."""
    return file_of(
        "search", format, HEADER, map(_exported, house.search.rows(asked)), caller, house.audit.book
    )


HEADER = (
    *(
        "series",
        "generation",
        "opened_at",
        "scanner",
        "series_number",
        "protocol",
        "coil",
        "state",
        "verdict",
    ),
    *("reason", "index", "suitability", "artifacts", "reviewed"),
)


def _exported(found: FoundSeries) -> Sequence[Cell]:
    opened = datetime.fromtimestamp(found.opened_at, UTC).isoformat(timespec="seconds")
    return (
        *(found.id, found.generation, opened, found.scanner, found.series_number, words_of(found.protocol)),
        *(found.coil, found.state, found.verdict, found.reason, found.index, found.suitability),
        *(" ".join(found.artifacts), found.reviewed),
    )
