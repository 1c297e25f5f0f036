"""What the eye reads of a header, classic or Enhanced: geometry, rescale, phase encoding, padding.

Enhanced objects keep most of it in functional groups (PS3.3 C.7.6.16), per frame or shared by all; a classic object has
the same attributes at its top level. Raises one of `BROKEN` on values that cannot be read.
"""

import struct
from math import isfinite
from typing import Any, Literal

import numpy as np
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException

from inference.footprint import Plane

# What pydicom, its decoders and their plug-ins raise on values and pixels that are not what they claim to be.
BROKEN = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
# (2005,xx0E) Scale Slope, as the door keeps it and as Philips writes it
_SCALE_SLOPES = ((0x0073, "SCANSIDE", 0x0B), (0x2005, "Philips MR Imaging DD 001", 0x0E))
# Body Part Examined (0018,0015) of a head (PS3.16 CID 4 and what scanners write)
_HEAD = ("HEAD", "BRAIN", "SKULL")
_EPI_FACTORS = ((0x0073, "SCANSIDE", 0x13), (0x2001, "Philips Imaging DD 001", 0x13))
MOST_ANISOTROPIC = 20.0  # no scanner makes in-plane pixels longer than so many times their width


def integer(ds: Dataset, keyword: str) -> int | None:
    """Read a whole number; None where there is none."""
    value = _first(ds.get(keyword))
    return None if value is None else int(value)


def number(ds: Dataset, keyword: str) -> float | None:
    """Read a number; None where there is none."""
    value = _numbers(ds.get(keyword), 1)
    return value[0] if value else None


def group(ds: Dataset, frame: int, keyword: str) -> Dataset:
    """Find the functional group of a frame (1-based), else the shared one, else the data set itself."""
    per_frame = ds.get("PerFrameFunctionalGroupsSequence") or ()
    shared = ds.get("SharedFunctionalGroupsSequence") or ()
    candidates = [*per_frame[frame - 1 : frame], *shared[:1]]
    for candidate in candidates:
        items = candidate.get(keyword)
        if items:
            return _dataset(items[0])
    return ds


def spacing(ds: Dataset, frame: int) -> tuple[float, float]:
    """Give mm between rows and between columns; (1, 1) where unknown or absurd."""
    found = _numbers(group(ds, frame, "PixelMeasuresSequence").get("PixelSpacing"), 2)
    if not found or min(found) <= 0 or max(found) > MOST_ANISOTROPIC * min(found):
        return 1.0, 1.0
    return found[0], found[1]


def plane(ds: Dataset, frame: int) -> Plane | None:
    """Give where a frame lies in the patient; None where the header does not tell."""
    cosines = _numbers(group(ds, frame, "PlaneOrientationSequence").get("ImageOrientationPatient"), 6)
    corner = _numbers(group(ds, frame, "PlanePositionSequence").get("ImagePositionPatient"), 3)
    rows, columns = integer(ds, "Rows"), integer(ds, "Columns")
    if not cosines or not corner or not rows or not columns or not any(np.cross(cosines[:3], cosines[3:])):
        return None
    row_mm, column_mm = spacing(ds, frame)
    return Plane(
        corner=(corner[0], corner[1], corner[2]),
        along_row=(cosines[0], cosines[1], cosines[2]),
        along_column=(cosines[3], cosines[4], cosines[5]),
        extent=(rows * row_mm, columns * column_mm),
    )


def kind(ds: Dataset) -> Literal["epi", "head", "body", ""]:
    """Give the kind of image whose reference bands apply; "" where the header does not tell the body part.

    Echo-planar images (diffusion, perfusion, fMRI, mostly ASL) are a kind of their own whatever they show.
    """
    sequence = ds.get("ScanningSequence")
    words = {sequence} if isinstance(sequence, str) else set(sequence or ())
    if "EP" in words or str(ds.get("EchoPlanarPulseSequence") or "").upper() == "YES" or _epi_factor(ds) > 1:
        return "epi"
    part = str(ds.get("BodyPartExamined") or "").strip().upper()
    return ("head" if part.startswith(_HEAD) else "body") if part else ""


def _epi_factor(ds: Dataset) -> int:
    """Read Philips' EPI factor (2001,xx13), or the door's copy: a classic header calls its EPI a spin echo."""
    for place, creator, element in _EPI_FACTORS:
        try:
            value = ds.private_block(place, creator)[element].value
        except KeyError:
            continue
        if isinstance(value, bytes):  # implicit VR, unknown to pydicom's private dictionary
            value = int.from_bytes(value[:4], "little", signed=True)
        return int(value or 0)
    return 0


def phase_encoding(ds: Dataset, frame: int) -> Literal["COL", "ROW", ""]:
    """Give the in-plane phase-encoding direction; "" for OTHER and where it is missing."""
    value = group(ds, frame, "MRFOVGeometrySequence").get("InPlanePhaseEncodingDirection")
    match str(value or "").strip().upper():
        case "COL" | "COLUMN":
            return "COL"
        case "ROW":
            return "ROW"
        case _:
            return ""


def rescale(ds: Dataset, frame: int) -> tuple[float, float]:
    """Give slope and intercept; (1, 0) where missing, and for a slope of 0, which would erase the image.

    Where Philips tells its scale slope, signal is (stored x slope + intercept) / (slope x scale slope): rescaled values
    alone are made for display and need not agree between images (Chenevert et al., Transl Oncol 2014;7:65). Real World
    Value Mapping is not used.
    """
    source = group(ds, frame, "PixelValueTransformationSequence")
    slopes = _numbers(source.get("RescaleSlope"), 1) or (1.0,)
    intercepts = _numbers(source.get("RescaleIntercept"), 1) or (0.0,)
    slope, intercept = slopes[0] or 1.0, intercepts[0]
    scale = _scale_slope(ds)
    return (1.0 / scale, intercept / (slope * scale)) if scale else (slope, intercept)


def _scale_slope(ds: Dataset) -> float:
    """Give what Philips divides stored values by to have signal, for a classic object; 0 where it does not tell."""
    for number, creator, element in _SCALE_SLOPES:
        try:
            value = ds.private_block(number, creator)[element].value
        except KeyError:
            continue
        if isinstance(value, bytes):  # implicit VR, unknown to pydicom's private dictionary
            value = struct.unpack("<f", value[:4])[0]
        scale = next(iter(_numbers(value, 1)), 0.0)
        return scale if scale > 0 else 0.0
    return 0.0


def padding(ds: Dataset) -> tuple[int, int] | None:
    """Give the lowest and highest stored value that stand for "no image here", if any."""
    value = _numbers(ds.get("PixelPaddingValue"), 1)
    if not value:
        return None
    limit = _numbers(ds.get("PixelPaddingRangeLimit"), 1) or value
    low, high = sorted((_wrapped(ds, value[0]), _wrapped(ds, limit[0])))
    return low, high


def _wrapped(ds: Dataset, value: float) -> int:
    """Read a padding value as the pixels are read: some writers give it as the other signedness."""
    bits = integer(ds, "BitsAllocated") or 16
    whole = int(value) % (1 << bits)
    if ds.get("PixelRepresentation") == 1 and whole >= 1 << (bits - 1):
        return whole - (1 << bits)
    return whole


def _numbers(value: Any, count: int) -> tuple[float, ...]:  # noqa: ANN401 - whatever pydicom read
    """Give the first `count` numbers of a value, () if there are fewer or one is no number."""
    if value is None or value == "":
        return ()
    values = list(value) if isinstance(value, list | tuple) or hasattr(value, "__iter__") else [value]
    numbers = tuple(float(each) for each in values[:count] if each is not None and each != "")
    return numbers if len(numbers) == count and all(isfinite(each) for each in numbers) else ()


def _first(value: Any) -> Any:  # noqa: ANN401 - whatever pydicom read
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return None if value in ("", None) else value
    return next(iter(value), None)


def _dataset(item: Any) -> Dataset:  # noqa: ANN401 - items of a sequence
    if not isinstance(item, Dataset):
        raise TypeError("a sequence holds something that is no item")
    return item
