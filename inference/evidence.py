"""The evidence beside the score: which metrics there are, and what one of them read on one slice.

The metrics are computed by `inference.signal`; here are their names, units and directions, free of OpenCV.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

from inference.text import UNSAID, Text, german

Worse = Literal["high", "low"]
SIGNIFICANT = 4  # digits that are kept of a value


@dataclass(frozen=True, slots=True)
class Metric:
    """One classical measure of image quality."""

    name: str  # MRIQC's name where it has one
    title: Text  # for people
    unit: str  # UCUM; "1" for a ratio
    worse: Worse  # the direction in which quality falls
    source: str  # who defined it


METRICS: tuple[Metric, ...] = (
    Metric(
        "gsr_pe",
        Text("Ghost-to-signal ratio, phase", "Geisterbild-Signal-Verhältnis, Phase"),
        "1",
        "high",
        "Giannelli 2010; MRIQC gsr",
    ),
    Metric(
        "gsr_fe",
        Text("Ghost-to-signal ratio, frequency", "Geisterbild-Signal-Verhältnis, Frequenz"),
        "1",
        "high",
        "Giannelli 2010; MRIQC gsr",
    ),
    Metric(
        "psg",
        Text("Percent signal ghosting", "Geisterbilder, Anteil am Signal"),
        "%",
        "high",
        "ACR phantom test guidance, test 6",
    ),
    Metric("qi_1", Text("Structured air", "Struktur in der Luft"), "1", "high", "Mortamet 2009; MRIQC qi_1"),
    Metric("aes", Text("Average edge strength", "Mittlere Kantenstärke"), "1", "low", "Aksoy 2012"),
    Metric("laplacian", Text("Laplacian strength", "Laplace-Stärke"), "1", "low", "Pech-Pacheco 2000"),
    Metric(
        "wavelet_sigma",
        Text("Noise, finest wavelets", "Rauschen, feinste Wavelets"),
        "1",
        "high",
        "Donoho and Johnstone 1994",
    ),
    Metric(
        "fber",
        Text("Foreground-background energy ratio", "Energieverhältnis Körper zu Luft"),
        "1",
        "low",
        "Shehzad 2015; MRIQC fber",
    ),
    Metric(
        "snrd",
        Text("Signal-to-noise ratio", "Signal-Rausch-Verhältnis (SNR)"),
        "1",
        "low",
        "Dietrich 2007; MRIQC snrd",
    ),
    Metric(
        "efc",
        Text("Entropy focus criterion", "Entropie-Fokus-Kriterium"),
        "1",
        "high",
        "Atkinson 1997; MRIQC efc",
    ),
    Metric(
        "lowpass_cv",
        Text("Shading", "Abschattung"),
        "1",
        "high",
        "coefficient of variation of the low-pass image",
    ),
    Metric(
        "edge_pe",
        Text("Signal at the field's edge, phase", "Signal am FOV-Rand, Phase"),
        "1",
        "high",
        "mean of the outermost lines",
    ),
    Metric(
        "edge_fe",
        Text("Signal at the field's edge, frequency", "Signal am FOV-Rand, Frequenz"),
        "1",
        "high",
        "mean of the outermost lines",
    ),
    Metric(
        "air_fraction",
        Text("Air in the field of view", "Luft im FOV"),
        "1",
        "low",
        "share outside the body's hull",
    ),
    Metric(
        "spike",
        Text("K-space outlier", "Ausreißer im k-Raum"),
        "dB",
        "high",
        "largest sample above its surroundings' median",
    ),
    Metric(
        "zipper",
        Text("Line in air", "Linie in der Luft"),
        "1",
        "high",
        "brightest row or column, in robust SD",
    ),
)
# Of the series, not of a slice.
SLICE_STEP = Metric(
    "slice_step",
    Text("Step between slices", "Sprung zwischen Schichten"),
    "1",
    "high",
    "mean step in log signal of neighbours",
)
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
    reason: Text = UNSAID  # why it does not apply, else ""

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


def in_german(readings: Iterable[Reading]) -> dict[str, str]:
    """Give the German of the reasons in `to_json`."""
    return {reading.metric: german(reading.reason) for reading in readings if reading.value is None}


def from_json(values: Mapping[str, float | str], told: Mapping[str, str] | None = None) -> Readings:
    """Rebuild what `to_json` and `in_german` gave; what was kept without German stays English in both."""
    told = told or {}
    return tuple(
        Reading(name, None, Text(value, told.get(name, value)))
        if isinstance(value, str)
        else Reading(name, float(value))
        for name, value in values.items()
    )
