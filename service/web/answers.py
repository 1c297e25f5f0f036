"""The API's answers made of the ledger's views, with times as RFC 3339."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from inference.artifacts import Artifact
from inference.checks import BY_NAME, SeriesFact
from inference.evidence import metric_of
from inference.reference import MetricSummary, Statement
from inference.series import Answer
from inference.series.advice import Suggestion, advice_on
from inference.series.situation import Situation
from inference.series.vocabulary import Term
from inference.text import UNSAID, texts_of, with_german
from service.ledger_views import (
    ArtifactView,
    DeliveryView,
    FeedbackView,
    FindingView,
    SeriesView,
    SliceView,
)
from service.trends.views import BandView
from service.web.house import ModelFacts
from service.web.wire import (
    ArtifactAnswer,
    CatalogueEntry,
    ClosingAnswer,
    CodedAnswer,
    DeliveryAnswer,
    FeedbackAnswer,
    FindingAnswer,
    FindingList,
    JudgedByAnswer,
    LocatedFinding,
    MetricAnswer,
    ModelAnswer,
    SamplingAnswer,
    SeriesAnswer,
    SeriesFactAnswer,
    SeriesFinding,
    ShadowAnswer,
    SliceAnswer,
    StatementAnswer,
    SuggestionAnswer,
)
from service.web.words_wire import told


def instant(epoch_s: float) -> datetime:
    """Turn seconds since the epoch into an instant in UTC."""
    return datetime.fromtimestamp(epoch_s, UTC)


def _instant(epoch_s: float | None) -> datetime | None:
    return None if epoch_s is None else instant(epoch_s)


def artifact_answer(view: ArtifactView, series: Situation) -> ArtifactAnswer:
    """Say one artifact of a series in this situation: what to do about it only where it is."""
    advice = advice_on(view.name, series) if view.present else None
    return ArtifactAnswer(
        name=view.name,
        probability=view.probability,
        severity=view.severity,
        present=view.present,
        slices=list(view.slices),
        suggestions=[] if advice is None else [suggestion_answer(one) for one in advice.suggestions],
        **told(lead=advice.lead if advice else UNSAID, advice=advice.line if advice else UNSAID),
    )


def suggestion_answer(one: Suggestion) -> SuggestionAnswer:
    """Say one thing to do about an artifact."""
    return SuggestionAnswer(
        kind=one.kind,
        topic=one.topic,
        seconds=one.seconds,
        source=one.source,
        **told(text=one.text, cost=one.cost),
    )


def fact_answer(fact: SeriesFact) -> SeriesFactAnswer:
    """Say what a check of the whole series found."""
    check = BY_NAME[fact.check]
    return SeriesFactAnswer(
        name=check.name,
        scheme=check.scheme,
        code=check.code,
        meaning=check.meaning,
        doubtful=check.doubtful,
        present=fact.present,
        value=fact.value,
        slices=list(fact.slices),
        **told(title=check.title, advice=check.advice, detail=fact.detail),
    )


def statement_answer(statement: Statement) -> StatementAnswer:
    """Say what a metric says to a finding."""
    metric = metric_of(statement.metric)
    words = told(title=metric.title, reason=statement.reason)
    return StatementAnswer(unit=metric.unit, **statement.to_json() | words)


def metric_answer(summary: MetricSummary, own: BandView | None = None) -> MetricAnswer:
    """Say one metric over a series; ``own`` is the band of its scanner and protocol."""
    metric = metric_of(summary.metric)
    words = told(title=metric.title, reason=summary.reason)
    return MetricAnswer(
        unit=metric.unit,
        worse=metric.worse,
        own_low=None if own is None else own.low,
        own_high=None if own is None else own.high,
        own_series=0 if own is None else own.n,
        **summary.to_json() | words,
    )


def coded_answer(answer: Answer, term: Term) -> CodedAnswer:
    """Say one facet of the description of a series."""
    return CodedAnswer(
        facet=answer.facet,
        term=term.name,
        scheme=term.scheme,
        code=term.code,
        meaning=term.meaning,
        evidence=list(answer.evidence),
    )


def feedback_answer(view: FeedbackView) -> FeedbackAnswer:
    """Say one thing that a person said."""
    return FeedbackAnswer(
        kind=view.kind,
        author=view.author,
        role=view.role,
        at=instant(view.at),
        earlier=view.earlier,
        comment=view.comment,
    )


def judged_by_answer(judging: Mapping[str, Any] | None) -> JudgedByAnswer | None:
    """Say by which thresholds a series was judged."""
    if judging is None:
        return None
    shadow = judging["shadow"]
    return JudgedByAnswer(
        **judging["thresholds"],
        number=judging["version"],
        shadow=None
        if shadow is None
        else ShadowAnswer(
            number=shadow["version"],
            verdict=shadow["verdict"],
            **told(reason=texts_of(shadow, "reason")["reason"]),
        ),
    )


def series_answer(view: SeriesView) -> SeriesAnswer:
    """Say one series."""
    return SeriesAnswer(
        id=view.id,
        generation=view.generation,
        study=view.study,
        scanner=view.scanner,
        state=view.state,
        series_number=view.series_number,
        coded=[coded_answer(answer, term) for answer in view.description.answers if (term := answer.coded)],
        field_strength=view.description.field,
        opened_at=instant(view.opened_at),
        last_instance_at=instant(view.last_instance_at),
        closed_at=_instant(view.closed_at),
        close_reason=view.close_reason,
        received=view.received,
        expected=view.expected,
        closing=None if view.closing is None else ClosingAnswer(**with_german(view.closing, "gaps")),
        provisional=view.provisional,
        repeats=view.repeats,
        verdict=view.verdict,
        index=view.index,
        suitability=view.suitability,
        artifacts=[artifact_answer(artifact, view.situation) for artifact in view.artifacts],
        geometry=[fact_answer(fact) for fact in view.geometry if fact.present],
        sampling=None if view.sampling is None else SamplingAnswer(**asdict(view.sampling)),
        repeat_seconds=None if view.situation.timed else view.situation.protocol.seconds,
        model=view.model,
        provider=view.provider,
        repeated_by=view.repeated_by,
        conflict=view.conflict,
        told=view.told,
        never_came=view.never_came,
        held=view.held,
        former_identity=view.former_identity,
        judged_by=judged_by_answer(view.judging),
        incomplete=view.incomplete,
        feedback=[feedback_answer(one) for one in view.feedback.items],
        feedback_version=view.feedback.version,
        results=dict(view.results),
        **told(description=view.description.words, reason=view.reason, advice=view.advice),
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
        tile=view.tile,
        region=view.region,
        state=view.state,
        rows=view.rows,
        columns=view.columns,
        index=view.index,
        suitability=view.suitability,
        signal=view.signal,
        familiar=view.familiar,
        findings=[finding_answer(finding) for finding in view.findings],
        evidence=dict(view.evidence),
        **told(reason=view.reason),
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
                tile=view.tile,
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


def finding_list(
    series: SeriesView, slices: Sequence[SliceView], bands: Sequence[BandView] = ()
) -> FindingList:
    """Say what was found in a series and where; ``bands`` are those of its scanner and protocol."""
    own = {band.metric: band for band in bands}
    by_position = {view.position: view for view in slices}
    ranked = sorted(series.artifacts, key=lambda a: (not a.present, -a.severity, -a.probability))
    return FindingList(
        items=[located(artifact, by_position) for artifact in ranked],
        geometry=[fact_answer(fact) for fact in series.geometry],
        evidence=[metric_answer(summary, own.get(summary.metric)) for summary in series.evidence],
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
        reason=view.reason,
        created_at=instant(view.created_at),
        tried_at=_instant(view.tried_at),
        sent_at=_instant(view.sent_at),
        committed_at=_instant(view.committed_at),
        former_identity=view.former_identity,
    )


def catalogue_entry(artifact: Artifact) -> CatalogueEntry:
    """Say one kind of artifact."""
    return CatalogueEntry(
        name=artifact.name,
        scheme=artifact.scheme,
        code=artifact.code,
        meaning=artifact.meaning,
        colour=artifact.colour,
        cap=artifact.cap,
        **told(title=artifact.title, advice=advice_on(artifact.name, Situation()).line),
    )


def model_answer(model: ModelFacts) -> ModelAnswer:
    """Say the model in use."""
    return ModelAnswer(
        name=model.name,
        version=model.version,
        sha256=model.sha256,
        metrics=dict(model.metrics),
        presence=dict(model.presence),
        outlier=model.outlier,
        verdict=dict(model.verdict),
        **told(limits=model.limits),
    )
