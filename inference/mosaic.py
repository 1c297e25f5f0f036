"""Mosaics: many slices of one volume tiled into one picture, and how they are taken apart.

Siemens writes ImageType MOSAIC: a square of tiles, row by row from the upper left, the last ones empty; Image Position
(Patient) is that of a fictitious slice of the size of the whole picture, which has the same centre as the first tile
(nibabel's description of the format). United Imaging writes VFRAME: no more rows than needed, and no position.
"""

from dataclasses import dataclass
from math import ceil, isqrt

import numpy as np
from pydicom.dataset import Dataset

from inference import header
from inference.decoding import UnreadableImage
from inference.footprint import Plane
from inference.text import Text

Box = tuple[int, int, int, int]  # left, top, right, bottom in px of the whole picture, half-open

SQUARE, FITTED = "MOSAIC", "VFRAME"  # as Image Type (0008,0008) calls them
MOST_TILES = 1024
# number of images: the door's own element, or the vendors'
_COUNTS = (
    (0x0073, "SCANSIDE", 0x01),
    (0x0019, "SIEMENS MR HEADER", 0x0A),
    (0x0065, "Image Private Header", 0x50),
)
_NORMAL = (0x0073, "SCANSIDE", 0x0D)


@dataclass(frozen=True, slots=True)
class Mosaic:
    """How one mosaic is laid out."""

    tiles: int
    across: int  # tiles in a row
    rows: int  # px of a tile
    columns: int
    down: int  # rows of tiles

    def box(self, tile: int) -> Box:
        """Give the place of a tile (1-based) in the picture."""
        row, column = divmod(tile - 1, self.across)
        left, top = column * self.columns, row * self.rows
        return left, top, left + self.columns, top + self.rows


def is_mosaic(ds: Dataset) -> bool:
    """Tell whether a picture is made of tiles."""
    return not {SQUARE, FITTED}.isdisjoint(_terms(ds))


def mosaic_of(ds: Dataset) -> Mosaic | None:
    """Read the layout; None for an ordinary image. Raises UnreadableImage where it cannot be known, and BROKEN."""
    terms = _terms(ds)
    if terms.isdisjoint({SQUARE, FITTED}):
        return None
    tiles = _count(ds)
    rows, columns = header.integer(ds, "Rows") or 0, header.integer(ds, "Columns") or 0
    if not 1 <= tiles <= MOST_TILES:
        raise UnreadableImage(
            Text(
                "the mosaic does not tell how many images it holds",
                "das Mosaik sagt nicht, wie viele Bilder es enthält",
            )
        )
    across = isqrt(tiles - 1) + 1
    down = across if SQUARE in terms else ceil(tiles / across)
    if not rows or not columns or rows % down or columns % across:
        raise UnreadableImage(
            Text(
                "the mosaic does not hold the images that it announces",
                "das Mosaik enthält nicht die angekündigten Bilder",
            )
        )
    return Mosaic(tiles, across, rows // down, columns // across, down)


def tile_plane(ds: Dataset, mosaic: Mosaic, tile: int, whole: Plane | None) -> Plane | None:
    """Give where a tile (1-based) lies in the patient; `whole` is the plane that the header gives the picture."""
    distance = _first_number(ds, "SpacingBetweenSlices") or _first_number(ds, "SliceThickness")
    if whole is None or not distance:
        return None
    high, wide = whole.extent[0] / mosaic.down, whole.extent[1] / mosaic.across
    first = (
        np.array(whole.corner)
        + np.array(whole.along_row) * (whole.extent[1] - wide) / 2.0
        + np.array(whole.along_column) * (whole.extent[0] - high) / 2.0
    )
    corner = first + (tile - 1) * distance * _direction(ds, whole)
    return Plane(
        corner=(round(float(corner[0]), 4), round(float(corner[1]), 4), round(float(corner[2]), 4)),
        along_row=whole.along_row,
        along_column=whole.along_column,
        extent=(high, wide),
    )


def _direction(ds: Dataset, whole: Plane) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Give the unit vector from slice to slice: the vendor's, where it lies along the normal."""
    normal = np.asarray(whole.normal)
    try:
        given = np.array([float(value) for value in ds.private_block(*_NORMAL[:2])[_NORMAL[2]].value][:3])
    except (KeyError, TypeError, ValueError):
        return normal
    return -normal if given.shape == (3,) and float(np.dot(given, normal)) < 0.0 else normal


def _count(ds: Dataset) -> int:
    for group, creator, element in _COUNTS:
        try:
            value = ds.private_block(group, creator)[element].value
        except KeyError:
            continue
        if isinstance(value, bytes):  # implicit VR, unknown to pydicom's private dictionary
            value = (
                int.from_bytes(value[:2], "little") if group == 0x0019 else value.decode("ascii", "replace")
            )
        try:
            return int(float(value))
        except (TypeError, ValueError, OverflowError):
            continue
    return 0


def _first_number(ds: Dataset, keyword: str) -> float:
    try:
        value = float(ds.get(keyword) or 0.0)
    except (TypeError, ValueError):
        return 0.0
    return value if np.isfinite(value) and value > 0.0 else 0.0


def _terms(ds: Dataset) -> set[str]:
    value = ds.get("ImageType")
    return {str(term).strip().upper() for term in ([value] if isinstance(value, str) else value or ())}
