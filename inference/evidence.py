"""The evidence beside the score: which metrics there are, and what one of them read on one slice.

The metrics are computed by `inference.signal`; here are their names, units and directions, free of OpenCV.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

Worse = Literal["high", "low"]
SIGNIFICANT = 4  # digits that are kept of a value


@dataclass(frozen=True, slots=True)
class Metric:
    """One classical measure of image quality."""

    name: str  # MRIQC's name where it has one
    title: str  # for people
    unit: str  # UCUM; "1" for a ratio
    worse: Worse  # the direction in which quality falls
    source: str  # who defined it


METRICS: tuple[Metric, ...] = (
    Metric("gsr_pe", "Ghost-to-signal ratio, phase", "1", "high", "Giannelli 2010; MRIQC gsr"),
    Metric("gsr_fe", "Ghost-to-signal ratio, frequency", "1", "high", "Giannelli 2010; MRIQC gsr"),
    Metric("psg", "Percent signal ghosting", "%", "high", "ACR phantom test guidance, test 6"),
    Metric("qi_1", "Structured air", "1", "high", "Mortamet 2009; MRIQC qi_1"),
    Metric("aes", "Average edge strength", "1", "low", "Aksoy 2012"),
    Metric("laplacian", "Laplacian strength", "1", "low", "Pech-Pacheco 2000"),
    Metric("wavelet_sigma", "Noise, finest wavelets", "1", "high", "Donoho and Johnstone 1994"),
    Metric("fber", "Foreground-background energy ratio", "1", "low", "Shehzad 2015; MRIQC fber"),
    Metric("snrd", "Signal-to-noise ratio", "1", "low", "Dietrich 2007; MRIQC snrd"),
    Metric("efc", "Entropy focus criterion", "1", "high", "Atkinson 1997; MRIQC efc"),
    Metric("lowpass_cv", "Shading", "1", "high", "coefficient of variation of the low-pass image"),
    Metric("edge_pe", "Signal at the field's edge, phase", "1", "high", "mean of the outermost lines"),
    Metric("edge_fe", "Signal at the field's edge, frequency", "1", "high", "mean of the outermost lines"),
    Metric("air_fraction", "Air in the field of view", "1", "low", "share outside the body's hull"),
    Metric("spike", "K-space outlier", "dB", "high", "largest sample above its surroundings' median"),
    Metric("zipper", "Line in air", "1", "high", "brightest row or column, in robust SD"),
)
# Of the series, not of a slice.
SLICE_STEP = Metric("slice_step", "Step between slices", "1", "high", "mean step in log signal of neighbours")
NAMES: tuple[str, ...] = tuple(metric.name for metric in METRICS)
_BY_NAME = {metric.name: metric for metric in (*METRICS, SLICE_STEP)}


def metric_of(name: str) -> Metric:
    """Give the metric of that name. Raises KeyError."""
    return _BY_NAME[name]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one metric says of one slice."""

    metric: str
    value: float | None  # None where it does not apply
    reason: str = ""  # why it does not apply, else ""

    @classmethod
    def of(cls, metric: str, value: float) -> Self:
        """Keep a value to four significant digits."""
        return cls(metric, float(f"{value:.{SIGNIFICANT}g}"))


Readings = tuple[Reading, ...]


def to_json(readings: Iterable[Reading]) -> dict[str, float | str]:
    """Give plain values: a number, or in its place the reason why there is none."""
    return {
        reading.metric: reading.reason if reading.value is None else reading.value for reading in readings
    }


def from_json(values: Mapping[str, float | str]) -> Readings:
    """Rebuild what `to_json` gave."""
    return tuple(
        Reading(name, None, value) if isinstance(value, str) else Reading(name, float(value))
        for name, value in values.items()
    )
