"""What the ledger tells of trends and of searched series: frozen values, free of SQL and of identity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from inference.text import Text
from service.ledger_views import Verdict

Period = Literal["day", "week"]
SeriesStateName = Literal["receiving", "settling", "provisional", "complete", "reported", "delivered"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which series a trend is of; what is empty is not looked at. Days are the site's own, counted from 1970."""

    scanner: str = ""  # its name
    protocol: str = ""  # as `service.protocols` writes it
    coil: str = ""  # its id, as the groups give it
    since: int | None = None  # day, inclusive
    until: int | None = None  # day, exclusive


@dataclass(frozen=True, slots=True)
class Group:
    """A scanner, protocol and coil of which there are series."""

    scanner: str
    protocol: str
    coil: str
    n: int  # series


@dataclass(frozen=True, slots=True)
class Bucket:
    """The series of one day or week."""

    day: int  # its first
    n: int  # series that the value is of
    value: float | None  # mean, or share; None where n is 0
    verdicts: Mapping[Verdict, int]  # of all series
    model: str  # of the last of them in the alphabet


@dataclass(frozen=True, slots=True)
class Presence:
    """How often an artifact was found."""

    artifact: str
    n: int  # scored series
    found: int  # of these
    probability: float | None  # mean, 0..1


@dataclass(frozen=True, slots=True)
class DriftView:
    """How far a measure of one scanner has moved."""

    scanner: str
    measure: str
    psi: float
    ks: float
    p: float
    n_before: int
    n_now: int
    before: float  # medians
    now: float
    alarm: bool
    since: float | None  # s since the epoch
    measured_at: float


@dataclass(frozen=True, slots=True)
class BandView:
    """Where a metric lies in the usable series of a scanner and protocol: the 5th, 50th and 95th percentile."""

    scanner: str
    protocol: str
    metric: str
    low: float
    middle: float
    high: float
    n: int  # series
    learnt_at: float  # s since the epoch


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One judged series, as it is exported."""

    series_id: str
    opened_at: float  # s since the epoch
    scanner: str
    protocol: str
    coil: str
    verdict: str
    model: str
    values: str  # numbers and nulls in the order of `service.ledger.trends.VALUES`, as one JSON array


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for; what is empty is not looked at."""

    since: float | None = None  # opened at or after, s since the epoch
    until: float | None = None  # opened before
    scanner: str = ""
    protocol: str = ""
    terms: tuple[tuple[str, str], ...] = ()  # facet and term of the vocabulary; all of them
    verdict: str = ""
    artifact: str = ""  # that is present
    state: str = ""
    reviewed: bool | None = None  # whether a person said something about the verdict


@dataclass(frozen=True, slots=True)
class FoundSeries:
    """One generation of a series that was searched for."""

    id: str
    generation: int
    opened_at: float  # s since the epoch
    scanner: str
    series_number: int | None
    protocol: str
    coil: str
    state: str
    verdict: Verdict
    reason: Text
    index: float | None  # 0..10
    suitability: float | None  # 0..1
    artifacts: tuple[str, ...]  # those that are present, in the catalogue's order
    reviewed: bool
