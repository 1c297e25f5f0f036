"""Figures of merit and operating points, on numbers that can be worked out by hand."""

import numpy as np
import pytest

from models.answers import Answers, CleanAnswers, ask, ask_clean, simulated
from models.classes import CLASSES, INDEX
from models.dataset import phantom_pool
from models.figures import Reading, expected_calibration_error, figures
from models.metrics import PREVALENCE, Overlap, auc, weighted
from models.operating import FALSE_ALARMS, choose, platt, sigmoid
from models.shelf import SLOT, unpacked

N = len(CLASSES)


def test_overlap_is_pooled_over_slices_and_can_leave_the_band_out() -> None:
    said, truth = np.zeros((2, N, 4, 4), dtype=bool), np.zeros((2, N, 4, 4), dtype=bool)
    said[0, 0, :2], truth[0, 0, 1:3], truth[1, 0, 0, 0] = True, True, True
    kept = np.ones_like(said)
    kept[:, :, 0] = False
    strict, outside = Overlap(), Overlap()
    strict.add(said, truth)
    outside.add(said, truth, kept)

    assert strict.iou()[0] == pytest.approx(4 / 13)
    assert outside.iou()[0] == pytest.approx(4 / 8)
    assert np.isnan(strict.iou()[1])


def test_the_area_under_the_curve_counts_pairs() -> None:
    score = np.array([0.1, 0.4, 0.4, 0.8])
    assert auc(score, np.array([False, False, True, True])) == pytest.approx(3.5 / 4)
    assert np.isnan(auc(score, np.ones(4, dtype=bool)))


def test_the_clinic_weighs_the_classes() -> None:
    per_class = np.full(N, np.nan)
    per_class[INDEX["gibbs"]], per_class[INDEX["wrap"]] = 0.2, 0.8
    expected = (0.2 * PREVALENCE["gibbs"] + 0.8 * PREVALENCE["wrap"]) / (
        PREVALENCE["gibbs"] + PREVALENCE["wrap"]
    )
    assert weighted(per_class) == pytest.approx(expected)
    assert set(PREVALENCE) == set(CLASSES)


def test_calibration_finds_the_temperature_and_bias_that_were_put_in() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, 20000)
    truth = rng.random(20000) < sigmoid(honest)

    temperature, bias = platt((honest - 0.5) * 2.0, truth)

    assert temperature == pytest.approx(2.0, rel=0.05)
    assert bias == pytest.approx(0.5, abs=0.1)


def test_calibration_error_is_the_gap_between_said_and_so() -> None:
    said = np.array([0.95] * 10 + [0.05] * 10)
    assert expected_calibration_error(said, np.array([True] * 10 + [False] * 10)) == pytest.approx(0.05)
    assert expected_calibration_error(said, np.array([False] * 20)) == pytest.approx(0.5)


def test_a_simulated_slice_survives_the_shelf() -> None:
    slots, subjects = simulated(phantom_pool(6, 2), 8, seed=3)
    batch = unpacked(slots)

    assert slots.dtype == SLOT
    assert batch.image.shape == (8, 1, 256, 256)
    assert batch.mask.shape == batch.log_visibility.shape == (8, N, 128, 128)
    assert float(batch.image.max()) <= 1.0
    visible = batch.log_visibility[batch.mask & ~batch.band]
    assert float((visible > -0.2).mean()) > 0.9  # inside a mask E is above 1
    assert all(subject.startswith("phantom/") for subject in subjects)


def oracle_and_noise() -> tuple[Answers, CleanAnswers]:
    """Answers of a model that knows motion and guesses the rest."""
    pool = phantom_pool(6, 2)
    slots, subjects = simulated(pool, 40, seed=5)
    rng = np.random.default_rng(1)
    answers = iter(range(0, 40, 16))

    def model(canvases: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = next(answers, 0)
        truth = unpacked(slots[at : at + len(canvases)])
        presence = rng.random((len(canvases), N)).astype(np.float32)
        presence[:, 0] = np.where(truth.presence[:, 0] == 1, 0.9, 0.1)[: len(canvases)]
        return truth.mask * np.float32(0.99), presence, truth.similarity[:, 0]

    asked = ask(model, slots, subjects)
    quiet = np.full((50, N), -3.0)
    return asked, CleanAnswers(quiet, np.full(50, 3.0), np.full(50, "a"), np.zeros((17, N)))


def test_a_perfect_model_has_perfect_figures_and_clean_slices_raise_few_alarms() -> None:
    answers, clean = oracle_and_noise()
    reading = Reading(*choose(answers, clean))

    found = figures(answers, clean, reading)

    assert found["iou_mean"] == pytest.approx(1.0)
    motion = found["class_motion"]
    assert isinstance(motion, dict)
    assert motion["presence_auc"] == pytest.approx(1.0)
    assert motion["clean_alarm"] <= FALSE_ALARMS
    assert found["suitability_auc"] == pytest.approx(1.0, abs=0.05)


def test_clean_slices_are_asked_one_by_one_as_they_are() -> None:
    pool = phantom_pool(6, 3)

    def model(canvases: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n = len(canvases)
        return (
            np.ones((n, N, 128, 128), np.float32),
            np.full((n, N), 0.5, np.float32),
            np.full(n, 0.5, np.float32),
        )

    clean = ask_clean(model, pool)

    assert clean.presence.shape == (18, N)
    assert np.allclose(clean.presence, 0)
    assert np.allclose(clean.masked, 1)
