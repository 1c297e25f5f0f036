"""The shapes of the API's answers, as promised to those outside."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from inference.reference import Says
from service.ledger_views import (
    Box,
    DeliveryKind,
    DeliveryState,
    FeedbackKind,
    Verdict,
)
from service.web.words_wire import (
    IN_GERMAN,
    AdviceWords,
    CatalogueWords,
    ClosingWords,
    FactWords,
    LimitsWords,
    MetricWords,
    ReasonWords,
    SeriesWords,
    SuggestionWords,
)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class SeriesFactAnswer(FactWords):
    """One finding that only the whole series shows."""

    name: str
    scheme: str = Field(description="Coding scheme designator")
    code: str
    meaning: str
    doubtful: bool = Field(description="A series that shows it is Check")
    present: bool
    value: float | None = Field(description="How much; null where the check does not apply")
    slices: list[int] = Field(description="Positions in the series, worst first")
    de: FactWords = IN_GERMAN


class SamplingAnswer(_Answer):
    """How much of a series in time was scored."""

    volumes: int = Field(description="Volumes that were scored, of the kind and echo that has most of them")
    of: int = Field(description="Volumes that there are")
    slices: int = Field(description="Slices of the whole series that were left out")


class StatementAnswer(MetricWords):
    """What one classical metric says to a finding."""

    metric: str
    unit: str = Field(description="UCUM")
    says: Says
    value: float | None
    low: float | None = Field(description="Reference band of clean slices: 5th percentile")
    high: float | None = Field(description="95th percentile")
    decisive: bool = Field(description="Its word alone stands against a Repeat")
    de: MetricWords = IN_GERMAN


class MetricAnswer(MetricWords):
    """One classical metric over the slices of a series."""

    metric: str
    unit: str = Field(description="UCUM")
    worse: Literal["high", "low"]
    median: float | None
    extreme: float | None = Field(description="The worst value")
    slice: int | None = Field(description="Position of the slice that has it")
    n_slices: int = Field(description="Slices to which it applies")
    low: float | None = Field(description="Reference band of clean slices: 5th percentile")
    high: float | None = Field(description="95th percentile")
    own_low: float | None = Field(
        description="5th percentile of the medians of this scanner's usable series of this protocol; null: too few"
    )
    own_high: float | None = Field(description="95th percentile")
    own_series: int = Field(description="Of how many series; these bands are shown, and decide nothing")
    de: MetricWords = IN_GERMAN


class SuggestionAnswer(SuggestionWords):
    """One thing to do about an artifact."""

    kind: str = Field(description="reconstruct, before, protocol, accept or service")
    topic: str
    seconds: float | None = Field(
        description="That a new scan takes with it; 0: none is needed; null: not told"
    )
    source: str = Field(description="The work where the fact stands")
    de: SuggestionWords = IN_GERMAN


class ArtifactAnswer(AdviceWords):
    """One artifact over the whole series."""

    name: str = Field(description="Name of the catalogue (see /artifacts)")
    probability: float = Field(description="0 to 1, calibrated")
    severity: float = Field(description="0 to 1")
    present: bool
    slices: list[int] = Field(description="Positions in the series, worst first")
    suggestions: list[SuggestionAnswer] = Field(description="What to do about it in full, best first")
    de: AdviceWords = IN_GERMAN


class ClosingAnswer(ClosingWords):
    """What closed a series."""

    sign: str = Field(description="The sign: the element that counted, or the name of another sign")
    received: int = Field(description="Instances")
    expected: int | None = Field(description="Instances, as far as a count that is not refuted says so")
    counts: dict[str, int] = Field(description="What each element of the header announced")
    waited_s: float = Field(description="Seconds from the last instance until no more were expected")
    quiet_s: float = Field(description="The quiet time in force, in seconds")
    longest_pause_s: float = Field(description="The longest pause between two instances, in seconds")
    de: ClosingWords = IN_GERMAN


class CodedAnswer(_Answer):
    """What one facet of a series is."""

    facet: str = Field(description="As in weighting, family, orientation, part")
    term: str = Field(description="Name of the term, stable")
    scheme: str = Field(description="Coding scheme designator")
    code: str
    meaning: str
    evidence: list[str] = Field(description="The elements that say so: never their values")


class FeedbackAnswer(_Answer):
    """One thing that a person said to a verdict."""

    kind: FeedbackKind
    author: str
    role: str
    at: datetime
    earlier: bool = Field(description="The series had another verdict then")
    comment: str


class ShadowAnswer(ReasonWords):
    """What thresholds that are tried in shadow would have said."""

    number: int = Field(description="Of the version in shadow")
    verdict: str
    de: ReasonWords = IN_GERMAN


class JudgedByAnswer(_Answer):
    """The thresholds by which a series was judged."""

    usable_index: float
    repeat_index: float
    repeat_suitability: float
    number: int = Field(description="Of the version that was accepted for its protocol; 0: the settings")
    shadow: ShadowAnswer | None


class SeriesAnswer(SeriesWords):
    """One generation of a series."""

    id: str
    generation: int = Field(description="1, then one more each time a late image reopened the series")
    study: str = Field(description="Opaque id shared by the series of one study")
    scanner: str
    state: str
    series_number: int | None
    coded: list[CodedAnswer] = Field(description="What the series is; a facet that is unknown is left out")
    field_strength: float | None = Field(description="Tesla")
    opened_at: datetime
    last_instance_at: datetime
    closed_at: datetime | None
    close_reason: str
    received: int = Field(description="Instances so far")
    expected: int | None = Field(
        description="Instances that the header announces: a lower bound until proved"
    )
    closing: ClosingAnswer | None = Field(description="The evidence that closed it; null while it is open")
    provisional: bool = Field(description="The verdict is about the images so far: a timed series may go on")
    repeats: str | None = Field(description="The failed series that this one repeats")
    verdict: Verdict = Field(description="Empty until there is one")
    index: float | None = Field(description="0 (useless) to 10 (flawless)")
    suitability: float | None = Field(description="Probability that it is diagnostically usable")
    artifacts: list[ArtifactAnswer]
    geometry: list[SeriesFactAnswer] = Field(description="What only the whole series shows, and is there")
    sampling: SamplingAnswer | None = Field(description="Null where every volume was scored")
    repeat_seconds: float | None = Field(
        description="How long the scan took, where a source tells and its moment can be had again"
    )
    model: str
    provider: str
    repeated_by: str | None = Field(description="The series that was made because this one failed")
    conflict: bool = Field(description="One SOP Instance UID came with two images, and nobody has decided")
    told: int | None = Field(description="Instances that the scanner says it made (MPPS)")
    never_came: int | None = Field(description="Of these, how many are not here")
    held: bool = Field(description="Results wait until a person has decided which images and whose they are")
    former_identity: bool = Field(description="Results were sent under a former identity of patient or study")
    judged_by: JudgedByAnswer | None = Field(description="Null before there is a verdict")
    incomplete: bool
    feedback: list[FeedbackAnswer] = Field(description="What people said to the verdict, oldest first")
    feedback_version: str = Field(description="The ETag of the feedback, without its quotes")
    results: dict[str, int] = Field(description="Deliveries by state")
    de: SeriesWords = IN_GERMAN


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
    tile: int = Field(description="1-based in a mosaic; 0: the frame is the slice")
    region: Box | None = Field(
        description="What the tile is of its picture, as a box; null for a whole frame"
    )
    state: str = Field(
        description="waiting, scored, unsuited, unreadable, erased, or unsampled: other volumes were"
    )
    reason: str = Field(description="Why it has no score")
    de: ReasonWords = IN_GERMAN
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
    tile: int
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
    reason: str = Field(description="Why it is held, or does not leave")
    created_at: datetime
    tried_at: datetime | None = Field(description="Last")
    sent_at: datetime | None = Field(description="When the destination took it")
    committed_at: datetime | None = Field(description="When the destination said that it keeps it")
    former_identity: bool = Field(description="It left before patient or study were corrected")


class DeliveryPage(_Answer):
    """Deliveries, newest first."""

    items: list[DeliveryAnswer]
    next_cursor: str | None


class CatalogueEntry(CatalogueWords):
    """One kind of artifact."""

    name: str
    scheme: str = Field(description="Coding scheme designator")
    code: str
    meaning: str
    colour: str = Field(description="#rrggbb")
    cap: Literal["Check", "Repeat"] = Field(description="The most that this artifact alone may cause")
    de: CatalogueWords = IN_GERMAN


class Catalogue(_Answer):
    """Every artifact that is looked for, in the order of the mask channels."""

    items: list[CatalogueEntry]


class ModelAnswer(LimitsWords):
    """The model in use."""

    name: str
    version: str
    sha256: str
    metrics: dict[str, float] = Field(description="Measured on held-out subjects")
    presence: dict[str, float] = Field(description="Probability from which an artifact counts, by artifact")
    outlier: float | None = Field(
        description="Distance beyond which a slice is too unlike what the model was made with"
    )
    verdict: dict[str, float] = Field(description="Where the verdicts part, by the settings' names")
    de: LimitsWords = IN_GERMAN


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
