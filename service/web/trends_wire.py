"""The shapes of the answers about trends."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.trends.views import Period
from service.web.words_wire import IN_GERMAN, DescriptionWords, TermWords, TitleWords


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class MeasureAnswer(TitleWords):
    """Something that can be followed over time."""

    name: str
    group: Literal["score", "verdict", "presence", "probability", "metric"]
    of: str = Field(description="The verdict, artifact or metric that it is about; else its own name")
    unit: str = Field(description="UCUM; 1 for a ratio")
    summary: Literal["mean", "share"] = Field(description="What a point is: of the values, or of the series")
    worse: Literal["high", "low", ""] = Field(description="The direction in which quality falls")
    de: TitleWords = IN_GERMAN


class GroupAnswer(DescriptionWords):
    """A scanner, protocol and coil of which there are series."""

    scanner: str
    protocol: str = Field(description="The key that queries take: coded terms, no free text")
    coil: str = Field(description="The id that queries take; empty where the header names no coil")
    coil_name: str
    n: int = Field(description="Judged series")
    de: DescriptionWords = IN_GERMAN


class TermAnswer(TermWords):
    """A term that protocols are searched by."""

    facet: str
    term: str
    de: TermWords = IN_GERMAN


class ChoiceList(_Answer):
    """What trends and searches can be narrowed to."""

    groups: list[GroupAnswer]
    measures: list[MeasureAnswer]
    terms: list[TermAnswer] = Field(description="Those that turn up in protocols of judged series")


class SignalAnswer(_Answer):
    """A rule that a point breaks."""

    rule: Literal["beyond", "two of three", "four of five", "eight", "ewma"]
    high: bool = Field(description="To which side of the centre")


class PointAnswer(_Answer):
    """One day or week."""

    at: date = Field(description="Its first day")
    n: int = Field(description="Series that the value is of")
    value: float | None
    thin: bool = Field(description="Of so few series that it says nothing about the limits")
    baseline: bool = Field(description="The limits are made of it")
    ewma: float | None
    ewma_lower: float | None
    ewma_upper: float | None
    signals: list[SignalAnswer]
    verdicts: dict[str, int] = Field(description="Series by verdict")


class LimitsAnswer(_Answer):
    """The individuals chart: centre, and limits at 2.66 mean moving ranges from it."""

    centre: float
    lower: float
    upper: float
    sigma: float = Field(description="Mean moving range over 1.128")
    n: int = Field(description="Points of the baseline")
    since: date
    until: date
    chosen: bool = Field(description="Somebody chose the baseline; else it is the first points")


class ModelChange(_Answer):
    """From which point on another model judged."""

    at: date
    model: str


class GeneralBand(_Answer):
    """Where a metric lies on clean slices of such images in general."""

    low: float
    high: float


class OwnBandAnswer(TitleWords):
    """Where a metric lies in the usable series of this scanner and protocol; it is shown, and decides nothing."""

    metric: str
    unit: str = Field(description="UCUM")
    low: float = Field(description="5th percentile of the series' medians")
    middle: float
    high: float = Field(description="95th percentile")
    n: int = Field(description="Series")
    learnt_at: datetime
    general: GeneralBand | None = Field(description="Null where there is none for such images")
    de: TitleWords = IN_GERMAN


class BandList(_Answer):
    """The bands of one scanner and protocol; empty while too few series were usable."""

    items: list[OwnBandAnswer]
    fewest: int = Field(description="Usable series that a band needs")


class TrendAnswer(_Answer):
    """A measure over time, with its control charts."""

    measure: MeasureAnswer
    by: Period
    points: list[PointAnswer]
    limits: LimitsAnswer | None = Field(description="Null while there are too few points")
    weight: float = Field(description="Lambda of the EWMA")
    width: float = Field(description="L of the EWMA: standard deviations of its limits")
    models: list[ModelChange]
    series: int = Field(description="All series of the selection")


class PresenceAnswer(TitleWords):
    """How often an artifact was found."""

    artifact: str
    n: int = Field(description="Scored series")
    found: int
    rate: float | None
    low: float | None = Field(description="95 % interval of the rate (Wilson)")
    high: float | None
    probability: float | None = Field(description="Mean over the series")
    de: TitleWords = IN_GERMAN


class PresenceList(_Answer):
    """How often each artifact was found, in the catalogue's order."""

    items: list[PresenceAnswer]


class DriftAnswer(_Answer):
    """How far a measure of one scanner has moved."""

    scanner: str
    measure: MeasureAnswer
    psi: float = Field(description="Population stability index")
    ks: float = Field(description="Kolmogorov-Smirnov distance")
    p: float = Field(description="That chance alone brings such a distance about")
    n_before: int
    n_now: int
    before: float = Field(description="Median")
    now: float
    alarm: bool
    since: datetime | None
    measured_at: datetime


class DriftList(_Answer):
    """Drift by scanner and measure: alarms first, the farthest first."""

    items: list[DriftAnswer]
    major: float = Field(description="The index from which on a shift is a major one")
    unlikely: float = Field(description="The p below which it is not taken for chance")
