"""What the ledger shows of itself: frozen values that the web reads, free of SQL and of identity."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from inference.checks import SeriesFact
from inference.geometry import Sampling
from inference.reference import MetricSummary, Statement
from inference.series import Description
from inference.series.situation import Situation
from inference.text import UNSAID, Text

Verdict = Literal["", "Usable", "Check", "Repeat", "Not scored"]
DeliveryKind = Literal["SR", "SC", "SEG", "REGIONS", "GSPS", "KO", "OVERLAY", "FHIR", "IMAGE", "MANIFEST"]
DeliveryState = Literal[
    "gathering",
    "waiting",
    "sent",
    "uncommitted",
    "committed",
    "held",
    "dead",
    "superseded",
    "discarded",
]
EventKind = Literal[
    "series",
    "alert",
    "delivery",
    "conflict",
    "identity",
    "decision",
    "exam",
    "feedback",
    "review",
    "notice",
    "drift",
    "access",
]
FeedbackKind = Literal["acknowledged", "agreed", "repeated", "accepted", "wrong alarm", "aborted"]

Box = tuple[int, int, int, int]  # left, top, right, bottom; pixels of the input, half-open


class BadCursor(ValueError):
    """This cursor was not given by this service."""


@dataclass(frozen=True, slots=True)
class ArtifactView:
    """One artifact class over a whole series."""

    name: str  # of the catalogue
    probability: float  # 0..1, calibrated
    severity: float  # 0..1
    present: bool
    slices: tuple[int, ...] = ()  # positions in the series, worst first
    evidence: tuple[Statement, ...] = ()  # what the metrics say to it


@dataclass(frozen=True, slots=True)
class FindingView:
    """One artifact class on one slice."""

    artifact: str  # name of the catalogue
    probability: float  # 0..1
    severity: float  # 0..1
    present: bool
    area: float = 0.0  # share of the body that is touched, 0..1
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class FeedbackView:
    """One thing that a person said to a verdict."""

    kind: FeedbackKind
    author: str
    role: str
    at: float  # s since the epoch
    earlier: bool = False  # the series had another verdict then
    comment: str = ""


@dataclass(frozen=True, slots=True)
class SeriesFeedback:
    """Everything that was said to a verdict, oldest first."""

    items: tuple[FeedbackView, ...] = ()
    version: str = ""  # another one after each saying, and with each verdict


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One generation of a series: what is known of it, how it was judged."""

    id: str  # opaque
    generation: int  # 1 at first; a late image makes the next
    study: str  # opaque
    scanner: str  # configured name or pseudonym
    state: str  # receiving, settling, complete, reported, delivered
    series_number: int | None
    description: Description  # coded, made of clean elements only
    opened_at: float  # s since the epoch, like every time here
    last_instance_at: float
    closed_at: float | None = None
    close_reason: str = ""
    received: int = 0  # instances
    expected: int | None = None  # instances that the header announces: a lower bound
    closing: Mapping[str, Any] | None = None  # the sign that closed it, with what was expected and received
    provisional: bool = False  # the verdict is about what is here; more may come
    repeats: str | None = None  # the failed series that this one repeats
    verdict: Verdict = ""  # "" until there is one
    reason: Text = UNSAID
    index: float | None = None  # 0 (useless) .. 10 (flawless)
    suitability: float | None = None  # probability that it is diagnostically usable, 0..1
    artifacts: tuple[ArtifactView, ...] = ()  # catalogue order
    geometry: tuple[SeriesFact, ...] = ()  # what only the whole series shows, in its catalogue's order
    evidence: tuple[MetricSummary, ...] = ()  # the metrics over its slices
    sampling: Sampling | None = None  # where not every volume of a series in time was scored
    advice: tuple[Text, ...] = ()
    model: str = ""  # name, version and start of the hash: "scanside-artifacts 0.1.0 (3f2a...)"
    provider: str = ""  # execution provider that was really in use
    conflict: bool = False  # one SOP Instance UID came with two images
    told: int | None = None  # instances that the scanner says it made (MPPS)
    never_came: int | None = None  # of these
    held: bool = False  # results wait until a person has decided
    former_identity: bool = False  # results left before patient or study were corrected
    repeated_by: str | None = None  # the series that was made because this one failed
    judging: Mapping[str, Any] | None = None  # the thresholds in force, and what others would have said
    incomplete: bool = False
    feedback: SeriesFeedback = SeriesFeedback()
    results: Mapping[str, int] = field(default_factory=dict[str, int])  # deliveries by state
    situation: Situation = field(default_factory=Situation)  # what its advice depends on


@dataclass(frozen=True, slots=True)
class SliceView:
    """One slice (one frame of one instance) of a series, in the series' order."""

    id: str  # opaque
    series_id: str
    position: int  # 0-based
    instance_number: int
    frame: int  # 1-based
    rows: int
    columns: int
    index: float | None  # 0..10; None until it is scored
    suitability: float | None  # 0..1
    signal: bool  # False: nothing but noise or air
    findings: tuple[FindingView, ...] = ()
    evidence: Mapping[str, float | str] = field(
        default_factory=dict[str, float | str]
    )  # by metric: value or why none
    familiar: bool = True  # False: unlike what the model was made with, does not count for the series
    tile: int = 0  # of a mosaic, 1-based; 0: the frame is the slice
    region: Box | None = None  # what the tile is of its picture; boxes of findings count from its corner
    state: str = ""  # waiting, scored, unsuited, unreadable, erased, unsampled
    reason: Text = UNSAID  # why it has no score


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One object on its way to one destination."""

    id: str  # opaque
    series_id: str
    generation: int
    destination: str  # configured name
    kind: DeliveryKind
    state: DeliveryState
    attempts: int
    next_at: float | None  # s since the epoch; None when nothing more is planned
    answer: str  # last answer of the destination, in words free of identity
    reason: str = ""  # why it is held, or does not leave
    created_at: float = 0.0  # s since the epoch, like the others
    tried_at: float | None = None  # last
    sent_at: float | None = None  # when the destination took it
    committed_at: float | None = None  # when it said that it keeps it
    former_identity: bool = False  # it left before patient or study were corrected


@dataclass(frozen=True, slots=True)
class DeliverySelection:
    """Which deliveries; what is not given is not looked at."""

    ids: tuple[int, ...] = ()
    destination: str | None = None
    state: DeliveryState | None = None
    series_id: str | None = None
    before: float | None = None  # posted earlier than this, s since the epoch
    kind: DeliveryKind | None = None

    def __bool__(self) -> bool:
        """Tell whether anything is given."""
        return self != DeliverySelection()


ALL = DeliverySelection()


@dataclass(frozen=True, slots=True)
class DeedView:
    """What a person did to deliveries, and why."""

    what: str
    by: str
    at: float  # s since the epoch
    reason: str
    changed: int = 1  # deliveries
    left: int = 0  # deliveries whose built objects have been let go


@dataclass(frozen=True, slots=True)
class EventView:
    """Something that happened; ids increase in the order of commits."""

    id: int
    at: float  # s since the epoch
    kind: EventKind
    series_id: str
    data: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class SliceSource:
    """Where the pixels and the packed masks of one slice lie."""

    spool_name: str
    frame: int  # 1-based
    tile: int  # of a mosaic, 1-based; 0: the frame is the slice
    masks: bytes | None  # as MaskStack.pack() wrote them; None where nothing was located


@dataclass(frozen=True, slots=True)
class PartView:
    """One running part of the service (door, web, worker) and its last sign of life."""

    name: str
    pid: int
    started_at: float  # s since the epoch
    heartbeat_at: float  # s since the epoch
    facts: Mapping[str, object] = field(default_factory=dict[str, object])  # provider, port, ...


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of everything there is: the numbers of the status page."""

    series: Mapping[str, int] = field(default_factory=dict[str, int])  # by state
    slices_waiting: int = 0
    deliveries: Mapping[str, int] = field(default_factory=dict[str, int])  # by state
    dead_letters: int = 0
    oldest_waiting_s: float | None = None  # age of the oldest work that waits, s
