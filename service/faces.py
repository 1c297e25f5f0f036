"""The face out of a series' objects: their planes read, the cut found over all of them, pixels blanked."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from inference.defacing import GRID_MM, Cut, NoFaceFound, Plane, Stack, Vector, find_face
from inference.header import group, spacing
from inference.image import Slice, number_of_frames

Key = tuple[tuple[float, ...], tuple[int, ...], tuple[float, float]]  # orientation, matrix, spacing
Found = dict[Key, dict[float, tuple[Plane, NDArray[np.float32]]]]  # by place along the normal, mm


def plane_of(dataset: Dataset, frame: int) -> Plane | None:
    """Read where a frame (1-based) lies; None where the header does not say."""
    corner = group(dataset, frame, "PlanePositionSequence").get("ImagePositionPatient")
    cosines = group(dataset, frame, "PlaneOrientationSequence").get("ImageOrientationPatient")
    if not corner or not cosines or len(corner) != 3 or len(cosines) != 6:
        return None
    x, y, z, *column = (float(value) for value in cosines)
    return Plane(_vector(corner), (x, y, z), _vector(column), spacing(dataset, frame))


def cut_of(datasets: Sequence[Dataset]) -> Cut:
    """Find the face over the images of a series; the cut holds for all. Raises NoFaceFound and UnreadableImage."""
    return find_face(stack_of(datasets))


def stack_of(datasets: Sequence[Dataset]) -> Stack:
    """Gather the parallel images that are most, one for each place. Raises NoFaceFound and UnreadableImage."""
    if len({str(dataset.get("FrameOfReferenceUID")) for dataset in datasets}) > 1:
        raise NoFaceFound("the images do not share a frame of reference")
    stacks: Found = {}
    for dataset in datasets:
        for frame in range(1, number_of_frames(dataset) + 1):
            plane = plane_of(dataset, frame)
            if plane is None:
                raise NoFaceFound("the header does not say where the images lie")
            plane, pixels = _coarser(plane, Slice.from_dataset(dataset, frame).pixels)
            orientation = tuple(round(value, 3) for value in (*plane.along_row, *plane.along_column))
            places = stacks.setdefault((orientation, pixels.shape, plane.spacing), {})
            places.setdefault(round(plane.place, 1), (plane, pixels))
    most = max(stacks.values(), key=len)
    ordered = [most[place] for place in sorted(most)]
    return Stack(np.stack([pixels for _, pixels in ordered]), [plane for plane, _ in ordered])


def deface(dataset: Dataset, cut: Cut) -> None:
    """Give the pixels, which are not compressed, that are cut off the lowest stored value of their frame.

    The others keep every bit. Raises NoFaceFound where a frame does not say where it lies.
    """
    shape = int(dataset.Rows), int(dataset.Columns)
    sign = "i" if dataset.get("PixelRepresentation") == 1 else "u"
    frames = number_of_frames(dataset)
    kind = np.dtype(f"<{sign}{int(dataset.BitsAllocated) // 8}")
    count = frames * shape[0] * shape[1]
    stored = np.frombuffer(dataset.PixelData, kind, count).reshape(frames, *shape).copy()
    for number, image in enumerate(stored, 1):
        plane = plane_of(dataset, number)
        if plane is None:
            raise NoFaceFound("the header does not say where the images lie")
        image[cut.face(plane, shape)] = image.min()
    value = stored.tobytes()
    dataset.PixelData = value + b"\0" * (len(value) % 2)


def _vector(values: Iterable[float]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _coarser(plane: Plane, pixels: NDArray[np.float32]) -> tuple[Plane, NDArray[np.float32]]:
    """Average pixels that are much finer than the grid: a face is large, and memory is not."""
    down, across = (max(1, int(GRID_MM / 2 / mm)) for mm in plane.spacing)
    rows, columns = pixels.shape[0] // down, pixels.shape[1] // across
    if down == across == 1 or not rows or not columns:
        return plane, pixels
    cut = pixels[: rows * down, : columns * across]
    coarse = cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA)
    corner = plane.points((down - 1) / 2, (across - 1) / 2)
    spaced = plane.spacing[0] * down, plane.spacing[1] * across
    return Plane(_vector(corner), plane.along_row, plane.along_column, spaced), np.asarray(coarse, np.float32)
