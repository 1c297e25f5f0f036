"""From findings to slice and series scores: values and pure functions, nothing else."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import floor
from typing import Any, Self

from inference.artifacts import NAMES, by_name

Box = tuple[int, int, int, int]  # left, top, right, bottom in px of the input, half-open

OUTSIDE = 0.2  # how much a pixel outside the anatomy counts
TEMPER = (
    0.5  # of an artifact's weight: suitability, which the index starts from, has seen the artifacts already
)
LOW = 0.10  # the quantile of the slices that speaks for the series
SPARED = 20  # one slice in so many may err before an artifact counts for the series
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One artifact on one slice."""

    artifact: str
    probability: float  # calibrated, 0..1
    severity: float  # visibility times the share of the body touched, 0..1
    present: bool
    area: float  # share of the body touched, 0..1
    box: Box | None  # of the largest region; None where nothing is located

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return asdict(self) | {"box": _listed(self.box)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        known: dict[str, Any] = {**values, "box": _box(values["box"])}
        return cls(**known)


@dataclass(frozen=True, slots=True)
class SliceScore:
    """One slice: its index, and a finding for every artifact of the catalogue, in its order."""

    instance_number: int
    frame: int  # 1-based
    index: float  # 0..10
    suitability: float  # probability that the slice is diagnostically usable
    signal: bool  # False: nothing but noise or air, does not count for the series
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "instance_number": self.instance_number,
            "frame": self.frame,
            "index": self.index,
            "suitability": self.suitability,
            "signal": self.signal,
            "findings": [finding.to_json() for finding in self.findings],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        known: dict[str, Any] = {**values, "findings": tuple(map(Finding.from_json, values["findings"]))}
        return cls(**known)


@dataclass(frozen=True, slots=True)
class SeriesFinding:
    """One artifact over a series."""

    artifact: str
    probability: float
    severity: float
    present: bool
    slices: tuple[int, ...]  # positions in the sequence of slice scores that show it, worst first
    box: Box | None  # on the worst of them

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return asdict(self) | {"slices": list(self.slices), "box": _listed(self.box)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        known: dict[str, Any] = {**values, "slices": tuple(values["slices"]), "box": _box(values["box"])}
        return cls(**known)


@dataclass(frozen=True, slots=True)
class QualityScore:
    """What is said of a series; the rules make the verdict of it."""

    scored: bool
    reason: str  # why it is not scored, else ""
    index: float | None  # 0..10
    suitability: float | None  # 0..1
    findings: tuple[SeriesFinding, ...]  # every artifact in the catalogue's order; () if not scored
    n_slices: int
    worst: int | None  # position of the slice with the lowest index

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "scored": self.scored,
            "reason": self.reason,
            "index": self.index,
            "suitability": self.suitability,
            "findings": [finding.to_json() for finding in self.findings],
            "n_slices": self.n_slices,
            "worst": self.worst,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        known: dict[str, Any] = {
            **values,
            "findings": tuple(map(SeriesFinding.from_json, values["findings"])),
        }
        return cls(**known)


def severity_of(visibility: float, inside: float, outside: float) -> tuple[float, float]:
    """Weigh a region: gives severity and area, both 0..1.

    `visibility` is 0..1; `inside` is the share of the body that the region touches, `outside` the region's size
    beyond the anatomy in units of the body.
    """
    touched = min(1.0, inside + OUTSIDE * outside)
    return round(min(1.0, visibility) * touched, DIGITS), round(min(1.0, inside), DIGITS)


def index_of(suitability: float, findings: Sequence[Finding]) -> float:
    """Temper the suitability of a slice by what was found on it: 0..10, never rising with a severity."""
    index = 10.0 * suitability
    for finding in findings:
        if finding.present:
            index *= 1.0 - TEMPER * by_name(finding.artifact).weight * finding.severity
    return round(index, DIGITS)


def summarise(scores: Sequence[SliceScore]) -> QualityScore:
    """Sum up the slices of a series. Slices without signal do not count."""
    counted = [position for position, score in enumerate(scores) if score.signal]
    if not counted:
        return not_scored("no slice shows signal" if scores else "no slice could be scored", len(scores))
    return QualityScore(
        scored=True,
        reason="",
        index=_low([scores[position].index for position in counted]),
        suitability=_low([scores[position].suitability for position in counted]),
        findings=tuple(_over_series(name, scores, counted) for name in NAMES),
        n_slices=len(scores),
        worst=min(counted, key=lambda position: scores[position].index),
    )


def not_scored(reason: str, n_slices: int = 0) -> QualityScore:
    """Say that a series has no score, and why."""
    return QualityScore(
        scored=False, reason=reason, index=None, suitability=None, findings=(), n_slices=n_slices, worst=None
    )


def _over_series(name: str, scores: Sequence[SliceScore], counted: Sequence[int]) -> SeriesFinding:
    """Sum up one artifact: as probable and as severe as on the k-th worst slice, k - 1 being allowed to err."""
    which = NAMES.index(name)
    found = {position: scores[position].findings[which] for position in counted}
    rank = len(counted) // SPARED
    showing = sorted(
        (position for position in counted if found[position].present),
        key=lambda position: (-found[position].severity, -found[position].probability, position),
    )
    return SeriesFinding(
        artifact=name,
        probability=_ranked(found.values(), lambda finding: finding.probability, rank),
        severity=_ranked(found.values(), lambda finding: finding.severity, rank),
        present=len(showing) > rank,
        slices=tuple(showing),
        box=found[showing[0]].box if showing else None,
    )


def _ranked(findings: Iterable[Finding], value: Callable[[Finding], float], rank: int) -> float:
    return sorted((value(finding) for finding in findings), reverse=True)[rank]


def _low(values: Sequence[float]) -> float:
    """Give the low quantile, linear between neighbours: a few bad slices show, one of many does not rule."""
    ordered = sorted(values)
    place = LOW * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (place - below) * (ordered[above] - ordered[below]), DIGITS)


def _box(values: Sequence[int] | None) -> Box | None:
    if values is None:
        return None
    left, top, right, bottom = values
    return left, top, right, bottom


def _listed(box: Box | None) -> list[int] | None:
    return None if box is None else list(box)
