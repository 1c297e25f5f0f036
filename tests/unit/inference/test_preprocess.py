"""To the canvas and back: a place on the network's mask is the same place on the scanner's image."""

import cv2
import numpy as np
import pytest

from inference import Slice
from inference.preprocess import Canvas, from_canvas, orientations, to_canvas

MATRICES = [(63, 61), (64, 64), (384, 512), (512, 384), (128, 84), (1024, 1024), (71, 640)]
SPACINGS = [(1.0, 1.0), (0.5, 1.0), (1.7, 0.9)]


def half(canvas: Canvas) -> np.ndarray:
    """What a network would give that answers with its own input, at half the size."""
    side = len(canvas.image) // 2
    return cv2.resize(canvas.image, (side, side), interpolation=cv2.INTER_AREA)[None]


def centre(image: np.ndarray) -> tuple[float, float]:
    y, x = np.indices(image.shape)
    total = image.sum(dtype=np.float64)
    return float((image * (y + 0.5)).sum() / total), float((image * (x + 0.5)).sum() / total)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("matrix", MATRICES)
def test_a_dot_comes_back_to_where_it_was(
    matrix: tuple[int, int], spacing: tuple[float, float], transpose: bool
) -> None:
    rows, columns = matrix
    y, x = np.indices(matrix) + 0.5
    at = (rows * 0.31, columns * 0.77)
    width = (rows * 0.05, columns * 0.05)
    dot = np.exp(-(((y - at[0]) / width[0]) ** 2) - ((x - at[1]) / width[1]) ** 2)
    canvas = to_canvas(Slice.from_array(dot, spacing), transpose=transpose, percentile=100.0)
    back = from_canvas(canvas, half(canvas))[0]
    found = centre(cv2.resize(back, (columns, rows), interpolation=cv2.INTER_LINEAR))
    # A fifth of a cell of the mask: a padding that is cut at the wrong place would shift by half a cell and more.
    assert abs(found[0] - at[0]) * back.shape[0] / rows < 0.2
    assert abs(found[1] - at[1]) * back.shape[1] / columns < 0.2


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)
def test_the_corners_of_the_image_are_the_corners_of_the_mask(
    matrix: tuple[int, int], transpose: bool
) -> None:
    canvas = to_canvas(Slice.from_array(np.ones(matrix)), transpose=transpose)
    outside = np.ones((1, 256, 256), bool)
    outside[0, canvas.top : canvas.top + canvas.height, canvas.left : canvas.left + canvas.width] = False
    assert not from_canvas(canvas, outside).any()
    assert canvas.image[~outside[0]].all()
    assert not canvas.image[outside[0]].any()
    assert (canvas.rows, canvas.columns) == matrix


@pytest.mark.parametrize(("phase_encoding", "transposed"), [("COL", False), ("ROW", True), ("", False)])
def test_the_phase_encoding_runs_down_the_canvas(phase_encoding: str, transposed: bool) -> None:
    image = np.zeros((64, 64), np.float32)
    image[:, 20] = 1.0  # a column
    canvas = to_canvas(Slice.from_array(image, phase_encoding=phase_encoding))  # type: ignore[arg-type]
    assert canvas.transpose is transposed
    assert bool(canvas.image.sum(axis=1).max() > 100) is transposed  # the column has become a row


@pytest.mark.parametrize(
    ("phase_encoding", "ways"), [("COL", (False,)), ("ROW", (True,)), ("", (False, True))]
)
def test_both_orientations_are_run_where_the_phase_encoding_is_unknown(
    phase_encoding: str, ways: tuple[bool, ...]
) -> None:
    image = Slice.from_array(np.ones((64, 64)), phase_encoding=phase_encoding)  # type: ignore[arg-type]
    assert orientations(image) == ways


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 300), (8, 8)])
def test_tiny_images_reach_the_canvas_and_come_back(shape: tuple[int, int], transpose: bool) -> None:
    canvas = to_canvas(Slice.from_array(np.full(shape, 7.0)), transpose=transpose)
    assert canvas.image.shape == (256, 256)
    assert canvas.image.max() <= 1.0
    assert from_canvas(canvas, half(canvas))[0].size > 0


def test_a_constant_image_is_bright_everywhere() -> None:
    assert (to_canvas(Slice.from_array(np.full((63, 63), 7.0))).image == 1.0).all()


def test_pixels_are_square_on_the_canvas() -> None:
    canvas = to_canvas(Slice.from_array(np.ones((100, 100)), (2.0, 1.0)))
    assert (canvas.height, canvas.width) == (256, 128)
    assert (canvas.top, canvas.left) == (0, 64)


def test_values_are_clipped_at_the_percentile_and_scaled() -> None:
    image = np.full((256, 256), 50.0, np.float32)
    image[128:] = 100.0
    image[:1, :100] = 1e6  # 0.15 % of the pixels
    canvas = to_canvas(Slice.from_array(image))
    assert canvas.image.max() == 1.0
    assert canvas.image[100, 100] == pytest.approx(0.5)
    assert canvas.image.dtype == np.float32


def test_shrinking_averages_so_that_fine_stripes_do_not_alias() -> None:
    stripes = np.tile([0.0, 1.0], (1024, 512)).astype(np.float32)
    canvas = to_canvas(Slice.from_array(stripes))
    assert np.ptp(canvas.image) < 0.01


def test_an_empty_image_gives_an_empty_canvas() -> None:
    canvas = to_canvas(Slice.from_array(np.zeros((80, 90))))
    assert not canvas.image.any()


@pytest.mark.parametrize("shape", [(1, 100, 100), (1, 128, 64), (1, 64, 64), (1, 512, 512)])
def test_masks_that_do_not_cover_the_canvas_are_refused(shape: tuple[int, ...]) -> None:
    canvas = to_canvas(Slice.from_array(np.ones((64, 64))))
    with pytest.raises(ValueError, match="size"):
        from_canvas(canvas, np.zeros(shape, np.float32))
