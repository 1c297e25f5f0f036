"""Burned-in text is found in any corner and style; anatomy, test patterns and noise are left alone."""

import cv2
import numpy as np
import pytest
from pydicom import Dataset

from inference.burned_in import THRESHOLD, TextDetector
from inference.image import UnreadableImage
from tests.burning import burnt
from tests.series import head, mr_series

SIDE = 256


@pytest.fixture(scope="module")
def detector() -> TextDetector:
    return TextDetector()


@pytest.fixture
def anatomy() -> np.ndarray:
    return head(slices=3, rows=SIDE, columns=SIDE)[1].astype(np.float32)


def with_text(image: np.ndarray, value: float, at: tuple[int, int] = (6, 20)) -> np.ndarray:
    return burnt(image, "Quastenflosser W 12.04.1961", value=value, at=at)


@pytest.mark.parametrize("value", [1800.0, 4095.0, 65535.0])
@pytest.mark.parametrize("at", [(6, 20), (20, 128), (6, 248)], ids=["top", "inside", "bottom"])
def test_text_is_found(
    detector: TextDetector, anatomy: np.ndarray, value: float, at: tuple[int, int]
) -> None:
    assert detector.evidence(with_text(anatomy, value, at)) >= THRESHOLD


def test_dark_text_on_bright_ground_is_found(detector: TextDetector) -> None:
    disc = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(disc, (128, 128), 120, 900.0, -1)
    assert detector.evidence(with_text(disc, 0.0, (24, 128))) >= THRESHOLD


def test_text_that_outshines_the_brightest_tissue_is_found_on_it(detector: TextDetector) -> None:
    """At the window of the tissue the text could not be told from its ground."""
    disc = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(disc, (128, 128), 120, 900.0, -1)
    assert detector.evidence(with_text(disc, 2700.0, (24, 128))) >= THRESHOLD


def test_text_that_stands_upright_is_found(detector: TextDetector, anatomy: np.ndarray) -> None:
    assert detector.evidence(np.rot90(with_text(anatomy, 4095.0))) >= THRESHOLD


def test_anatomy_noise_and_patterns_are_no_text(detector: TextDetector, anatomy: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    grid = anatomy.copy()
    grid[60:200:12], grid[:, 60:200:12] = 1200, 1200
    clean = {
        "head": anatomy,
        "grid": grid,
        "noise": rng.random((SIDE, SIDE)),
        "nothing": np.zeros((SIDE, SIDE)),
    }
    assert {name: detector.evidence(image) >= THRESHOLD for name, image in clean.items()} == dict.fromkeys(
        clean, False
    )


def test_text_is_found_where_the_header_calls_it_padding(detector: TextDetector) -> None:
    """The picture shows padding as air; the stored values still hold it."""
    (ds,) = mr_series(slices=1, rows=SIDE, columns=SIDE)
    written = with_text(ds.pixel_array.astype(np.float32), 4095.0)
    written[written > 2000] = 4095
    ds.PixelData, ds.PixelPaddingValue = written.astype("<u2").tobytes(), 4095
    assert detector.shows_text(ds, 1)


def test_what_cannot_be_decoded_is_unreadable(detector: TextDetector) -> None:
    with pytest.raises(UnreadableImage):
        detector.shows_text(Dataset(), 1)


def test_small_and_odd_matrices_are_looked_at_too(detector: TextDetector) -> None:
    for shape in ((8, 8), (64, 65), (97, 300), (2100, 40)):
        assert detector.evidence(np.zeros(shape)) < THRESHOLD
