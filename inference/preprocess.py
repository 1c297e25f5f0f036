"""From a slice to the network's canvas, and from the network's masks back to the slice's own matrix and orientation."""

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from inference.image import Slice

SIZE = 256
PERCENTILE = 99.5
GRID = 2  # sides and corner of the image lie on its multiples, so that masks of half the size crop exactly

Image = npt.NDArray[np.float32]
Pixel = TypeVar("Pixel", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """A slice as the network sees it, and what is needed to go back."""

    image: Image  # (size, size), 0..1, phase encoding along axis 0
    transpose: bool  # the slice was transposed to get there
    top: int  # where the slice lies on the canvas, px of the canvas, multiples of GRID
    left: int
    height: int
    width: int
    rows: int  # of the slice
    columns: int


def orientations(image: Slice) -> tuple[bool, ...]:
    """Give the values of `transpose` to run: both where the header does not tell the phase-encoding direction."""
    return (image.phase_encoding == "ROW",) if image.phase_encoding else (False, True)


def to_canvas(
    image: Slice, size: int = SIZE, *, transpose: bool | None = None, percentile: float = PERCENTILE
) -> Canvas:
    """Lay a slice on the canvas.

    Transposed where that brings the phase encoding along axis 0 (`transpose` overrides it; needed where the header
    does not tell), resampled to square pixels so that the longer side of the field of view fills the canvas
    (areas averaged where it shrinks, linear where it grows, axis by axis), centred on zeros, clipped at the
    percentile of the whole canvas, scaled to 0..1. An empty image gives an empty canvas.
    """
    turned = image.phase_encoding == "ROW" if transpose is None else transpose
    pixels, (row_mm, column_mm) = image.pixels, image.spacing
    if turned:
        pixels, row_mm, column_mm = pixels.T, column_mm, row_mm
    field = (pixels.shape[0] * row_mm, pixels.shape[1] * column_mm)
    height, width = (_side(extent * size / max(field), size) for extent in field)
    top, left = ((size - side) // 2 // GRID * GRID for side in (height, width))
    canvas = np.zeros((size, size), np.float32)
    canvas[top : top + height, left : left + width] = _resample(np.ascontiguousarray(pixels), height, width)
    brightest = np.float32(np.percentile(canvas, percentile))
    if brightest > 0.0:
        canvas = np.clip(canvas / brightest, 0.0, 1.0, dtype=np.float32)
    else:
        canvas.fill(0.0)
    rows, columns = image.pixels.shape
    return Canvas(canvas, turned, top, left, height, width, rows, columns)


def from_canvas(canvas: Canvas, masks: npt.NDArray[Pixel]) -> npt.NDArray[Pixel]:
    """Bring masks (classes, h, w) that cover the canvas back to the slice's orientation, without the padding.

    A plain resize of each class to (columns, rows) then gives the slice's matrix. The masks' sides must be the
    canvas' or its half.
    """
    step = canvas.image.shape[0] // masks.shape[1]
    if (
        masks.shape[1] != masks.shape[2]
        or step not in (1, GRID)
        or step * masks.shape[1] != len(canvas.image)
    ):
        raise ValueError("masks must have the canvas' size or half of it")
    rows = slice(canvas.top // step, (canvas.top + canvas.height) // step)
    columns = slice(canvas.left // step, (canvas.left + canvas.width) // step)
    cut = masks[:, rows, columns]
    return np.ascontiguousarray(cut.swapaxes(1, 2) if canvas.transpose else cut)


def _side(length: float, size: int) -> int:
    return min(size, max(GRID, round(length / GRID) * GRID))


def _resample(pixels: Image, height: int, width: int) -> Image:
    """Resize axis by axis: one may shrink while the other grows."""
    shrinks = (height < pixels.shape[0], width < pixels.shape[1])
    if shrinks[0] == shrinks[1]:
        return _resize(pixels, height, width, shrink=shrinks[0])
    narrowed = _resize(pixels, pixels.shape[0], width, shrink=shrinks[1])
    return _resize(narrowed, height, width, shrink=shrinks[0])


def _resize(pixels: Image, height: int, width: int, *, shrink: bool) -> Image:
    how = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.float32)
