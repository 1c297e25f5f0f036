"""Text that is drawn for the detector can be read, and what is drawn as no text holds none."""

import numpy as np
import pytest

from inference.burned_in import THRESHOLD, TextDetector
from models.lettering import HERSHEY, LEAST_CONTRAST, LEAST_SHOWN, STYLES, fonts, lettered, pattern, written

FONT = f"hershey {HERSHEY[0]}"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_opencvs_own_fonts_are_always_there() -> None:
    assert [font for font in fonts() if font.startswith("hershey")] == [f"hershey {one}" for one in HERSHEY]


@pytest.mark.parametrize("size", [8, 16, 32])
def test_a_line_is_cut_to_its_box_and_grows_with_the_size(size: int) -> None:
    line = written("SMITH 1961", FONT, size)
    assert 0.5 * size <= line.shape[0] <= 1.5 * size
    assert min(line[0].max(), line[-1].max(), line[:, 0].max(), line[:, -1].max()) > 0


@pytest.mark.parametrize("style", STYLES)
def test_what_is_written_stands_out_and_nothing_else_changes(rng: np.random.Generator, style: str) -> None:
    ground = np.full((200, 260), 300.0, np.float32)
    ground[:40], ground[-10:] = 0.0, 900.0
    found = lettered(rng, ground, font=FONT, size=16, style=style, corner=False)
    assert found is not None
    rim = 3  # px around a line's box that its outline or ground may take
    near = np.zeros_like(found.text)
    for row, column in np.argwhere(found.text):
        near[max(row - rim, 0) : row + rim + 1, max(column - rim, 0) : column + rim + 1] = True
    assert (found.image[~near] == ground[~near]).all()
    assert np.abs(found.image - ground)[found.text].max() >= LEAST_CONTRAST * 300


def test_dark_text_is_not_written_on_dark_ground(rng: np.random.Generator) -> None:
    assert 0 < LEAST_SHOWN <= 1
    air = np.zeros((200, 260), np.float32)
    air[0, :8] = 300.0
    assert lettered(rng, air, font=FONT, size=16, style="dark", corner=False) is None


def test_text_that_does_not_fit_is_not_written(rng: np.random.Generator) -> None:
    small = np.full((20, 30), 300.0, np.float32)
    assert lettered(rng, small, font=FONT, size=32, style="bright", corner=True) is None


def test_patterns_are_rarely_taken_for_text(rng: np.random.Generator) -> None:
    detector = TextDetector()
    hits = [detector.evidence(400 + 500 * pattern(rng, 224, 224)) >= THRESHOLD for _ in range(60)]
    assert np.mean(hits) <= 0.1
