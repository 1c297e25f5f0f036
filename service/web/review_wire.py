"""The shapes of review in the API, and how they are made of the ledger's values."""

from datetime import datetime
from math import isnan
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from inference.artifacts import NAMES
from inference.verdict import Thresholds
from service.ledger_views import Verdict
from service.review.agreement import Agreement, Estimate
from service.review.threshold_views import Lane, ProtocolView, TrialView, VersionView
from service.review.views import Case, Choice, Cursor, DecisionView, Outcome, Reason, Tier
from service.web.answers import instant
from service.web.words_wire import IN_GERMAN, DescriptionWords, told


def _is_an_artifact(name: str) -> str:
    if name not in NAMES:
        raise ValueError("must be a name of the catalogue (see /artifacts)")
    return name


def _is_printable(text: str) -> str:
    if not text.replace("\n", "").isprintable():
        raise ValueError("must hold printable characters and line breaks only")
    return text


Comment = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_is_printable)
]
Why = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_is_printable)
]
Tag = Annotated[str, AfterValidator(_is_an_artifact)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CursorGiven(_Given):
    """What a decision points at."""

    slice: int = Field(ge=0, le=1_000_000, description="0-based position in the series")
    x: float = Field(ge=0, le=1, description="Share of the picture's width")
    y: float = Field(ge=0, le=1, description="Share of its height")


class NewDecision(_Given):
    """What somebody decides on a series in review."""

    tier: Tier = Field(description="1, or 2 for whoever decides what the first tier hands on")
    decision: Choice = Field(description="`limits`: usable with limits; `doubtful`: the second tier decides")
    comment: Comment = Field(default="", description="Mandatory unless usable; names no patient")
    tags: list[Tag] = Field(default=[], max_length=len(NAMES), description="Artifacts that are seen")
    cursor: CursorGiven | None = None


class CursorAnswer(_Answer):
    """What a decision points at."""

    slice: int
    x: float
    y: float


class DecisionAnswer(_Answer):
    """What one person decided."""

    tier: int
    decision: Choice
    comment: str
    tags: list[str]
    cursor: CursorAnswer | None
    blind: bool = Field(description="The model's verdict was not shown before")
    author: str
    role: str
    at: datetime
    earlier: bool = Field(description="The series had another verdict then")


class ReviewAnswer(DescriptionWords):
    """A series in review."""

    id: str
    series: str
    scanner: str
    series_number: int | None
    de: DescriptionWords = IN_GERMAN
    verdict: Verdict = Field(description="Of the model; empty while it is hidden")
    artifacts: list[str] = Field(description="That the model found")
    why: list[Reason] = Field(description="Why it is looked at again; empty while that is hidden")
    hidden: bool = Field(
        description="The verdict, or what the first tier decided, is shown after the decision"
    )
    tier: int = Field(description="Who decides next; 0: nobody")
    outcome: Outcome = Field(description="The last decision of the highest tier")
    version: int = Field(description="The ETag, without its quotes")
    entered_at: datetime
    decided_at: datetime | None
    decisions: list[DecisionAnswer] = Field(description="Oldest first; none is ever changed")


class ReviewPage(_Answer):
    """A page of the queue, and what waits for each tier."""

    items: list[ReviewAnswer]
    next_cursor: str | None
    waiting: dict[str, int] = Field(description="By tier")


class EstimateAnswer(_Answer):
    """A figure with its 95 % interval."""

    value: float | None = Field(description="Null where nothing was counted")
    low: float | None
    high: float | None
    n: int = Field(description="Series that it was counted on")


class AgreementAnswer(_Answer):
    """How far model and reviewers agree."""

    days: float
    reviewed: int
    objections: int = Field(description="Of them, that came by an objection alone: they count for no figure")
    model: EstimateAnswer = Field(description="Weighted kappa of model and reviewers")
    tiers: EstimateAnswer = Field(description="Weighted kappa of the first and the second tier")
    alerts: EstimateAnswer = Field(description="Precision of alerts: not plainly usable")
    repeats: EstimateAnswer = Field(description="Precision of Repeat: unusable")
    missed: EstimateAnswer = Field(description="Share of the Usable series that is unusable")
    limited: EstimateAnswer = Field(description="The same, usable with limits")
    table: list[list[int]] = Field(description="Series by verdict (rows) and decision (columns)")


class ThresholdsAnswer(_Answer):
    """Where the verdicts part."""

    usable_index: float
    repeat_index: float
    repeat_suitability: float


class ThresholdsGiven(_Given):
    """Where the verdicts are to part; nothing: a suggestion is looked for."""

    usable_index: float = Field(ge=0, le=10)
    repeat_index: float = Field(ge=0, le=10)
    repeat_suitability: float = Field(ge=0, le=1)


class NewTrial(_Given):
    """What is to be tried on past series."""

    thresholds: ThresholdsGiven | None = Field(default=None, description="Null: look for better ones")
    days: float = Field(default=365, gt=0, le=3650, description="How far back")


class FiguresAnswer(_Answer):
    """What thresholds say of past series."""

    alerts: int
    repeats: int
    precision: EstimateAnswer
    missed: EstimateAnswer
    cost: float = Field(description="Of errors, for each series")


class TrialAnswer(_Answer):
    """Thresholds that were tried on past series."""

    id: str
    before: ThresholdsAnswer
    after: ThresholdsAnswer
    n_past: int = Field(description="Judged series that alerts were counted on")
    n_decided: int = Field(description="Series with a decision that the other figures were measured on")
    was: FiguresAnswer
    would: FiguresAnswer
    saves: EstimateAnswer = Field(description="Cost for each series that the tried ones save")
    clear: bool = Field(description="They are better beyond chance")
    miss_cost: float
    author: str
    at: datetime


class NewVersion(_Given):
    """Thresholds that are put in force."""

    lane: Lane = Field(default="live", description="`shadow`: kept beside what tells, for comparison")
    trial: str | None = Field(default=None, pattern=r"^\d{1,18}$", description="That showed what they do")
    restores: int | None = Field(
        default=None, ge=0, le=10**9, description="The version to come back to; 0: the settings, or no shadow"
    )
    why: Why


class VersionAnswer(_Answer):
    """Thresholds that were accepted, or taken back."""

    number: int
    lane: Lane
    thresholds: ThresholdsAnswer | None = Field(description="Null: those of the settings, or no shadow")
    restores: int | None
    why: str
    author: str
    role: str
    at: datetime
    model: str = Field(description="That they are for: series that another one scored are not judged by them")


class ProtocolAnswer(DescriptionWords):
    """A protocol of a scanner, and what its series are judged by."""

    id: str
    scanner: str
    de: DescriptionWords = IN_GERMAN
    past: int
    decided: int
    thresholds: ThresholdsAnswer = Field(description="In force")
    number: int = Field(description="Of the accepted version in force; 0: the settings")
    shadow: ThresholdsAnswer | None
    shadow_number: int
    versions: list[VersionAnswer] = Field(description="Oldest first")
    version: int = Field(description="The ETag, without its quotes: the number of the last version")
    compared: dict[str, int] = Field(
        description="Series by `told > in shadow`; of one protocol, not in lists"
    )


class ProtocolPage(_Answer):
    """Protocols of which series were judged."""

    items: list[ProtocolAnswer]
    next_cursor: str | None


def review_answer(case: Case) -> ReviewAnswer:
    """Say a series in review."""
    view = case.review
    return ReviewAnswer(
        id=view.id,
        series=view.series_id,
        scanner=view.scanner,
        series_number=view.series_number,
        **told(description=view.description.words),
        verdict=view.verdict,
        artifacts=list(view.artifacts),
        why=list(view.why),
        hidden=case.hidden,
        tier=view.tier,
        outcome=view.outcome,
        version=view.version,
        entered_at=instant(view.entered_at),
        decided_at=None if view.decided_at is None else instant(view.decided_at),
        decisions=[decision_answer(one) for one in case.decisions],
    )


def decision_answer(one: DecisionView) -> DecisionAnswer:
    """Say what somebody decided."""
    return DecisionAnswer(
        tier=one.tier,
        decision=one.decision,
        comment=one.comment,
        tags=list(one.tags),
        cursor=None if one.cursor is None else _cursor_answer(one.cursor),
        blind=one.blind,
        author=one.author,
        role=one.role,
        at=instant(one.at),
        earlier=one.earlier,
    )


def _cursor_answer(cursor: Cursor) -> CursorAnswer:
    return CursorAnswer(slice=cursor.slice, x=cursor.x, y=cursor.y)


def estimate_answer(one: Estimate) -> EstimateAnswer:
    """Say a figure."""
    value, low, high = (None if isnan(number) else number for number in (one.value, one.low, one.high))
    return EstimateAnswer(value=value, low=low, high=high, n=one.n)


def agreement_answer(found: Agreement, days: float) -> AgreementAnswer:
    """Say how far model and reviewers agree."""
    return AgreementAnswer(
        days=days,
        reviewed=found.reviewed,
        objections=found.objections,
        model=estimate_answer(found.model),
        tiers=estimate_answer(found.tiers),
        alerts=estimate_answer(found.alerts),
        repeats=estimate_answer(found.repeats),
        missed=estimate_answer(found.missed),
        limited=estimate_answer(found.limited),
        table=[list(row) for row in found.table],
    )


def thresholds_answer(thresholds: Thresholds) -> ThresholdsAnswer:
    """Say where the verdicts part."""
    return ThresholdsAnswer(
        usable_index=thresholds.usable_index,
        repeat_index=thresholds.repeat_index,
        repeat_suitability=thresholds.repeat_suitability,
    )


def trial_answer(view: TrialView) -> TrialAnswer:
    """Say what a trial showed."""
    figures = {name: value for name, value in view.figures.items() if name not in {"days", "model"}}
    return TrialAnswer(
        id=view.id,
        after=thresholds_answer(view.thresholds),
        author=view.author,
        at=instant(view.at),
        **figures,
    )


def version_answer(view: VersionView) -> VersionAnswer:
    """Say what was accepted."""
    return VersionAnswer(
        number=view.number,
        lane=view.lane,
        thresholds=None if view.thresholds is None else thresholds_answer(view.thresholds),
        restores=view.restores,
        why=view.why,
        author=view.author,
        role=view.role,
        at=instant(view.at),
        model=view.model,
    )


def protocol_answer(view: ProtocolView) -> ProtocolAnswer:
    """Say a protocol."""
    force = view.in_force
    return ProtocolAnswer(
        id=view.id,
        scanner=view.scanner,
        **told(description=view.description.words),
        past=view.past,
        decided=view.decided,
        thresholds=thresholds_answer(force.live),
        number=force.number,
        shadow=None if force.shadow is None else thresholds_answer(force.shadow),
        shadow_number=force.shadow_number,
        versions=[version_answer(one) for one in view.versions],
        version=view.version,
        compared=dict(view.compared),
    )
