"""The API: trends with their control charts, what drifts, the bands that were learnt, and the rows behind them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from math import sqrt
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import StreamingResponse

from inference.artifacts import by_name
from inference.evidence import metric_of
from inference.reference import reference
from service.exports import Cell, Numbers
from service.ledger.trends import VALUES, coil_id
from service.protocols import protocol_of, terms_of, words_of
from service.trends import EWMA_WEIGHT, EWMA_WIDTH, MEASURES, Chart, Measure, chart_of, measure_of
from service.trends.bands import FEWEST
from service.trends.drift import MAJOR, UNLIKELY
from service.trends.views import BandView, Bucket, Period, Selection, TrendRow
from service.web.access import Exporter, VisibleScanner
from service.web.answers import instant
from service.web.deps import HouseOf
from service.web.files import FILE, Format, file_of
from service.web.problems import documented
from service.web.trends_wire import (
    BandList,
    ChoiceList,
    DriftAnswer,
    DriftList,
    GeneralBand,
    GroupAnswer,
    LimitsAnswer,
    MeasureAnswer,
    ModelChange,
    OwnBandAnswer,
    PointAnswer,
    PresenceAnswer,
    PresenceList,
    SignalAnswer,
    TermAnswer,
    TrendAnswer,
)
from service.web.words_wire import told

router = APIRouter(prefix="/api/v1/trends", tags=["trends"])

EPOCH = date(1970, 1, 1).toordinal()
Z95 = 1.959964  # of the normal distribution

Protocol = Annotated[
    str, Query(pattern=r"^[A-Za-z0-9_=;.-]{0,400}$", description="Only this one, by its key; empty: all")
]
Since = Annotated[date | None, Query(description="From this day on")]
Until = Annotated[date | None, Query(description="Up to this day")]


def day_number(day: date) -> int:
    """Count a day from 1 January 1970."""
    return day.toordinal() - EPOCH


def _selection(
    scanner: VisibleScanner,
    protocol: Protocol = "",
    coil: Annotated[
        str, Query(pattern=r"^[0-9a-f]{0,12}$", description="Only this one, by its id; empty: all")
    ] = "",
    since: Since = None,
    until: Until = None,
) -> Selection:
    return Selection(
        scanner=scanner,
        protocol=protocol,
        coil=coil,
        since=None if since is None else day_number(since),
        until=None if until is None else day_number(until) + 1,
    )


Selected = Annotated[Selection, Depends(_selection)]


def _baseline(
    baseline_since: Annotated[
        date | None, Query(description="Limits are made of the points from here on")
    ] = None,
    baseline_until: Annotated[
        date | None, Query(description="and up to here; else the first points do")
    ] = None,
) -> tuple[date, date] | None:
    if baseline_since is None and baseline_until is None:
        return None
    return baseline_since or date.min, baseline_until or date.max


def _measure(
    measure: Annotated[
        str, Query(pattern=r"^[A-Za-z0-9_. ]{1,64}$", description="What to follow: see `choices`")
    ] = "index",
) -> Measure:
    try:
        return measure_of(measure)
    except KeyError as error:
        raise HTTPException(404, "There is no such measure.") from error


def measure_answer(measure: Measure) -> MeasureAnswer:
    """Say a measure."""
    return MeasureAnswer(
        name=measure.name,
        group=measure.group,
        of=measure.of,
        unit=measure.unit,
        summary=measure.summary,
        worse=measure.worse,
        **told(title=measure.title),
    )


@router.get("/choices", summary="What trends can be of", responses=documented(401, 403, 404))
def list_choices(house: HouseOf, scanner: VisibleScanner) -> ChoiceList:
    """List the scanners, protocols and coils that there are, the measures, and the terms of the protocols."""
    groups = house.trends.groups(scanner)
    terms = {
        (term.facet, term.name): TermAnswer(facet=term.facet, term=term.name, **told(words=term.words))
        for key in {group.protocol for group in groups}
        for term in terms_of(key)
    }
    return ChoiceList(
        groups=[
            GroupAnswer(
                scanner=group.scanner,
                protocol=group.protocol,
                **told(description=words_of(group.protocol)),
                coil=coil_id(group.coil),
                coil_name=group.coil,
                n=group.n,
            )
            for group in groups
        ],
        measures=[measure_answer(measure) for measure in MEASURES],
        terms=[terms[key] for key in sorted(terms)],
    )


@router.get("", summary="A measure over time", responses=documented(401, 403, 404))
def get_trend(
    house: HouseOf,
    selection: Selected,
    measure: Annotated[Measure, Depends(_measure)],
    baseline: Annotated[tuple[date, date] | None, Depends(_baseline)],
    by: Annotated[Period, Query(description="What a point is of; weeks begin on Monday")] = "day",
    fewest: Annotated[
        int, Query(ge=1, le=1000, description="Series of which a point has to be, to count for the limits")
    ] = 3,
) -> TrendAnswer:
    """Give a measure by days or weeks, with the individuals chart and the EWMA chart."""
    buckets = house.trends.course(selection, measure, by)
    shown = [bucket for bucket in buckets if bucket.value is not None]
    days = [date.fromordinal(bucket.day + EPOCH) for bucket in shown]
    chart = chart_of(
        [bucket.value for bucket in shown if bucket.value is not None],
        counts=[bucket.n >= fewest for bucket in shown],
        baseline=None if baseline is None else [baseline[0] <= day <= baseline[1] for day in days],
        floor=measure.lower,
        ceiling=measure.upper,
    )
    return TrendAnswer(
        measure=measure_answer(measure),
        by=by,
        points=_points(buckets, chart, fewest),
        limits=_limits(chart, days, chosen=baseline is not None),
        weight=EWMA_WEIGHT,
        width=EWMA_WIDTH,
        models=_models(buckets),
        series=sum(sum(bucket.verdicts.values()) for bucket in buckets),
    )


def _points(buckets: Sequence[Bucket], chart: Chart, fewest: int) -> list[PointAnswer]:
    """Join the buckets with the points of the chart, which those without a value have not."""
    answers = []
    place = 0
    for bucket in buckets:
        point = None if bucket.value is None else chart.points[place]
        answers.append(
            PointAnswer(
                at=date.fromordinal(bucket.day + EPOCH),
                n=bucket.n,
                value=bucket.value,
                thin=bucket.n < fewest,
                baseline=point is not None and place in chart.baseline,
                ewma=None if point is None else point.ewma,
                ewma_lower=None if point is None else point.ewma_lower,
                ewma_upper=None if point is None else point.ewma_upper,
                signals=[SignalAnswer(rule=one.rule.value, high=one.high) for one in point.signals]
                if point
                else [],
                verdicts={str(name): count for name, count in bucket.verdicts.items()},
            )
        )
        place += point is not None
    return answers


def _limits(chart: Chart, days: Sequence[date], *, chosen: bool) -> LimitsAnswer | None:
    if chart.limits is None:
        return None
    since, until = days[chart.baseline[0]], days[chart.baseline[-1]]
    return LimitsAnswer(**asdict(chart.limits), since=since, until=until, chosen=chosen)


def _models(buckets: Sequence[Bucket]) -> list[ModelChange]:
    changes: list[ModelChange] = []
    for bucket in buckets:
        if not changes or changes[-1].model != bucket.model:
            changes.append(ModelChange(at=date.fromordinal(bucket.day + EPOCH), model=bucket.model))
    return changes


@router.get("/presence", summary="How often artifacts are found", responses=documented(401, 403, 404))
def list_presence(house: HouseOf, selection: Selected) -> PresenceList:
    """Tell how often each artifact was found in the scored series, with 95 % intervals."""
    items = []
    for one in house.trends.presence(selection):
        low, high = wilson(one.found, one.n)
        items.append(
            PresenceAnswer(
                artifact=one.artifact,
                n=one.n,
                found=one.found,
                rate=one.found / one.n if one.n else None,
                low=low,
                high=high,
                probability=one.probability,
                **told(title=by_name(one.artifact).title),
            )
        )
    return PresenceList(items=items)


def wilson(found: int, n: int) -> tuple[float | None, float | None]:
    """Give the 95 % interval of a share (Wilson 1927); None where there is nothing to count."""
    if n == 0:
        return None, None
    share, z2 = found / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


@router.get("/drift", summary="What drifts", responses=documented(401, 403, 404))
def list_drift(house: HouseOf, scanner: VisibleScanner) -> DriftList:
    """Compare the last thirty days of each scanner with its first ninety under the model in use."""
    return DriftList(
        items=[
            DriftAnswer(
                scanner=one.scanner,
                measure=measure_answer(measure_of(one.measure)),
                psi=one.psi,
                ks=one.ks,
                p=one.p,
                n_before=one.n_before,
                n_now=one.n_now,
                before=one.before,
                now=one.now,
                alarm=one.alarm,
                since=None if one.since is None else instant(one.since),
                measured_at=instant(one.measured_at),
            )
            for one in house.trends.drifts(scanner)
        ],
        major=MAJOR,
        unlikely=UNLIKELY,
    )


@router.get("/bands", summary="Reference bands that were learnt", responses=documented(401, 403, 404))
def list_bands(house: HouseOf, scanner: VisibleScanner, protocol: Protocol = "") -> BandList:
    """Give where the metrics of a scanner's usable series of a protocol lie, beside the general bands."""
    return BandList(items=[band_answer(view) for view in house.bands.of(scanner, protocol)], fewest=FEWEST)


def band_answer(view: BandView) -> OwnBandAnswer:
    """Say a band, with the general one of such images."""
    metric = metric_of(view.metric)
    general = reference().band(view.metric, kind_of(view.protocol))
    return OwnBandAnswer(
        metric=view.metric,
        unit=metric.unit,
        low=view.low,
        middle=view.middle,
        high=view.high,
        n=view.n,
        learnt_at=instant(view.learnt_at),
        general=None if general is None else GeneralBand(low=general.low, high=general.high),
        **told(title=metric.title),
    )


def kind_of(protocol: str) -> str:
    """Give the kind of images whose general bands apply to a protocol: "epi", "head", "body", or "" for any."""
    about = protocol_of(protocol)
    if about["family"].startswith("EPI"):
        return "epi"
    part = about["part"]
    return "head" if part in {"BRAIN", "HEAD"} else "body" if about.answer("part").known else ""


@router.get(
    "/export",
    summary="The series behind a trend",
    response_class=StreamingResponse,
    responses=FILE | documented(401, 403, 404),
)
def export_trend(
    house: HouseOf,
    caller: Exporter,
    selection: Selected,
    format: Format = "csv",  # noqa: A002 - the word of the query
) -> StreamingResponse:
    """Give every judged series of a selection, oldest first: what it is, its verdict, and all its measures."""
    return file_of(
        "trend", format, HEADER, map(_exported, house.trends.rows(selection)), caller, house.audit.book
    )


HEADER = ("series", "opened_at", "scanner", "protocol", "coil", "verdict", "model", *VALUES)


def _exported(row: TrendRow) -> Sequence[Cell]:
    opened = datetime.fromtimestamp(row.opened_at, UTC).isoformat(timespec="seconds")
    known = (row.series_id, opened, row.scanner, words_of(row.protocol), row.coil, row.verdict, row.model)
    return (*known, Numbers(row.values))
