"""What is followed over time: a name, words, a unit, and the range that it cannot leave."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from inference.artifacts import CATALOGUE
from inference.evidence import METRICS, SLICE_STEP
from inference.text import Text
from inference.verdict import Verdict

Group = Literal["score", "verdict", "presence", "probability", "metric"]
Worse = Literal["high", "low", ""]

Summary = Literal["mean", "share"]
MEAN: Summary = "mean"
SHARE: Summary = "share"


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that a judged series adds to a trend: a number, or whether something is so (a share of the series)."""

    name: str  # of the API: "index", "verdict.Repeat", "presence.motion", "metric.snrd"
    group: Group
    of: str  # the verdict, artifact or metric that it is about; else its own name
    title: Text
    unit: str  # UCUM; "1" for a ratio
    summary: Summary
    worse: Worse  # the direction in which quality falls; "": neither
    lower: float = -inf
    upper: float = inf


def _score(name: str, title: Text, worse: Worse, upper: float = inf) -> Measure:
    return Measure(name, "score", name, title, "1", MEAN, worse, 0.0, upper)


def _verdict(verdict: Verdict, worse: Worse) -> Measure:
    return Measure(f"verdict.{verdict}", "verdict", verdict, verdict.called, "1", SHARE, worse, 0.0, 1.0)


ABSTAINED = Measure(
    "abstained", "score", "abstained", Text("Abstentions", "Enthaltungen"), "1", SHARE, "high", 0.0, 1.0
)
"""Series that the model was asked about and did not know: of those, and of the scored ones."""

MEASURES: tuple[Measure, ...] = (
    _score("index", Text("Quality index", "Qualitätsindex"), "low", 10.0),
    _score("suitability", Text("Suitability", "Eignung"), "low", 1.0),
    _score("outlier", Text("Distance from the training data", "Abstand von den Trainingsdaten"), "high"),
    _score("unfamiliar", Text("Unfamiliar slices", "Unbekannte Schichten"), "high", 1.0),
    ABSTAINED,
    _verdict(Verdict.USABLE, "low"),
    *(_verdict(verdict, "high") for verdict in Verdict if verdict is not Verdict.USABLE),
    *(
        Measure(f"presence.{one.name}", "presence", one.name, one.title, "1", SHARE, "high", 0.0, 1.0)
        for one in CATALOGUE
    ),
    *(
        Measure(f"probability.{one.name}", "probability", one.name, one.title, "1", MEAN, "high", 0.0, 1.0)
        for one in CATALOGUE
    ),
    *(
        Measure(f"metric.{one.name}", "metric", one.name, one.title, one.unit, MEAN, one.worse)
        for one in (*METRICS, SLICE_STEP)
    ),
)
_BY_NAME = {measure.name: measure for measure in MEASURES}

DRIFTING: tuple[Measure, ...] = tuple(
    measure
    for measure in MEASURES
    if measure.summary == MEAN and measure.group in {"score", "metric"} and measure.name != "unfamiliar"
)
"""Those whose whole distribution is compared: what the model says of series, and what the metrics read."""


def measure_of(name: str) -> Measure:
    """Give the measure of that name. Raises KeyError."""
    return _BY_NAME[name]
