"""Reference bands of the metrics, and which metric speaks for which artifact, as `reference.toml` holds them.

`python -m models.bands` measures both anew.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any, Literal, Self

from inference.evidence import METRICS, SLICE_STEP, Metric, Reading, Readings, Worse
from inference.text import UNSAID, Text, texts_of, with_german

PATH = Path(__file__).with_name("reference.toml")
NOT_KNOWN = Text("no reference band for this kind of image", "kein Referenzband für diese Art von Bild")
NOT_READ = Text("not measured", "nicht gemessen")

Says = Literal["agrees", "disagrees", "undecided", "n/a"]


@dataclass(frozen=True, slots=True)
class Band:
    """Where a metric lies on clean slices: the 5th, 50th and 95th percentile."""

    low: float
    middle: float
    high: float
    subjects: int  # on whose slices it was measured


@dataclass(frozen=True, slots=True)
class Witness:
    """A metric that speaks for an artifact, with what it is worth."""

    artifact: str
    metric: str
    worse: Worse  # the direction in which the artifact moves it
    auc: float  # grave simulated artifacts against clean slices
    missed: float  # share of grave artifacts that it would deny
    decisive: bool  # denies so few that its word stands against a finding


@dataclass(frozen=True, slots=True)
class Statement:
    """What one metric says to one finding."""

    metric: str
    says: Says
    value: float | None  # on that of the finding's slices which speaks most for it
    low: float | None  # the reference band
    high: float | None
    decisive: bool
    reason: Text = UNSAID  # why it does not apply, else ""

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return with_german(asdict(self), "reason")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        return cls(**texts_of(values, "reason"))


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """One metric over the slices of a series."""

    metric: str
    median: float | None  # None where it applies to no slice
    extreme: float | None  # the worst value
    slice: int | None  # position in the series of the slice that has it
    n_slices: int  # to how many slices it applies
    low: float | None  # the reference band; None where there is none
    high: float | None
    reason: Text = UNSAID  # why it does not apply, else ""

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return with_german(asdict(self), "reason")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        return cls(**texts_of(values, "reason"))


@dataclass(frozen=True, slots=True)
class Reference:
    """The measured bands and witnesses."""

    origin: str
    bands: Mapping[str, Mapping[str, Band]]  # by group of images, "" for any, then by metric
    witnesses: tuple[Witness, ...]

    def band(self, metric: str, group: str) -> Band | None:
        """Find the band of a group, or else of any; echo-planar images are like no other."""
        if group == "epi":
            return self.bands.get(group, {}).get(metric)
        return self.bands.get(group, {}).get(metric) or self.bands[""].get(metric)

    def hear(self, artifact: str, slices: Sequence[Readings], group: str) -> tuple[Statement, ...]:
        """Ask the witnesses of an artifact about the slices that show it."""
        return tuple(
            self._ask(witness, slices, group) for witness in self.witnesses if witness.artifact == artifact
        )

    def _ask(self, witness: Witness, slices: Sequence[Readings], group: str) -> Statement:
        read = [reading for readings in slices for reading in readings if reading.metric == witness.metric]
        values = [reading.value for reading in read if reading.value is not None]
        band = self.band(witness.metric, group)
        decisive = witness.decisive and group != "epi"  # what it would deny of those was never measured
        if band is None or not values:
            why = NOT_KNOWN if band is None else next((reading.reason for reading in read), NOT_READ)
            return Statement(witness.metric, "n/a", None, None, None, decisive, why)
        value = max(values) if witness.worse == "high" else min(values)
        says = _says(value, band, witness.worse)
        return Statement(witness.metric, says, value, band.low, band.high, decisive)


def contradicted(statements: Iterable[Statement]) -> bool:
    """Tell whether evidence clearly disagrees: a decisive witness denies the finding and none bears it out."""
    heard = tuple(statements)
    denied = any(one.says == "disagrees" and one.decisive for one in heard)
    return denied and not any(one.says == "agrees" for one in heard)


def sum_up_metrics(
    slices: Mapping[int, Readings], kind: str, slice_step: float | None
) -> tuple[MetricSummary, ...]:
    """Sum up each metric over the slices that count, by their positions; () where nothing was measured."""
    read: dict[str, dict[int, Reading]] = {metric.name: {} for metric in METRICS}
    for position, readings in slices.items():
        for reading in readings:
            if reading.metric in read:  # one that an older version measured is passed over
                read[reading.metric][position] = reading
    found = [_over_slices(metric, read[metric.name], kind) for metric in METRICS if read[metric.name]]
    if found and slice_step is not None:
        step = Reading.of(SLICE_STEP.name, slice_step).value
        found.append(MetricSummary(SLICE_STEP.name, step, step, None, len(slices), None, None))
    return tuple(found)


def _over_slices(metric: Metric, read: Mapping[int, Reading], kind: str) -> MetricSummary:
    values = {position: one.value for position, one in read.items() if one.value is not None}
    band = reference().band(metric.name, kind)
    low, high = (None, None) if band is None else (band.low, band.high)
    if not values:
        why = next(iter(read.values())).reason
        return MetricSummary(metric.name, None, None, None, 0, low, high, why)
    worst = (max if metric.worse == "high" else min)(values, key=lambda position: values[position])
    middle = Reading.of(metric.name, median(values.values())).value
    return MetricSummary(metric.name, middle, values[worst], worst, len(values), low, high)


@lru_cache(maxsize=1)
def reference() -> Reference:
    """Read the table that lies beside this module."""
    stated = tomllib.loads(PATH.read_text("utf-8"))
    return Reference(
        origin=stated["origin"],
        bands={
            "" if group == "any" else group: {name: Band(*values) for name, values in bands.items()}
            for group, bands in stated["band"].items()
        },
        witnesses=tuple(Witness(**entry) for entry in stated["witness"]),
    )


def _says(value: float, band: Band, worse: Worse) -> Says:
    """Beyond the band the artifact's way: agrees; on the better side of the middle: disagrees."""
    sign = 1.0 if worse == "high" else -1.0
    limit = band.high if worse == "high" else band.low
    if sign * value > sign * limit:
        return "agrees"
    return "disagrees" if sign * value <= sign * band.middle else "undecided"
