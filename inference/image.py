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

__all__ = ["PhaseEncoding", "Slice", "UnreadableImage", "number_of_frames"]

PhaseEncoding = Literal["COL", "ROW", ""]
Kind = Literal["epi", "head", "body", ""]
Pixels = npt.NDArray[np.float32]

FAINT = 0.5  # of the brightest pixels: nothing in an image with air or fluid in it is brighter than that everywhere


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One magnitude image and what of its header the eye needs."""

    pixels: Pixels  # (rows, columns), rescaled, never negative, bright is more signal
    spacing: tuple[float, float]  # mm between rows, mm between columns; (1, 1) where unknown
    phase_encoding: PhaseEncoding = ""  # COL: along the column (vertical), ROW: along the row, "": unknown
    instance_number: int = 0  # 0 where the header has none
    frame: int = 1
    sop_instance_uid: str = ""
    position: float | None = None  # mm along the slice normal
    plane: Plane | None = None  # where it lies in the patient
    kind: Kind = ""  # whose reference bands apply

    @classmethod
    def from_dataset(cls, ds: Dataset, frame: int = 1) -> Self:
        """Read one frame (1-based) of an MR object; the other frames are not decoded.

        Raises UnreadableImage, whose message holds no header value, and nothing else; does not warn.
        """
        # pydicom's warnings and messages quote values: neither may reach a log.
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            try:
                return cls(
                    pixels=_magnitude(ds, frame),
                    spacing=header.spacing(ds, frame),
                    phase_encoding=header.phase_encoding(ds, frame),
                    instance_number=header.integer(ds, "InstanceNumber") or 0,
                    frame=frame,
                    sop_instance_uid=str(ds.get("SOPInstanceUID") or ""),
                    position=header.position(ds, frame),
                    plane=header.plane(ds, frame),
                    kind=header.kind(ds),
                )
            except UnreadableImage:
                raise
            except header.BROKEN as error:
                kind = type(error).__name__
                raise UnreadableImage(f"the header does not hold together ({kind})") from None

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


def _magnitude(ds: Dataset, frame: int) -> Pixels:
    """Read stored values and turn them into signal."""
    if not 1 <= frame <= number_of_frames(ds):
        raise UnreadableImage("there is no such frame")
    stored = stored_values(ds, frame - 1)
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
