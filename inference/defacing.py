"""Where the face is in a stack of head images, so that it can be taken out and the brain stays.

The brain is what is left of the head's tissue when everything thinner than it is worn away: this asks for no contrast
in particular, no atlas and no registration. Planes that touch the brain, at a margin, from the front and from below
then cut off what lies before them: nose, eyes, mouth, chin, forehead. Slices may have gaps. Where too little of the
skin goes that way, or nothing has the size of a brain, nothing is promised: see NoFaceFound.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import cv2
import numpy as np
import numpy.typing as npt

GRID_MM = 3.0
MARGIN_MM = 6.0  # between the brain, a cell thicker than it was found, and the planes
TILTS = range(-20, 61, 10)  # degrees of a plane's normal from the front (0) towards the feet (90)
LEAST_CUT = 0.9  # of the face's skin
LEAST_BRAIN_ML, MOST_BRAIN_ML = 200.0, 1900.0
LEAST_EXTENT_MM = 40.0  # of a stack in each direction: in less, nothing is told from anything
TRIES = tuple((share, worn) for share in (0.6, 0.7, 0.8) for worn in (3, 4))  # see _brain
STILL_WHOLE = 0.8  # of the first brain found: a smaller one has lost something

_DEEP = 8  # cells below the skin: there lies brain
_SCALP = 4  # cells: skin so near to the brain is no face
_BELOW_MM, _LOW_MM, _WIDE_MM = (
    15.0,
    110.0,
    45.0,
)  # the face, from the front of the brain: down, and to either side
_FRONT_MM = 6.0
_HOLE_MM2 = 400.0

Volume = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]  # (..., 3): left, posterior, superior, mm
Vector = tuple[float, float, float]


class NoFaceFound(ValueError):
    """The stack does not show surely enough where the face is, and where the brain."""


@dataclass(frozen=True, slots=True)
class Plane:
    """Where an image lies (PS3.3 C.7.6.2)."""

    corner: Vector  # Image Position (Patient), mm
    along_row: Vector  # cosines
    along_column: Vector
    spacing: tuple[float, float]  # mm between rows, mm between columns

    @property
    def place(self) -> float:
        """The place along the normal, mm."""
        return float(np.dot(np.cross(self.along_row, self.along_column), self.corner))

    def points(self, rows: npt.ArrayLike, columns: npt.ArrayLike) -> Points:
        """Give the places of pixels."""
        down = np.asarray(rows)[..., None] * self.spacing[0] * np.asarray(self.along_column)
        right = np.asarray(columns)[..., None] * self.spacing[1] * np.asarray(self.along_row)
        return np.asarray(np.asarray(self.corner) + down + right)


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Parallel images of one matrix and spacing, each at a place of its own, in their order."""

    pixels: Volume  # (slices, rows, columns)
    planes: Sequence[Plane]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """What was found, in cells of GRID_MM along left, posterior and superior."""

    origin: Points
    head: Mask
    brain: Mask

    def at(self, cells: npt.NDArray[np.intp]) -> Points:
        """Give the places of cells, (n, 3)."""
        return np.asarray(self.origin + GRID_MM * cells)


@dataclass(frozen=True, slots=True)
class Cut:
    """Planes: what lies before one of them is face."""

    normals: tuple[Vector, ...]
    limits: tuple[float, ...]  # mm along the normals

    def takes(self, points: Points) -> Mask:
        """Tell which of the points are cut off."""
        gone = np.zeros(points.shape[:-1], bool)
        for normal, limit in zip(self.normals, self.limits, strict=True):
            gone |= points @ np.asarray(normal) > limit
        return gone

    def face(self, plane: Plane, shape: tuple[int, int]) -> Mask:
        """Tell which pixels of an image are cut off, (rows, columns)."""
        rows, columns = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
        return self.takes(plane.points(rows, columns))


def find_face(stack: Stack) -> Cut:
    """Find the planes that cut off the face. Raises NoFaceFound."""
    standard = 0.0
    for found in heads(stack):
        volume = float(found.brain.sum()) * GRID_MM**3 / 1000
        if not LEAST_BRAIN_ML <= volume <= MOST_BRAIN_ML:
            continue
        standard = standard or volume
        cut, skin = cut_before(found), face_skin(found)
        enough = not len(skin) or float(cut.takes(skin).mean()) >= LEAST_CUT
        if enough and volume >= STILL_WHOLE * standard:
            return cut
    raise NoFaceFound("the face cannot be told from the brain" if standard else "no brain is found")


def heads(stack: Stack) -> Iterator[Head]:
    """Give what may be head and brain, the most generous first. Raises NoFaceFound."""
    origin, grid = resampled(stack)
    if not grid.any():
        raise NoFaceFound("the stack is empty")
    head = _filled(grid > 0.5 * _otsu(grid[grid > 0]))
    inner = _inner(grid, head)
    for share, worn in TRIES:
        yield Head(origin, head, _brain(head & (grid > share * inner), head, worn))


def cut_before(found: Head) -> Cut:
    """Give the planes that touch the brain, at the margin."""
    brain = found.at(np.argwhere(found.brain))
    normals = tuple((0.0, -cos(radians(tilt)), -sin(radians(tilt))) for tilt in TILTS)
    return Cut(normals, tuple(float((brain @ np.asarray(normal)).max()) + MARGIN_MM for normal in normals))


def face_skin(found: Head) -> Points:
    """Give places on the skin of the face, (n, 3): what has to go for nobody to be recognised."""
    brain = found.at(np.argwhere(found.brain))
    front = brain[brain[:, 1] <= brain[:, 1].min() + _FRONT_MM]
    middle, level = float(np.median(brain[:, 0])), float(np.median(front[:, 2]))
    x, z = (found.origin[axis] + GRID_MM * np.arange(found.head.shape[axis]) for axis in (0, 2))
    shown = found.head.any(1)
    shown &= (np.abs(x - middle) <= _WIDE_MM)[:, None]
    shown &= ((z <= level - _BELOW_MM) & (z >= level - _LOW_MM))[None, :]
    across, up = np.nonzero(shown)
    cells = np.column_stack([across, found.head.argmax(1)[across, up], up])
    near = found.brain
    for _ in range(_SCALP):
        near = _dilated(near)
    skin = found.at(cells[~near[tuple(cells.T)]])
    return skin[skin[:, 1] <= float(np.median(brain[:, 1]))]


def resampled(stack: Stack) -> tuple[Points, Volume]:
    """Bring a stack onto the grid: its origin and its values, 0 outside. Raises NoFaceFound."""
    rows, columns = stack.pixels.shape[1:]
    corners = np.concatenate(
        [plane.points([0, 0, rows, rows], [0, columns, 0, columns]) for plane in stack.planes]
    )
    low, high = corners.min(0), corners.max(0)
    if (high - low).min() < LEAST_EXTENT_MM:
        raise NoFaceFound("the stack is too thin")
    sides = np.ceil((high - low) / GRID_MM).astype(int) + 1
    points = low + GRID_MM * np.stack(np.meshgrid(*map(np.arange, sides), indexing="ij"), -1)
    first, places = stack.planes[0], np.array([plane.place for plane in stack.planes])
    across = points @ np.cross(first.along_row, first.along_column)
    nearest = np.round(np.interp(across, places, np.arange(len(places)))).astype(int)
    half = float(np.diff(places).max(initial=GRID_MM)) / 2
    nearest[(across < places[0] - half) | (across > places[-1] + half)] = -1
    values = np.zeros(points.shape[:3], np.float32)
    for number, plane in enumerate(stack.planes):
        here = nearest == number
        values[here] = _sampled(stack.pixels[number], plane, points[here])
    return low, values


def _sampled(image: npt.NDArray[np.float32], plane: Plane, points: Points) -> npt.NDArray[np.float32]:
    """Average the pixels around points that lie near a plane; 0 beside the image."""
    size = max(1, round(GRID_MM / plane.spacing[1])), max(1, round(GRID_MM / plane.spacing[0]))
    soft = np.asarray(cv2.blur(image, size), np.float32)
    offset = points - np.asarray(plane.corner)
    row = np.round(offset @ np.asarray(plane.along_column) / plane.spacing[0]).astype(int)
    column = np.round(offset @ np.asarray(plane.along_row) / plane.spacing[1]).astype(int)
    inside = (row >= 0) & (row < image.shape[0]) & (column >= 0) & (column < image.shape[1])
    return np.asarray(np.where(inside, soft[row * inside, column * inside], 0), np.float32)


def _otsu(values: Volume) -> float:
    """Give the threshold between dark and bright (Otsu 1979); the brightest hundredth counts as equally bright."""
    top = max(float(np.percentile(values, 99)), 1e-9)
    grey = np.clip(values / top * 255, 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(grey.reshape(-1, 1), 0, 255, cv2.THRESH_OTSU)
    return float(level) / 255 * top


def _filled(mask: Mask) -> Mask:
    """Fill what is enclosed, seen along each axis in turn, and drop what is small."""
    out = mask.copy()
    for axis in range(3):
        for image in np.moveaxis(out, axis, 0):
            found, _ = cv2.findContours(image.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            filled = np.zeros(image.shape, np.uint8)
            large = [outline for outline in found if cv2.contourArea(outline) * GRID_MM**2 > _HOLE_MM2]
            cv2.drawContours(filled, large, -1, 1, cv2.FILLED)
            np.logical_or(image, filled, out=image)
    return out


def _inner(grid: Volume, head: Mask) -> float:
    """Give the median of what lies deep in the head: of brain, in any contrast."""
    deep = head
    for _ in range(_DEEP):
        thinner = _eroded(deep)
        if not thinner.any():
            break
        deep = thinner
    return float(np.median(grid[deep])) if deep.any() else 0.0


def _brain(tissue: Mask, head: Mask, worn: int) -> Mask:
    """Give what hangs together with the deepest tissue once it is worn by some cells, grown again by one more."""
    core = tissue
    for _ in range(worn):
        core = _eroded(core)
    seed = thinner = core
    while thinner.any():
        seed, thinner = thinner, _eroded(thinner)
    brain, before = seed, -1
    while int(brain.sum()) != before:
        before = int(brain.sum())
        brain = _dilated(brain) & core
    for _ in range(worn + 1):
        brain = _dilated(brain) & head
    return brain


def _dilated(mask: Mask) -> Mask:
    out = mask.copy()
    for moved in _moved(mask):
        out |= moved
    return out


def _eroded(mask: Mask) -> Mask:
    out = mask.copy()
    for moved in _moved(mask):
        out &= moved
    return out


def _moved(mask: Mask) -> Iterator[Mask]:
    """Give the mask moved by a cell along each axis, both ways."""
    padded = np.pad(mask, 1)
    for axis, side in enumerate(mask.shape):
        for start in (0, 2):
            window = [slice(1, -1)] * 3
            window[axis] = slice(start, start + side)
            yield padded[tuple(window)]
