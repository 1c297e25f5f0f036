"""Slice: one image as the eye sees it; `Slice.from_dataset` is the one way from DICOM to pixels."""

import warnings
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from inference import header
from inference.decoding import UnreadableImage, stored_values
from inference.footprint import Plane
from inference.mosaic import Box, Mosaic, mosaic_of
from inference.places import place_of
from inference.stacks import Place
from inference.text import Text

__all__ = ["PhaseEncoding", "Slice", "UnreadableImage", "number_of_frames"]

PhaseEncoding = Literal["COL", "ROW", ""]
Kind = Literal["epi", "head", "body", ""]
Pixels = npt.NDArray[np.float32]

NOWHERE = Place(None)
FAINT = 0.5  # of the brightest pixels: nothing in an image with air or fluid in it is brighter than that everywhere
_TORN = Text("the header does not hold together ({kind})", "der Header ist in sich widersprüchlich ({kind})")


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One magnitude image and what of its header the eye needs."""

    pixels: Pixels  # (rows, columns), rescaled, never negative, bright is more signal
    spacing: tuple[float, float]  # mm between rows, mm between columns; (1, 1) where unknown
    phase_encoding: PhaseEncoding = ""  # COL: along the column (vertical), ROW: along the row, "": unknown
    instance_number: int = 0  # 0 where the header has none
    frame: int = 1
    tile: int = 0  # 1-based in a mosaic; 0: the frame is the slice
    region: Box | None = None  # what the tile is of its picture, px
    sop_instance_uid: str = ""
    place: Place = NOWHERE  # in the patient and among the slices of its series
    kind: Kind = ""  # whose reference bands apply

    @classmethod
    def from_dataset(cls, ds: Dataset, frame: int = 1, tile: int = 0) -> Self:
        """Read one frame (1-based) of an MR object, or one tile (1-based) of a mosaic; other frames are not decoded.

        Raises UnreadableImage, whose message holds no header value, and nothing else; does not warn.
        """
        # pydicom's warnings and messages quote values: neither may reach a log.
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            try:
                mosaic = _mosaic(ds, tile)
                region = None if mosaic is None else mosaic.box(tile)
                return cls(
                    pixels=_magnitude(ds, frame, region),
                    spacing=header.spacing(ds, frame),
                    phase_encoding=header.phase_encoding(ds, frame),
                    instance_number=header.integer(ds, "InstanceNumber") or 0,
                    frame=frame,
                    tile=tile,
                    region=region,
                    sop_instance_uid=str(ds.get("SOPInstanceUID") or ""),
                    place=place_of(ds, frame, tile, mosaic),
                    kind=header.kind(ds),
                )
            except UnreadableImage:
                raise
            except header.BROKEN as error:
                kind = type(error).__name__
                raise UnreadableImage(_TORN.filled({"kind": kind})) from None

    @property
    def plane(self) -> Plane | None:
        """Where it lies in the patient; None where the header does not tell."""
        return self.place.plane

    @property
    def position(self) -> float | None:
        """The place along its normal, mm."""
        return None if self.plane is None else round(self.plane.height, 4)

    @classmethod
    def from_array(
        cls,
        pixels: npt.ArrayLike,
        spacing: tuple[float, float] = (1.0, 1.0),
        phase_encoding: PhaseEncoding = "",
    ) -> Self:
        """Take pixels (rows, columns) from elsewhere: NIfTI, phantoms."""
        image = np.asarray(pixels, np.float32)
        return cls(pixels=_not_negative(image), spacing=spacing, phase_encoding=phase_encoding)


def number_of_frames(ds: Dataset) -> int:
    """Tell how many frames an object holds: at least 1. Does not warn."""
    with warnings.catch_warnings(action="ignore"):
        try:
            return max(1, header.integer(ds, "NumberOfFrames") or 1)
        except header.BROKEN:
            return 1


def _mosaic(ds: Dataset, tile: int) -> Mosaic | None:
    """Read the layout of a mosaic of which a tile is wanted."""
    mosaic = mosaic_of(ds)
    if mosaic is None and tile:
        raise UnreadableImage(Text("the image is no mosaic", "das Bild ist kein Mosaik"))
    if mosaic is not None and not 1 <= tile <= mosaic.tiles:
        raise UnreadableImage(Text("there is no such tile", "diese Kachel gibt es nicht"))
    return mosaic


def _magnitude(ds: Dataset, frame: int, region: Box | None) -> Pixels:
    """Read stored values and turn them into signal."""
    if not 1 <= frame <= number_of_frames(ds):
        raise UnreadableImage(Text("there is no such frame", "dieses Einzelbild gibt es nicht"))
    stored = stored_values(ds, frame - 1)
    if region is not None:
        left, top, right, bottom = region
        stored = stored[top:bottom, left:right]
    slope, intercept = header.rescale(ds, frame)
    pixels = stored.astype(np.float32)
    if slope != 1.0:
        pixels *= np.float32(slope)
    if intercept != 0.0:
        pixels += np.float32(intercept)
    padding = header.padding(ds)
    if padding is not None:
        _fill(pixels, (stored >= padding[0]) & (stored <= padding[1]))
    if ds.get("PhotometricInterpretation") == "MONOCHROME1":
        pixels = pixels.max() - pixels
    return _not_negative(_lowered(pixels))


def _fill(pixels: Pixels, padded: npt.NDArray[np.bool_]) -> None:
    """Give pixels that are no image the lowest signal of those that are."""
    if padded.any() and not padded.all():
        pixels[padded] = pixels[~padded].min()


def _lowered(pixels: Pixels) -> Pixels:
    """Take off a positive offset that no header tells of (some writers store signed values as unsigned ones)."""
    lowest = float(pixels.min())
    if lowest <= 0.0 or lowest < FAINT * float(pixels.mean()) or lowest == pixels.max():
        return pixels
    offset = lowest >= FAINT * float(np.percentile(pixels, 99.5))
    return pixels - np.float32(lowest) if offset else pixels


def _not_negative(pixels: Pixels) -> Pixels:
    """Make a magnitude of what may dip below zero.

    A magnitude is never negative. A few negative pixels are overshoot of interpolation or gradient correction and
    become 0; where most are negative the whole image lies on an offset (unsigned values read as signed, an
    intercept), which is taken off.
    """
    lowest = float(pixels.min(initial=0.0))
    if not np.isfinite(lowest) or not np.isfinite(pixels).all():
        pixels = np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0)
        lowest = float(pixels.min(initial=0.0))
    if lowest >= 0.0:
        return pixels
    if float(np.median(pixels)) < 0.0:
        return pixels - np.float32(lowest)
    return np.maximum(pixels, np.float32(0.0))
