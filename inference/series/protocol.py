"""How a series was acquired, as far as its clean header tells: the parameters that advice depends on."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, Self

from pydicom.dataset import Dataset

from inference import header
from inference.series.clues import flat_elements, text_of

_AXES = ("R-L", "A-P", "H-F")  # by the axis of the patient: x, y, z
_MOST_S = 3600.0  # of one scan; a header that says more counts in another unit
_LEAST_S = 5.0
_READ = frozenset(
    {
        *("RepetitionTime", "EffectiveEchoTime", "EchoTime", "InversionTimes", "InversionTime"),
        *("EchoTrainLength", "RFEchoTrainLength", "PixelBandwidth", "NumberOfAverages", "SliceThickness"),
        *("ParallelAcquisition", "ParallelReductionFactorInPlane", "InPlanePhaseEncodingDirection"),
        *("AcquisitionMatrix", "MRAcquisitionFrequencyEncodingSteps"),
        *("MRAcquisitionPhaseEncodingStepsInPlane", "PercentPhaseFieldOfView", "OversamplingPhase"),
        *("FlowCompensation", "SpatialPresaturation", "ScanOptions", "ImageType", "FrameType"),
        *("RespiratoryMotionCompensationTechnique", "BulkMotionCompensationTechnique"),
        *("CardiacSynchronizationTechnique", "AcquisitionDuration", "GeometryOfKSpaceTraversal"),
        *("ScanningSequence", "EchoPlanarPulseSequence", "Manufacturer", "PulseSequenceName", "SequenceName"),
        *("Technique", "Seconds", "Acceleration"),
    }
)
_BREATH_HOLD = frozenset({"BREATH_HOLD", "BREATH_HOLD_DYNAMIC"})
_OFF = frozenset({"", "NONE", "NO"})
_SATURATED = re.compile("(^|/)(SP|SAT[0-9A-Z]*|SAT_GEMS)(/|$)")
_RADIAL = re.compile("(?i)prop|blade|multivane|^MPV")


@dataclass(frozen=True, slots=True)
class Protocol:
    """Parameters of one acquisition; None where the header does not tell."""

    tr: float | None = None  # ms, like the next two
    te: float | None = None
    ti: float | None = None
    echo_train: int | None = None
    bandwidth: float | None = None  # Hz per pixel
    averages: float | None = None
    acceleration: float | None = None  # in plane; 1 where it is off
    phase: str | None = None  # the patient's axis of phase encoding: "A-P", "R-L" or "H-F"
    frequency: str | None = None  # the same of frequency encoding
    phase_fov: float | None = None  # mm along phase encoding
    phase_share: float | None = None  # field of view along phase encoding by that along frequency encoding
    matrix: tuple[int, int] | None = None  # acquired, along frequency and phase encoding
    thickness: float | None = None  # mm
    seconds: float | None = None  # that the scan took
    oversampled: bool | None = None  # along phase encoding
    flow_compensated: bool | None = None
    presaturated: bool | None = None  # by a band
    breath_hold: bool | None = None
    gated: bool | None = None  # by the breath
    triggered: bool | None = None  # by the heart
    normalised: bool | None = None  # for intensity, in the reconstruction
    radial: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Give what is known, as plain values."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        known = {field.name for field in fields(cls)}
        found = {name: value for name, value in values.items() if name in known}
        if found.get("matrix") is not None:
            found["matrix"] = tuple(found["matrix"])
        return cls(**found)


def read_protocol(ds: Dataset, frame: int = 1) -> Protocol:
    """Read the parameters of a frame (1-based) of a clean MR object. Never raises, nor warns."""
    with warnings.catch_warnings(action="ignore"):
        try:
            return _read(ds, flat_elements(ds, frame, _READ), frame)
        except header.BROKEN:
            return Protocol()


def _read(ds: Dataset, flat: dict[str, Any], frame: int) -> Protocol:
    def says(keyword: str) -> str:
        return text_of(flat.get(keyword)).upper()

    phase, frequency = _axes(ds, frame)
    phase_fov, share = _extent(ds, flat, frame)
    options = says("ScanOptions")
    breath = says("RespiratoryMotionCompensationTechnique")
    bulk = says("BulkMotionCompensationTechnique")
    train = _positive(flat, "EchoTrainLength") or _positive(flat, "RFEchoTrainLength")
    return Protocol(
        tr=_positive(flat, "RepetitionTime"),
        te=_positive(flat, "EffectiveEchoTime") or _positive(flat, "EchoTime"),
        ti=_positive(flat, "InversionTimes") or _positive(flat, "InversionTime"),
        echo_train=None if train is None else int(train),
        bandwidth=_positive(flat, "PixelBandwidth"),
        averages=_positive(flat, "NumberOfAverages"),
        acceleration=_acceleration(flat, says("ParallelAcquisition")),
        phase=phase,
        frequency=frequency,
        phase_fov=phase_fov,
        phase_share=share,
        matrix=_matrix(flat),
        thickness=_positive(flat, "SliceThickness"),
        seconds=_seconds(flat, epi="EP" in says("ScanningSequence").split("/")),
        oversampled=_told(says("OversamplingPhase")),
        flow_compensated=_told(says("FlowCompensation")) or ("FC" in options.split("/") or None),
        presaturated=_told(says("SpatialPresaturation")) or (_SATURATED.search(options) is not None or None),
        breath_hold=bool(_BREATH_HOLD & {breath, bulk}) or None,
        gated=(bool(breath) and breath not in _OFF | _BREATH_HOLD) or ("RG" in options.split("/") or None),
        triggered=_told(says("CardiacSynchronizationTechnique"))
        or (not {"CG", "PPG"}.isdisjoint(options.split("/")) or None),
        normalised="NORM" in says("ImageType").split("/") or None,
        radial=says("GeometryOfKSpaceTraversal") == "RADIAL" or _is_radial(flat) or None,
    )


def _positive(flat: Mapping[str, Any], keyword: str) -> float | None:
    try:
        value = float(text_of(flat.get(keyword)).split("/")[0])
    except ValueError:
        return None
    return value if isfinite(value) and value > 0 else None


def _told(text: str) -> bool | None:
    return text not in _OFF if text else None


def _acceleration(flat: Mapping[str, Any], stated: str) -> float | None:
    if stated == "NO":
        return 1.0
    factor = _positive(flat, "ParallelReductionFactorInPlane") or _positive(flat, "Acceleration")
    return factor if factor is None or 1 <= factor <= 16 else None


def _seconds(flat: Mapping[str, Any], *, epi: bool) -> float | None:
    """Give how long the scan took: by (0018,9073), or by what the door read of the vendor's own element.

    United Imaging writes (0018,9073) in milliseconds; Siemens' own text tells one volume of an echo-planar series.
    """
    maker = text_of(flat.get("Manufacturer")).upper()
    stated = None if maker.startswith("UIH") else _positive(flat, "AcquisitionDuration")
    own = None if epi and maker.startswith("SIEMENS") else _positive(flat, "Seconds")
    found = stated or own
    return found if found is not None and _LEAST_S <= found <= _MOST_S else None


def _is_radial(flat: Mapping[str, Any]) -> bool:
    return any(_RADIAL.search(text_of(flat.get(name))) for name in ("PulseSequenceName", "Technique"))


def _axes(ds: Dataset, frame: int) -> tuple[str | None, str | None]:
    """Give the patient's axes next to which phase and frequency are encoded."""
    plane, direction = header.plane(ds, frame), header.phase_encoding(ds, frame)
    if plane is None or not direction:
        return None, None
    along_row, along_column = (_axis(one) for one in (plane.along_row, plane.along_column))
    return (along_column, along_row) if direction == "COL" else (along_row, along_column)


def _axis(cosines: tuple[float, float, float]) -> str:
    sizes = [abs(cosine) for cosine in cosines]
    return _AXES[sizes.index(max(sizes))]


def _extent(ds: Dataset, flat: Mapping[str, Any], frame: int) -> tuple[float | None, float | None]:
    """Give the field of view along phase encoding in mm, and as a share of that along frequency encoding."""
    plane, direction = header.plane(ds, frame), header.phase_encoding(ds, frame)
    if plane is None or not direction:
        return None, None
    rows, columns = plane.extent
    phase, frequency = (rows, columns) if direction == "COL" else (columns, rows)
    percent = _positive(flat, "PercentPhaseFieldOfView")
    share = percent / 100 if percent is not None and percent <= 100 else phase / frequency
    return phase, min(1.0, share)


def _matrix(flat: Mapping[str, Any]) -> tuple[int, int] | None:
    """Read the acquired matrix: (0018,1310) tells rows or columns of frequency, then of phase encoding."""
    frequency = _positive(flat, "MRAcquisitionFrequencyEncodingSteps")
    phase = _positive(flat, "MRAcquisitionPhaseEncodingStepsInPlane")
    if frequency and phase:
        return int(frequency), int(phase)
    try:
        four = [int(word) for word in text_of(flat.get("AcquisitionMatrix")).split("/")]
    except ValueError:
        return None
    if len(four) != 4 or not max(four[:2]) or not max(four[2:]):
        return None
    return max(four[:2]), max(four[2:])
