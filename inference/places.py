"""What a clean header tells of the place of each of its slices, classic or by functional groups (PS3.3 C.7.6.16)."""

import warnings
from typing import Any, NamedTuple

from pydicom.dataset import Dataset

from inference import header
from inference.decoding import UnreadableImage
from inference.header import BROKEN, group
from inference.mosaic import Mosaic, mosaic_of, tile_plane
from inference.stacks import Place

# Terms of Image Type that name a part of a Dixon series (PS3.3 C.8.13.3.1.1 and the vendors' own)
DIXON = frozenset(
    {
        "W",
        "WATER",
        "F",
        "FAT",
        "IN_PHASE",
        "IN PHASE",
        "IP",
        "OUT_PHASE",
        "OUT PHASE",
        "OPP_PHASE",
        "OP",
        "OPPOSED",
    }
)
_BLOCK = (0x0073, "SCANSIDE")  # the door's own elements
_B_VALUE, _IMAGE_KIND = 0x02, 0x0C


class Part(NamedTuple):
    """One slice of an object."""

    frame: int  # 1-based
    tile: int  # 1-based in a mosaic, 0 where the frame is the slice
    place: Place | None  # None: the header cannot be read


def parts_of(ds: Dataset, frames: int) -> list[Part]:
    """Take an object apart into its slices. Never raises, nor warns (pydicom's warnings quote values).

    A mosaic whose layout cannot be known stays whole: reading it will say why.
    """
    with warnings.catch_warnings(action="ignore"):
        try:
            mosaic = mosaic_of(ds)
        except (*BROKEN, UnreadableImage):
            mosaic = None
        if mosaic is not None:
            return [Part(1, tile, _read(ds, 1, tile, mosaic)) for tile in range(1, mosaic.tiles + 1)]
        return [Part(frame, 0, _read(ds, frame, 0, None)) for frame in range(1, frames + 1)]


def _read(ds: Dataset, frame: int, tile: int, mosaic: Mosaic | None) -> Place | None:
    try:
        return place_of(ds, frame, tile, mosaic)
    except BROKEN:
        return None


def place_of(ds: Dataset, frame: int, tile: int = 0, mosaic: Mosaic | None = None) -> Place:
    """Read the place of a frame, or of a tile of it. Raises BROKEN on values that cannot be read."""
    plane = header.plane(ds, frame)
    rows, columns = header.integer(ds, "Rows"), header.integer(ds, "Columns")
    if mosaic is not None:
        plane, rows, columns = tile_plane(ds, mosaic, tile, plane), mosaic.rows, mosaic.columns
    frame_type = group(ds, frame, "MRImageFrameTypeSequence")
    types = _texts(frame_type.get("FrameType")) or _texts(ds.get("ImageType"))
    component = frame_type.get("ComplexImageComponent") or ds.get("ComplexImageComponent") or ""
    dixon = sorted(DIXON.intersection(types[2:]))
    stated = ("/".join(types[2:4]), str(component), str(_private(ds, _IMAGE_KIND) or ""), "/".join(dixon))
    return Place(
        plane=plane,
        kind=" ".join((f"{rows}x{columns}", *filter(None, stated))),
        echo=_echo(ds, frame),
        moment=(_temporal(ds, frame), _trigger(ds, frame), _acquisition(ds, frame), _b_value(ds, frame)),
    )


def _echo(ds: Dataset, frame: int) -> str:
    time = _number(group(ds, frame, "MREchoSequence").get("EffectiveEchoTime"))
    time = _number(ds.get("EchoTime")) if time is None else time
    number = _number(ds.get("EchoNumbers"))
    return " ".join(f"{value:.5g}" for value in (number, time) if value is not None)


def _temporal(ds: Dataset, frame: int) -> float | None:
    index = _number(group(ds, frame, "FrameContentSequence").get("TemporalPositionIndex"))
    if index is not None:
        return index
    offset = _number(group(ds, frame, "TemporalPositionSequence").get("TemporalPositionTimeOffset"))
    return _number(ds.get("TemporalPositionIdentifier")) if offset is None else offset


def _trigger(ds: Dataset, frame: int) -> float | None:
    delay = _number(group(ds, frame, "CardiacSynchronizationSequence").get("NominalCardiacTriggerDelayTime"))
    return _number(ds.get("TriggerTime")) if delay is None else delay


def _acquisition(ds: Dataset, frame: int) -> float | None:
    number = _number(group(ds, frame, "FrameContentSequence").get("FrameAcquisitionNumber"))
    return _number(ds.get("AcquisitionNumber")) if number is None else number


def _b_value(ds: Dataset, frame: int) -> float | None:
    of_frame = _number(group(ds, frame, "MRDiffusionSequence").get("DiffusionBValue"))
    return _number(_private(ds, _B_VALUE)) if of_frame is None else of_frame


def _private(ds: Dataset, element: int) -> Any:  # noqa: ANN401 - whatever pydicom read
    try:
        return ds.private_block(*_BLOCK)[element].value
    except KeyError:
        return None


def _number(value: Any) -> float | None:  # noqa: ANN401 - whatever pydicom read
    """Read one number, the first of several; None where there is none that is finite."""
    if hasattr(value, "__iter__") and not isinstance(value, str | bytes):
        value = next(iter(value), None)
    if value is None or value == "" or isinstance(value, bytes):
        return None
    number = float(value)
    return number if abs(number) < 1e12 else None


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - whatever pydicom read
    values = [value] if isinstance(value, str) else list(value or ())
    return [str(term).strip().upper() for term in values]
