"""Defacing: the face goes, the brain keeps every voxel; what shows no head surely is refused."""

import numpy as np
import pytest

from inference.defacing import NoFaceFound, Plane, Stack, find_face
from tests.faces import CONTRASTS, LOWEST_MM, FacedHead, faced_head
from tests.series import FIELD_OF_VIEW_MM, SLICE_MM, Volume


def planes(volume: Volume, gap_mm: float = SLICE_MM, pitch: float = 0.0) -> list[Plane]:
    """Place axial slices, the whole head turned about the left-right axis by `pitch` degrees."""
    c, s = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    mm, half = FIELD_OF_VIEW_MM / volume.shape[1], FIELD_OF_VIEW_MM / 2
    placed = []
    for n in range(len(volume)):
        y, z = -half, LOWEST_MM + gap_mm * n
        placed.append(Plane((-half, c * y - s * z, s * y + c * z), (1, 0, 0), (0, c, s), (mm, mm)))
    return placed


def cut_away(head: FacedHead, gap_mm: float = SLICE_MM, pitch: float = 0.0) -> np.ndarray:
    places = planes(head.pixels, gap_mm, pitch)
    cut = find_face(Stack(head.pixels.astype(np.float32), places))
    return np.stack([cut.face(plane, head.pixels.shape[1:]) for plane in places])


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_the_face_goes_and_the_brain_stays(contrast: str) -> None:
    head = faced_head(contrast=contrast)
    gone = cut_away(head)
    assert not (gone & head.brain).any()
    assert gone[head.face].mean() >= 0.97


def test_gaps_between_slices_do_not_matter() -> None:
    head = faced_head(slices=26, gap_mm=8.0)
    gone = cut_away(head, gap_mm=8.0)
    assert not (gone & head.brain).any()
    assert gone[head.face].mean() >= 0.95


@pytest.mark.parametrize("pitch", [-20.0, -10.0, 10.0, 20.0])
def test_a_head_may_lie_turned_up_or_down(pitch: float) -> None:
    head = faced_head()
    gone = cut_away(head, pitch=pitch)
    assert not (gone & head.brain).any()
    assert gone[head.face].mean() >= 0.9


@pytest.mark.parametrize(
    "volume",
    [
        np.zeros((40, 64, 64), np.uint16),
        faced_head().pixels[20:23],
        np.random.default_rng(1).integers(0, 900, (40, 64, 64)).astype(np.uint16),
    ],
    ids=["nothing", "three slices", "noise"],
)
def test_what_shows_no_head_surely_is_refused(volume: Volume) -> None:
    with pytest.raises(NoFaceFound):
        find_face(Stack(volume.astype(np.float32), planes(volume)))


def test_a_brain_that_reaches_into_the_face_is_refused() -> None:
    head = faced_head()
    head.pixels[:26, 20:64, 40:88] = 700  # no bone and no air between brain and face
    with pytest.raises(NoFaceFound):
        cut_away(head)
