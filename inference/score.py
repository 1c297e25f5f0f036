"""From findings to slice and series scores: values and pure functions, nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from inference import evidence
from inference.artifacts import NAMES, by_name
from inference.checks import SeriesFact
from inference.evidence import Readings
from inference.footprint import Footprint
from inference.geometry import Sampling, Why
from inference.reference import MetricSummary, Statement, contradicted
from inference.stacks import Place
from inference.text import Text, texts_of, with_german

Box = tuple[int, int, int, int]  # left, top, right, bottom in px of the input, half-open

OUTSIDE = 0.2  # how much a pixel outside the anatomy counts
ASIDE = 0.5  # how much a pixel of the anatomy off the region of interest counts
TEMPER = 0.5  # of an artifact's weight: suitability, which the index starts from, has seen it already
STRANGE = 0.2  # the share of unfamiliar slices from which on a person should look
DIGITS = 4
UNFAMILIAR = Text(
    "the images are unlike those that the model was made with",
    "die Bilder gleichen denen nicht, mit denen das Modell trainiert wurde",
)
NO_SIGNAL = Text("no slice with signal", "keine Schicht mit Signal")
NO_SCORE = Text("no slice could be scored", "keine Schicht ließ sich bewerten")


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
        return {
            "artifact": self.artifact,
            "probability": round(self.probability, DIGITS),
            "severity": round(self.severity, DIGITS),
            "present": self.present,
            "area": round(self.area, DIGITS),
            "box": _listed(self.box),
        }

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
    evidence: Readings = ()  # the classical metrics, in their table's order
    footprint: Footprint | None = None  # what the checks of the series need
    kind: str = ""  # of image, whose reference bands apply: "head", "body", "epi"; "" where it is not known
    familiar: bool = True  # False: unlike what the model was made with, does not count for the series
    outlier: float | None = None  # distance from what the model was made with; about 1 is usual
    tile: int = 0  # 1-based in a mosaic; 0: the frame is the slice
    region: Box | None = None  # what the tile is of its picture; boxes of findings count from its corner
    place: Place | None = None  # among the slices of its series; kept beside the score, not in it

    def to_json(self) -> dict[str, Any]:
        """Give plain values, without the place."""
        return {
            "instance_number": self.instance_number,
            "frame": self.frame,
            "index": round(self.index, DIGITS),
            "suitability": round(self.suitability, DIGITS),
            "signal": self.signal,
            "findings": [finding.to_json() for finding in self.findings],
            "evidence": evidence.to_json(self.evidence),
            "de": {"evidence": evidence.in_german(self.evidence)},
            "footprint": None if self.footprint is None else self.footprint.to_json(),
            "kind": self.kind,
            "familiar": self.familiar,
            "outlier": None if self.outlier is None else round(self.outlier, DIGITS),
            "tile": self.tile,
            "region": _listed(self.region),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        footprint = values.get("footprint")
        told = values.get("de", {}).get("evidence")
        known: dict[str, Any] = {
            **texts_of(values),
            "findings": tuple(map(Finding.from_json, values["findings"])),
            "evidence": evidence.from_json(values.get("evidence", {}), told),
            "footprint": None if footprint is None else Footprint.from_json(footprint),
            "region": _box(values.get("region")),
        }
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Unscored:
    """A slice of a series that has no score."""

    place: Place | None  # None where its header could not be read
    why: Why


@dataclass(frozen=True, slots=True)
class SeriesFinding:
    """One artifact over a series."""

    artifact: str
    probability: float
    severity: float
    present: bool
    slices: tuple[int, ...]  # positions in the sequence of slice scores that show it, worst first
    box: Box | None  # on the worst of them
    evidence: tuple[Statement, ...] = ()  # what the metrics say to it, where it is present

    @property
    def contradicted(self) -> bool:
        """Whether the evidence clearly disagrees."""
        return self.present and contradicted(self.evidence)

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "artifact": self.artifact,
            "probability": round(self.probability, DIGITS),
            "severity": round(self.severity, DIGITS),
            "present": self.present,
            "slices": list(self.slices),
            "box": _listed(self.box),
            "evidence": [statement.to_json() for statement in self.evidence],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        known: dict[str, Any] = {
            **values,
            "slices": tuple(values["slices"]),
            "box": _box(values["box"]),
            "evidence": tuple(map(Statement.from_json, values.get("evidence", ()))),
        }
        return cls(**known)


@dataclass(frozen=True, slots=True)
class QualityScore:
    """What is said of a series; the rules make the verdict of it."""

    scored: bool
    reason: Text  # why it is not scored, else ""
    index: float | None  # 0..10; as on MIQA's scale 6 is good
    suitability: float | None  # 0..1
    findings: tuple[SeriesFinding, ...]  # every artifact in the catalogue's order; () if not scored
    n_slices: int
    worst: int | None  # position of the slice with the lowest index
    lowest: tuple[int, ...] = ()  # positions of the slices that the index speaks of, the worst first
    ruined: tuple[int, ...] = ()  # positions of slices on which an artifact leaves nothing to rely on
    n_signal: int = 0  # slices with signal
    kind: str = ""  # of most of them, whose reference bands apply: "head", "body", "epi"
    unfamiliar: int = 0  # slices with signal that do not count, unlike what the model was made with
    outlier: float | None = (
        None  # median distance of the slices with signal from what the model was made with
    )
    geometry: tuple[SeriesFact, ...] = ()  # what only the series shows, in its catalogue's order
    evidence: tuple[MetricSummary, ...] = ()  # the metrics over the slices, in their table's order
    sampling: Sampling | None = None  # where not every volume of a series in time was scored

    @property
    def doubtful(self) -> tuple[SeriesFact, ...]:
        """What the checks of the series found that a person should look at."""
        return tuple(found for found in self.geometry if found.doubtful)

    @property
    def strange(self) -> bool:
        """Whether so many slices are unfamiliar that the others do not speak for the series."""
        return self.unfamiliar >= max(1.0, STRANGE * self.n_signal)

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        plain = {
            "scored": self.scored,
            "reason": self.reason,
            "index": None if self.index is None else round(self.index, DIGITS),
            "suitability": None if self.suitability is None else round(self.suitability, DIGITS),
            "findings": [finding.to_json() for finding in self.findings],
            "n_slices": self.n_slices,
            "worst": self.worst,
            "lowest": list(self.lowest),
            "ruined": list(self.ruined),
            "n_signal": self.n_signal,
            "kind": self.kind,
            "unfamiliar": self.unfamiliar,
            "outlier": None if self.outlier is None else round(self.outlier, DIGITS),
            "geometry": [found.to_json() for found in self.geometry],
            "evidence": [summary.to_json() for summary in self.evidence],
            "sampling": None if self.sampling is None else asdict(self.sampling),
        }
        return with_german(plain, "reason")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        sampled = values.get("sampling")
        known: dict[str, Any] = {
            **texts_of(values, "reason"),
            "sampling": None if sampled is None else Sampling(**sampled),
            "findings": tuple(map(SeriesFinding.from_json, values["findings"])),
            "lowest": tuple(values.get("lowest", ())),
            "ruined": tuple(values.get("ruined", ())),
            "n_signal": values.get("n_signal", values["n_slices"]),
            "geometry": tuple(map(SeriesFact.from_json, values.get("geometry", ()))),
            "evidence": tuple(map(MetricSummary.from_json, values.get("evidence", ()))),
        }
        return cls(**known)


def severity_of(visibility: float, inside: float, outside: float, aside: float = 0.0) -> float:
    """Weigh a region: its visibility (0..1) times the share of the region of interest touched; gives 0..1.

    `inside` is its size within the region of interest, `aside` elsewhere in the body, `outside` beyond the body, all
    in units of the size of the region of interest.
    """
    touched = inside + ASIDE * aside + OUTSIDE * outside
    return round(min(1.0, max(0.0, visibility)) * min(1.0, touched), DIGITS)


def index_of(suitability: float, findings: Sequence[Finding]) -> float:
    """Temper the suitability of a slice by what was found on it: 0..10, never rising with a severity."""
    index = 10.0 * suitability
    for finding in findings:
        if finding.present:
            index *= 1.0 - TEMPER * by_name(finding.artifact).weight * finding.severity
    return round(index, DIGITS)


def slice_score(
    findings: Sequence[Finding],
    suitability: float,
    *,
    signal: bool = True,
    instance_number: int = 0,
    frame: int = 1,
) -> SliceScore:
    """Score one slice by its calibrated suitability and a finding for every artifact, in the catalogue's order.

    Raises ValueError if the findings are others.
    """
    if tuple(finding.artifact for finding in findings) != NAMES:
        raise ValueError("findings must be those of the catalogue, in its order")
    return SliceScore(
        instance_number=instance_number,
        frame=frame,
        index=index_of(suitability, findings),
        suitability=round(suitability, DIGITS),
        signal=signal,
        findings=tuple(findings),
    )


def not_scored(reason: Text, n_slices: int = 0) -> QualityScore:
    """Say that a series has no score, and why."""
    return QualityScore(
        scored=False, reason=reason, index=None, suitability=None, findings=(), n_slices=n_slices, worst=None
    )


def _box(values: Sequence[int] | None) -> Box | None:
    if values is None:
        return None
    left, top, right, bottom = values
    return left, top, right, bottom


def _listed(box: Box | None) -> list[int] | None:
    return None if box is None else list(box)
