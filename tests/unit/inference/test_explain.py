"""Occlusion: the map's peak lies in a planted local artifact; its cost is bounded."""

import cv2
import numpy as np
import pytest

from inference.card import load_card, released
from inference.explain import GRID, explain, picture
from inference.eye import Eye
from inference.image import Slice
from inference.preprocess import to_canvas
from models.head import draw_anatomy, head_slice
from models.simulate import Plan, Planted, simulate

SIZE = 256


def head():
    return head_slice(draw_anatomy(np.random.default_rng(3)), 0.1)


def stripes(rows=256, columns=256, centre=(150, 110), radius=22):
    """A head with stripes in one round place."""
    y, x = np.mgrid[:rows, :columns]
    there = np.hypot(y - centre[0], x - centre[1]) < radius
    return (head() * (1.0 + 0.9 * there * np.sign(np.sin(y * 1.3)))).astype(np.float32)


def restless(canvases):
    """A judge of canvases whom fine structure along the columns displeases."""
    return [
        1.0 / (1.0 + np.exp(40.0 * float(np.abs(np.diff(one[0], 2, axis=0)).mean()) - 2.0))
        for one in canvases
    ]


@pytest.mark.parametrize("centre", [(150, 110), (100, 150)])
@pytest.mark.parametrize("direction", ["COL", "ROW"])
def test_the_peak_lies_in_the_planted_artifact(centre, direction):
    pixels, expected = stripes(centre=centre), centre
    if direction == "ROW":
        pixels, expected = np.ascontiguousarray(pixels.T), centre[::-1]
    explanation = explain(Slice.from_array(pixels, phase_encoding=direction), restless, SIZE)
    assert np.hypot(*np.subtract(explanation.peak, expected)) < 22
    assert explanation.rise.max() > 5 * np.median(np.abs(explanation.rise))


def test_the_map_covers_a_slice_of_any_matrix():
    small = cv2.resize(stripes()[:, 40:216], (132, 96), interpolation=cv2.INTER_AREA)
    image = Slice.from_array(small, (2.0, 1.0), "COL")
    explanation = explain(image, restless, SIZE, grid=8)
    assert explanation.rise.shape == (96, 132)
    assert cv2.imdecode(np.frombuffer(picture(image, explanation), np.uint8), cv2.IMREAD_COLOR).shape == (
        96,
        132,
        3,
    )


def test_the_slice_is_shown_at_the_brightness_that_the_card_states():
    asked = []

    def keeping(canvases):
        asked.extend(canvases)
        return [0.5] * len(canvases)

    image = Slice.from_array(head(), phase_encoding="COL")
    explain(image, keeping, SIZE, percentile=90.0)
    assert np.array_equal(asked[0][0], to_canvas(image, SIZE, percentile=90.0).image)


def test_it_costs_one_run_for_each_place_that_holds_signal():
    asked = []

    def counting(canvases):
        asked.extend(canvases)
        return [0.5] * len(canvases)

    explanation = explain(Slice.from_array(head(), phase_encoding="COL"), counting, SIZE)
    assert explanation.runs == len(asked)
    assert GRID**2 / 3 < explanation.runs <= GRID**2 + 1
    assert float(np.abs(explanation.rise).max()) == 0.0
    empty = explain(Slice.from_array(np.zeros((64, 64)), phase_encoding="COL"), counting, SIZE)
    assert (empty.runs, float(np.abs(empty.rise).max())) == (1, 0.0)


def test_the_released_model_is_asked_as_it_is_when_it_scores():
    eye = Eye(load_card(released()), provider="cpu", threads=1)
    plan = Plan((Planted("motion", 3.4),), benign=False)
    moved = simulate(np.random.default_rng(11), head(), plan).image
    for direction in ("COL", "ROW", ""):
        image = Slice.from_array(moved.T if direction == "ROW" else moved, phase_encoding=direction)
        canvas = to_canvas(image, eye.card.size, percentile=eye.card.percentile).image
        (asked,) = eye.suitability(canvas[None, None], ways=1 if direction else 2)
        assert asked == pytest.approx(eye.examine([image])[0].score.suitability, abs=1e-4)
    explanation = eye.explain(image)
    assert explanation.suitability == pytest.approx(asked, abs=1e-4)
    assert np.isfinite(explanation.rise).all()
    assert explanation.rise.max() > 0.05
