"""Slices in, scores and masks out: the whole way through the released model."""

import time
from dataclasses import replace

import numpy as np
import pytest

from inference import eye as eye_module
from inference import masks
from inference.artifacts import NAMES
from inference.card import load_card, released
from inference.eye import Examined, Eye, MaskStack
from inference.image import Slice
from inference.segmenter import CPU
from tests.series import mr_series


@pytest.fixture(scope="module")
def eye():
    return Eye(load_card(released()), provider="cpu", threads=1)


def anatomy(rows=192, columns=256, seed=2):
    y, x = np.mgrid[0:rows, 0:columns]
    head = np.hypot((y - rows / 2) / rows, (x - columns / 2) / columns) < 0.4
    inner = np.hypot((y - rows / 3) / rows, (x - columns / 2) / columns) < 0.15
    grain = np.abs(np.random.default_rng(seed).normal(0.0, 6.0, (rows, columns)))
    return (200.0 * head + 150.0 * inner + grain).astype(np.float32)


def test_slices_of_different_matrices_are_examined_in_their_order(eye):
    shapes = [(192, 256), (256, 256), (64, 64), (320, 160), (192, 256), (100, 90)]
    slices = [
        replace(Slice.from_array(anatomy(*shape), phase_encoding="ROW"), instance_number=n, frame=n + 1)
        for n, shape in enumerate(shapes, start=11)
    ]
    examined = eye.examine(slices)
    assert [seen.score.instance_number for seen in examined] == [11, 12, 13, 14, 15, 16]
    assert [seen.score.frame for seen in examined] == [12, 13, 14, 15, 16, 17]
    for seen, shape in zip(examined, shapes, strict=True):
        assert isinstance(seen, Examined)
        assert [finding.artifact for finding in seen.score.findings] == list(NAMES)
        assert 0.0 <= seen.score.index <= 10.0
        assert seen.score.signal
        assert seen.masks.to_matrix(*shape).shape == (13, *shape)


def test_the_answer_does_not_depend_on_the_company(eye):
    slices = [Slice.from_array(anatomy(seed=n), phase_encoding="COL") for n in range(6)]
    together = eye.examine(slices)
    for image, seen in zip(slices, together, strict=True):
        alone = eye.examine([image])[0]
        assert alone.score == seen.score
        assert np.array_equal(alone.masks.probabilities, seen.masks.probabilities)


def test_a_transposed_slice_is_seen_alike_where_the_header_says_so(eye):
    upright = eye.examine([Slice.from_array(anatomy(), phase_encoding="COL")])[0]
    lying = eye.examine([Slice.from_array(anatomy().T, phase_encoding="ROW")])[0]
    assert lying.score.index == pytest.approx(upright.score.index, abs=1e-3)
    assert np.array_equal(lying.masks.probabilities, upright.masks.probabilities.swapaxes(1, 2))


def odds(probability):
    return probability / (1 - probability)


def test_without_a_phase_encoding_the_odds_of_an_artifact_are_the_mean_of_both_ways(eye):
    ways = [eye.examine([Slice.from_array(anatomy(), phase_encoding=way)])[0] for way in ("COL", "ROW")]
    unknown = eye.examine([Slice.from_array(anatomy())])[0]
    for index in range(len(NAMES)):
        probable = [seen.score.findings[index].probability for seen in ways]
        found = unknown.score.findings[index].probability
        assert odds(found) == pytest.approx(sum(map(odds, probable)) / 2, rel=0.01, abs=2e-4)
        best = ways[int(np.argmax(probable))]
        assert np.array_equal(unknown.masks.probabilities[index], best.masks.probabilities[index])
    unsuitable = [1 - seen.score.suitability for seen in ways]
    assert odds(1 - unknown.score.suitability) == pytest.approx(
        sum(map(odds, unsuitable)) / 2, rel=0.01, abs=2e-4
    )


def test_air_and_noise_have_no_signal(eye):
    noise = np.hypot(*np.random.default_rng(1).normal(size=(2, 128, 128)))
    examined = eye.examine([Slice.from_array(np.zeros((128, 128))), Slice.from_array(noise)])
    assert [seen.score.signal for seen in examined] == [False, False]


def test_a_series_of_dicom_objects_is_examined(eye):
    slices = [Slice.from_dataset(ds) for ds in mr_series(slices=3, rows=64, columns=64)]
    examined = eye.examine(slices)
    assert [seen.score.instance_number for seen in examined] == [image.instance_number for image in slices]
    assert all(MaskStack.unpack(seen.masks.pack()).probabilities.shape[0] == 13 for seen in examined)


def test_no_slices_give_no_answer(eye):
    assert eye.examine([]) == []


@pytest.mark.parametrize("share", [slice(None), slice(30, 32)])
def test_pixels_that_are_no_numbers_never_get_a_good_score(eye, share):
    pixels = anatomy()
    pixels[share] = np.nan
    assert not eye.examine([Slice(pixels=pixels, spacing=(1.0, 1.0))])[0].score.signal


def test_the_eye_says_what_it_is(eye):
    eye.warm()
    assert eye.provider == CPU
    assert eye.batch >= 1
    assert eye.card.sha256[:12] in eye.model
    assert eye_module.MaskStack is masks.MaskStack


def test_examining_a_slice_costs_little_processor_time(eye):
    image = Slice.from_array(anatomy(384, 512), phase_encoding="COL")
    eye.examine([image])
    began = time.process_time()
    for _ in range(5):
        eye.examine([image])
    assert (time.process_time() - began) / 5 < 0.15  # s of all threads; 12 ms are usual
