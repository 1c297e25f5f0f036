"""The API's answers, as promised to those outside: the ledger's views with times as RFC 3339."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from inference.artifacts import Artifact
from inference.checks import BY_NAME, SeriesFact
from inference.evidence import metric_of
from inference.reference import MetricSummary, Says, Statement
from service.ledger_views import (
    ArtifactView,
    Box,
    DeliveryKind,
    DeliveryState,
    DeliveryView,
    FindingView,
    SeriesView,
    SliceView,
    Verdict,
)
from service.web.house import ModelFacts


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class SeriesFactAnswer(_Answer):
    """One finding that only the whole series shows."""

    name: str
    title: str
    scheme: str = Field(description="Coding scheme designator")
    code: str
    meaning: str
    advice: str
    doubtful: bool = Field(description="A series that shows it is Check")
    present: bool
    value: float | None = Field(description="How much; null where the check does not apply")
    detail: str = Field(description="What was found, or why the check does not apply")
    slices: list[int] = Field(description="Positions in the series, worst first")


class StatementAnswer(_Answer):
    """What one classical metric says to a finding."""

    metric: str
    title: str
    unit: str = Field(description="UCUM")
    says: Says
    value: float | None
    low: float | None = Field(description="Reference band of clean slices: 5th percentile")
    high: float | None = Field(description="95th percentile")
    decisive: bool = Field(description="Its word alone stands against a Repeat")
    reason: str = Field(description="Why it does not apply, else empty")


class MetricAnswer(_Answer):
    """One classical metric over the slices of a series."""

    metric: str
    title: str
    unit: str = Field(description="UCUM")
    worse: Literal["high", "low"]
    median: float | None
    extreme: float | None = Field(description="The worst value")
    slice: int | None = Field(description="Position of the slice that has it")
    n_slices: int = Field(description="Slices to which it applies")
    low: float | None = Field(description="Reference band of clean slices: 5th percentile")
    high: float | None = Field(description="95th percentile")
    reason: str = Field(description="Why it does not apply, else empty")


class ArtifactAnswer(_Answer):
    """One artifact over the whole series."""

    name: str = Field(description="Name of the catalogue (see /artifacts)")
    probability: float = Field(description="0 to 1, calibrated")
    severity: float = Field(description="0 to 1")
    present: bool
    slices: list[int] = Field(description="Positions in the series, worst first")


class SeriesAnswer(_Answer):
    """One generation of a series."""

    id: str
    generation: int = Field(description="1, then one more each time a late image reopened the series")
    study: str = Field(description="Opaque id shared by the series of one study")
    scanner: str
    state: str
    series_number: int | None
    description: str = Field(description="Coded from clean elements only")
    opened_at: datetime
    last_instance_at: datetime
    closed_at: datetime | None
    close_reason: str
    received: int = Field(description="Instances so far")
    expected: int | None = Field(description="Instances that the header announces: a lower bound")
    verdict: Verdict = Field(description="Empty until there is one")
    reason: str
    index: float | None = Field(description="0 (useless) to 10 (flawless)")
    suitability: float | None = Field(description="Probability that it is diagnostically usable")
    artifacts: list[ArtifactAnswer]
    geometry: list[SeriesFactAnswer] = Field(description="What only the whole series shows, and is there")
    advice: list[str]
    model: str
    provider: str
    conflict: bool = Field(description="One SOP Instance UID came with two contents")
    incomplete: bool
    results: dict[str, int] = Field(description="Deliveries by state")


class SeriesPage(_Answer):
    """Series, newest first."""

    items: list[SeriesAnswer]
    next_cursor: str | None


class FindingAnswer(_Answer):
    """One artifact on one slice."""

    artifact: str
    probability: float
    severity: float
    present: bool
    area: float = Field(description="Share of the body that is touched, 0 to 1")
    box: Box | None = Field(description="Left, top, right, bottom in pixels, half-open")


class SliceAnswer(_Answer):
    """One slice."""

    position: int = Field(description="0-based order in the series; names the slice in URLs")
    instance_number: int
    frame: int = Field(description="1-based")
    rows: int
    columns: int
    index: float | None
    suitability: float | None
    signal: bool = Field(description="False: nothing but noise or air")
    familiar: bool = Field(
        description="False: unlike what the model was made with, does not count for the series"
    )
    findings: list[FindingAnswer]
    evidence: dict[str, float | str] = Field(description="Classical metrics: the value, or why there is none")


class SliceList(_Answer):
    """All slices of a series, in its order."""

    items: list[SliceAnswer]


class LocatedFinding(_Answer):
    """One artifact of a series on one of its slices."""

    position: int
    instance_number: int
    frame: int
    probability: float
    severity: float
    area: float
    box: Box | None


class SeriesFinding(_Answer):
    """One artifact of a series with the slices that show it, worst first."""

    artifact: str
    probability: float
    severity: float
    present: bool
    slices: list[LocatedFinding]
    evidence: list[StatementAnswer]


class FindingList(_Answer):
    """What was found in a series, most severe first; artifacts that are not present come last."""

    items: list[SeriesFinding]
    geometry: list[SeriesFactAnswer] = Field(description="Every check of the whole series")
    evidence: list[MetricAnswer] = Field(description="The classical metrics over the slices")


class DeliveryAnswer(_Answer):
    """One object on its way to one destination."""

    id: str
    series: str
    generation: int
    destination: str
    kind: DeliveryKind
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    answer: str = Field(description="What the destination said last")


class DeliveryPage(_Answer):
    """Deliveries, newest first."""

    items: list[DeliveryAnswer]
    next_cursor: str | None


class CatalogueEntry(_Answer):
    """One kind of artifact."""

    name: str
    title: str
    scheme: str = Field(description="Coding scheme designator")
    code: str
    meaning: str
    colour: str = Field(description="#rrggbb")
    cap: Literal["Check", "Repeat"] = Field(description="The most that this artifact alone may cause")
    advice: str


class Catalogue(_Answer):
    """Every artifact that is looked for, in the order of the mask channels."""

    items: list[CatalogueEntry]


class ModelAnswer(_Answer):
    """The model in use."""

    name: str
    version: str
    sha256: str
    limits: list[str] = Field(description="What it cannot see")
    metrics: dict[str, float] = Field(description="Measured on held-out subjects")


class PartAnswer(_Answer):
    """One running part of the service."""

    name: str
    pid: int
    silent_s: float = Field(description="Seconds since its last sign of life")
    facts: dict[str, object]


class Status(_Answer):
    """What the service is doing."""

    product: str
    version: str
    now: datetime
    ready: bool
    checks: dict[str, bool | str]
    model: ModelAnswer | None
    series: dict[str, int] = Field(description="By state")
    slices_waiting: int
    deliveries: dict[str, int] = Field(description="By state")
    dead_letters: int
    oldest_waiting_s: float | None
    parts: list[PartAnswer]
    last_event_id: int
    listeners: int = Field(description="Open event streams")


def instant(epoch_s: float) -> datetime:
    """Turn seconds since the epoch into an instant in UTC."""
    return datetime.fromtimestamp(epoch_s, UTC)


def _instant(epoch_s: float | None) -> datetime | None:
    return None if epoch_s is None else instant(epoch_s)


def artifact_answer(view: ArtifactView) -> ArtifactAnswer:
    """Say one artifact of a series."""
    return ArtifactAnswer(
        name=view.name,
        probability=view.probability,
        severity=view.severity,
        present=view.present,
        slices=list(view.slices),
    )


def fact_answer(fact: SeriesFact) -> SeriesFactAnswer:
    """Say what a check of the whole series found."""
    check = BY_NAME[fact.check]
    return SeriesFactAnswer(
        name=check.name,
        title=check.title,
        scheme=check.scheme,
        code=check.code,
        meaning=check.meaning,
        advice=check.advice,
        doubtful=check.doubtful,
        present=fact.present,
        value=fact.value,
        detail=fact.detail,
        slices=list(fact.slices),
    )


def statement_answer(statement: Statement) -> StatementAnswer:
    """Say what a metric says to a finding."""
    metric = metric_of(statement.metric)
    return StatementAnswer(title=metric.title, unit=metric.unit, **statement.to_json())


def metric_answer(summary: MetricSummary) -> MetricAnswer:
    """Say one metric over a series."""
    metric = metric_of(summary.metric)
    return MetricAnswer(title=metric.title, unit=metric.unit, worse=metric.worse, **summary.to_json())


def series_answer(view: SeriesView) -> SeriesAnswer:
    """Say one series."""
    return SeriesAnswer(
        id=view.id,
        generation=view.generation,
        study=view.study,
        scanner=view.scanner,
        state=view.state,
        series_number=view.series_number,
        description=view.description,
        opened_at=instant(view.opened_at),
        last_instance_at=instant(view.last_instance_at),
        closed_at=_instant(view.closed_at),
        close_reason=view.close_reason,
        received=view.received,
        expected=view.expected,
        verdict=view.verdict,
        reason=view.reason,
        index=view.index,
        suitability=view.suitability,
        artifacts=[artifact_answer(artifact) for artifact in view.artifacts],
        geometry=[fact_answer(fact) for fact in view.geometry if fact.present],
        advice=list(view.advice),
        model=view.model,
        provider=view.provider,
        conflict=view.conflict,
        incomplete=view.incomplete,
        results=dict(view.results),
    )


def finding_answer(view: FindingView) -> FindingAnswer:
    """Say one artifact of a slice."""
    return FindingAnswer(
        artifact=view.artifact,
        probability=view.probability,
        severity=view.severity,
        present=view.present,
        area=view.area,
        box=view.box,
    )


def slice_answer(view: SliceView) -> SliceAnswer:
    """Say one slice."""
    return SliceAnswer(
        position=view.position,
        instance_number=view.instance_number,
        frame=view.frame,
        rows=view.rows,
        columns=view.columns,
        index=view.index,
        suitability=view.suitability,
        signal=view.signal,
        familiar=view.familiar,
        findings=[finding_answer(finding) for finding in view.findings],
        evidence=dict(view.evidence),
    )


def located(artifact: ArtifactView, slices: Mapping[int, SliceView]) -> SeriesFinding:
    """Join an artifact of a series with what its slices say of it; ``slices`` by position."""
    found: list[LocatedFinding] = []
    for view in (slices[position] for position in artifact.slices if position in slices):
        found.extend(
            LocatedFinding(
                position=view.position,
                instance_number=view.instance_number,
                frame=view.frame,
                probability=finding.probability,
                severity=finding.severity,
                area=finding.area,
                box=finding.box,
            )
            for finding in view.findings
            if finding.artifact == artifact.name
        )
    return SeriesFinding(
        artifact=artifact.name,
        probability=artifact.probability,
        severity=artifact.severity,
        present=artifact.present,
        slices=found,
        evidence=[statement_answer(statement) for statement in artifact.evidence],
    )


def finding_list(series: SeriesView, slices: Sequence[SliceView]) -> FindingList:
    """Say what was found in a series and where."""
    by_position = {view.position: view for view in slices}
    ranked = sorted(series.artifacts, key=lambda a: (not a.present, -a.severity, -a.probability))
    return FindingList(
        items=[located(artifact, by_position) for artifact in ranked],
        geometry=[fact_answer(fact) for fact in series.geometry],
        evidence=[metric_answer(summary) for summary in series.evidence],
    )


def delivery_answer(view: DeliveryView) -> DeliveryAnswer:
    """Say one delivery."""
    return DeliveryAnswer(
        id=view.id,
        series=view.series_id,
        generation=view.generation,
        destination=view.destination,
        kind=view.kind,
        state=view.state,
        attempts=view.attempts,
        next_at=_instant(view.next_at),
        answer=view.answer,
    )


def catalogue_entry(artifact: Artifact) -> CatalogueEntry:
    """Say one kind of artifact."""
    return CatalogueEntry(
        name=artifact.name,
        title=artifact.title,
        scheme=artifact.scheme,
        code=artifact.code,
        meaning=artifact.meaning,
        colour=artifact.colour,
        cap=artifact.cap,
        advice=artifact.advice,
    )


def model_answer(model: ModelFacts) -> ModelAnswer:
    """Say the model in use."""
    return ModelAnswer(
        name=model.name,
        version=model.version,
        sha256=model.sha256,
        limits=list(model.limits),
        metrics=dict(model.metrics),
    )
