"""What a series is as advice sees it: the traits that rows of `advice.tsv` ask for, and the values they name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil, sqrt

from inference.series.description import UNKNOWN, Description
from inference.series.protocol import Protocol
from inference.text import Text, decimal

_FAMILIES = {
    "epi": frozenset({"EPI", "EPI_SE", "EPI_GRE", "GRASE"}),
    "spin": frozenset({"SE", "TSE", "SSTSE", "IR"}),
    "turbo": frozenset({"TSE", "SSTSE"}),
    "single-shot": frozenset({"SSTSE"}),
    "gradient": frozenset({"GRE", "GRE_SPOILED", "BSSFP", "MPRAGE", "DESS"}),
    "balanced": frozenset({"BSSFP", "DESS"}),
    "prepared": frozenset({"MPRAGE"}),
}
_WEIGHTINGS = {
    "diffusion": frozenset({"DIFFUSION"}),
    "bold": frozenset({"BOLD"}),
    "asl": frozenset({"ASL"}),
    "tof": frozenset({"TOF"}),
    "angiography": frozenset({"TOF", "PHASE_CONTRAST", "CE_ANGIO"}),
    "susceptible": frozenset({"SWI", "T2_STAR", "BOLD"}),
    "flair": frozenset({"FLAIR"}),
    "t2": frozenset({"T2", "FLAIR", "STIR", "PD"}),
    "spectroscopy": frozenset({"SPECTROSCOPY"}),
    "field-map": frozenset({"FIELD_MAP"}),
}
_SUPPRESSIONS = {
    "fat-kept": frozenset({"NONE", "DIXON_IN", "DIXON_OUT", "WATER"}),
    "dixon": frozenset({"DIXON_WATER", "DIXON_FAT", "DIXON_IN", "DIXON_OUT"}),
    "dixon-out": frozenset({"DIXON_OUT"}),
    "stir": frozenset({"STIR"}),
    "suppressed": frozenset({"FAT", "SPIR", "SPAIR", "STIR", "WATER_EXCITATION", "FAT_AND_WATER"}),
}
_BREATHING = frozenset(
    {
        *("CHEST", "HEART", "LUNG", "ABDOMEN", "LIVER", "PANCREAS", "KIDNEY", "AORTA"),
        *("TSPINE", "LSPINE", "SPINE", "WHOLE_BODY"),
    }
)
_TRUNK = _BREATHING | {"BREAST", "PELVIS", "PROSTATE", "RECTUM", "UTERUS", "SACRUM"}
_HEAD = frozenset({"BRAIN", "HEAD", "ORBIT", "PITUITARY", "IAC", "JAW"})
_THE_HEAD = Text("head", "Kopf")
_SURFACE = frozenset(
    {"BREAST", "SPINE", "CSPINE", "TSPINE", "LSPINE", "SACRUM", "PROSTATE", "ORBIT", "JAW", "SHOULDER"}
)
# Where the anatomy ends inside of a field of view, but for along the body; elsewhere a swap folds other parts in
_SWAPPED = _HEAD | {"KNEE", "ANKLE", "FOOT", "WRIST", "HAND", "ELBOW"}
_VOLUMES = frozenset({"DIFFUSION", "BOLD", "ASL", "PERFUSION"})
_BREATH_HOLD_S = 30.0  # a scan of the upper abdomen or chest that is not longer is made in one
_NARROW, _WIDE = 250.0, 300.0  # Hz per pixel
_LONG_ECHO = 5.0  # ms, of a gradient echo
_FEW, _MANY = 4.0, 8.0  # averages
_FAT_PPM, _LARMOR = 3.4, 42.577  # ppm from water; MHz/T
_WIDER = 1.25  # field of view


@dataclass(frozen=True, slots=True)
class Situation:
    """A series that an artifact is found in."""

    about: Description = field(default_factory=Description)
    protocol: Protocol = field(default_factory=Protocol)
    timed: bool = False  # its moment cannot be had again


def traits(series: Situation) -> frozenset[str]:
    """Give what is known of the series, in the words of `advice.tsv`."""
    return frozenset(_traits(series.about, series.protocol)) | ({"timed"} if series.timed else frozenset())


def _traits(about: Description, protocol: Protocol) -> Iterator[str]:
    for facet, named in (
        ("family", _FAMILIES),
        ("weighting", _WEIGHTINGS),
        ("suppression", _SUPPRESSIONS),
    ):
        yield from (name for name, terms in named.items() if about[facet] in terms)
    if about["weighting"] == "STIR":
        yield "stir"
    if about["agent"] == "GIVEN":
        yield "agent"
    if about["dimension"] in ("2D", "3D"):
        yield about["dimension"].lower()
    if about["dynamic"] == "TRIGGER":
        yield "cine"
    if about["weighting"] in _VOLUMES or about["dynamic"] in ("TIME", "B_VALUE"):
        yield "volumes"
    yield from _places(about, protocol)
    yield from _settings(protocol)
    if (about.field or 0) >= 2.5:
        yield "field>=3"


def _places(about: Description, protocol: Protocol) -> Iterator[str]:
    part = about["part"]
    yield from (
        name
        for name, parts in (
            ("breathing", _BREATHING),
            ("trunk", _TRUNK),
            ("brain", _HEAD),
            ("surface", _SURFACE),
        )
        if part in parts
    )
    short = (protocol.seconds or _BREATH_HOLD_S + 1) <= _BREATH_HOLD_S
    if protocol.breath_hold or (part in _BREATHING and short and not protocol.gated):
        yield "breath-hold"
    straight = about["family"] not in (*_FAMILIES["epi"], UNKNOWN) and not protocol.radial
    plain = about["weighting"] not in (*_WEIGHTINGS["angiography"], "DIFFUSION")
    if straight and plain and part in _SWAPPED and protocol.frequency in ("A-P", "R-L"):
        yield "swap-fits"


def _settings(protocol: Protocol) -> Iterator[str]:
    known = {
        "gated": protocol.gated,
        "triggered": protocol.triggered,
        "radial": protocol.radial,
        "oversampled": protocol.oversampled,
        "presaturated": protocol.presaturated,
        "flow-compensated": protocol.flow_compensated,
        "normalised": protocol.normalised,
        "accelerated": (protocol.acceleration or 0) > 1,
        "not-accelerated": protocol.acceleration == 1,
        "long-echo": (protocol.te or 0) >= _LONG_ECHO,
        "narrow-band": 0 < (protocol.bandwidth or 0) < _NARROW,
        "wide-band": (protocol.bandwidth or 0) > _WIDE,
        "bandwidth-unknown": protocol.bandwidth is None,
        "few-averages": 0 < (protocol.averages or 0) <= _FEW,
        "many-averages": (protocol.averages or 0) >= _MANY or 0 < (protocol.averages or 0) <= _FEW,
    }
    yield from (name for name, holds in known.items() if holds)


def values(series: Situation) -> Mapping[str, str]:
    """Give the values that sentences may name, those that are known."""
    about, protocol = series.about, series.protocol
    part = about.answer("part").coded
    more, less = _more(protocol.averages), _less(protocol.acceleration)
    told = {
        "part": _THE_HEAD if about["part"] in _HEAD else None if part is None else part.words or None,
        "phase": protocol.phase,
        "frequency": protocol.frequency,
        "field": _with(about.field, "T"),
        "tr": _with(protocol.tr, "ms"),
        "te": _with(protocol.te, "ms"),
        "ti": _with(protocol.ti, "ms"),
        "thickness": _with(protocol.thickness, "mm"),
        "thicker": _with(_thicker(protocol.thickness), "mm"),
        "bandwidth": _with(protocol.bandwidth, "Hz/px"),
        "wider": _with(_times(protocol.bandwidth, 2.0), "Hz/px"),
        "narrower": _with(_times(protocol.bandwidth, 0.5), "Hz/px"),
        "phase_fov": _with(protocol.phase_fov, "mm"),
        "wider_fov": _with(_times(protocol.phase_fov, _WIDER), "mm"),
        "matrix": None if protocol.matrix is None else "{} x {}".format(*protocol.matrix),
        "averages": _plain(protocol.averages),
        "more_averages": _plain(more),
        "gain": None if more is None else _percent(sqrt(more / (protocol.averages or more)) - 1),
        "acceleration": _plain(protocol.acceleration),
        "less_acceleration": _plain(less),
        "shift": _shift(about.field, protocol.bandwidth),
    }
    return {name: value for name, value in told.items() if value is not None}


def factors(series: Situation) -> Mapping[str, float]:
    """Give by what a scan gets longer, under the names of `advice.tsv`; those that are known."""
    protocol = series.protocol
    more, less = _more(protocol.averages), _less(protocol.acceleration)
    found = {"wider": _WIDER}
    if more is not None and protocol.averages:
        found["more_averages"] = more / protocol.averages
    if less is not None and protocol.acceleration:
        found["less_acceleration"] = protocol.acceleration / less
    if protocol.phase_share:
        found["swap"] = 1 / protocol.phase_share
    return found


def _more(averages: float | None) -> float | None:
    return (
        None
        if averages is None
        else float(ceil(averages)) * 2
        if averages <= 2
        else float(ceil(averages)) + 2
    )


def _less(acceleration: float | None) -> float | None:
    return None if acceleration is None or acceleration <= 1 else float(max(1, ceil(acceleration) - 1))


def _thicker(thickness: float | None) -> float | None:
    return None if thickness is None else max(thickness + 0.5, round(thickness * 1.3 * 2) / 2)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _shift(tesla: float | None, bandwidth: float | None) -> Text | None:
    """Say by how many pixels fat is displaced along frequency encoding."""
    if tesla is None or bandwidth is None:
        return None
    pixels = _FAT_PPM * _LARMOR * tesla / bandwidth
    return decimal(f"{pixels:.1f} px")


def _percent(share: float) -> Text:
    return Text(f"{share:.0%}", f"{100 * share:.0f} %")


def _with(value: float | None, unit: str) -> Text | None:
    return None if value is None else decimal(f"{_digits(value)} {unit}")


def _plain(value: float | None) -> Text | None:
    return None if value is None else decimal(_digits(value))


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{round(value, 1):g}"
