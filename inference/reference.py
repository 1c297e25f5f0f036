"""Reference bands of the metrics, and which metric speaks for which artifact, as `reference.toml` holds them.

`python -m models.bands` measures both anew.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from inference.evidence import Readings, Worse

PATH = Path(__file__).with_name("reference.toml")
NOT_KNOWN = "no reference band for this kind of image"
NOT_READ = "not measured"

Says = Literal["agrees", "disagrees", "undecided", "n/a"]


@dataclass(frozen=True, slots=True)
class Band:
    """Where a metric lies on clean slices: the 5th, 50th and 95th percentile."""

    low: float
    middle: float
    high: float


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
class Testimony:
    """What one metric says to one finding."""

    metric: str
    says: Says
    value: float | None  # on that of the finding's slices which speaks most for it
    low: float | None  # the reference band
    high: float | None
    decisive: bool
    reason: str = ""  # why it does not apply, else ""

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "metric": self.metric,
            "says": self.says,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "decisive": self.decisive,
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Reference:
    """The measured bands and witnesses."""

    origin: str
    bands: Mapping[str, Mapping[str, Band]]  # by group of images, "" for any, then by metric
    witnesses: tuple[Witness, ...]

    def band(self, metric: str, group: str) -> Band | None:
        """Find the band of a group, or else of any; echo-planar images are like no other and have none."""
        if group == "epi":
            return self.bands.get(group, {}).get(metric)
        return self.bands.get(group, {}).get(metric) or self.bands[""].get(metric)

    def hear(self, artifact: str, slices: Sequence[Readings], group: str) -> tuple[Testimony, ...]:
        """Ask the witnesses of an artifact about the slices that show it."""
        return tuple(
            self._ask(witness, slices, group) for witness in self.witnesses if witness.artifact == artifact
        )

    def _ask(self, witness: Witness, slices: Sequence[Readings], group: str) -> Testimony:
        read = [reading for readings in slices for reading in readings if reading.metric == witness.metric]
        values = [reading.value for reading in read if reading.value is not None]
        band = self.band(witness.metric, group)
        if band is None or not values:
            why = NOT_KNOWN if band is None else next((reading.reason for reading in read), NOT_READ)
            return Testimony(witness.metric, "n/a", None, None, None, witness.decisive, why)
        value = max(values) if witness.worse == "high" else min(values)
        says = _says(value, band, witness.worse)
        return Testimony(witness.metric, says, value, band.low, band.high, witness.decisive)


def contradicted(testimonies: Iterable[Testimony]) -> bool:
    """Tell whether evidence clearly disagrees: a decisive witness denies the finding and none bears it out."""
    heard = tuple(testimonies)
    denied = any(one.says == "disagrees" and one.decisive for one in heard)
    return denied and not any(one.says == "agrees" for one in heard)


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
