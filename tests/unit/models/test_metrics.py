"""Figures of merit and operating points, on numbers that can be worked out by hand."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from inference.segmenter import Prediction
from models.answers import MASK_GRID, Answers, CleanAnswers, ask, ask_clean, count
from models.classes import CLASSES, INDEX
from models.dataset import phantom_pool
from models.figures import bins_of, measure
from models.metrics import (
    PREVALENCE,
    Overlap,
    area,
    auc,
    average_precision,
    calibration_error,
    dice,
    share,
    weighted,
)
from models.operating import FALSE_ALARMS, calibrated, choose, halves, platt, sigmoid, tempered
from models.resampling import figure, resampling
from models.shelf import SLOT, Batch, unpacked
from models.trial import drawn

N = len(CLASSES)
ONCE = np.ones((1, 4))


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


def test_counted_pixels_give_the_overlap_at_every_threshold() -> None:
    rng = np.random.default_rng(4)
    masks = rng.random((2, N, 8, 8), dtype=np.float32)
    truth, band = rng.random((2, N, 8, 8)) < 0.4, rng.random((2, N, 8, 8)) < 0.3
    nothing = np.zeros((2, 1, 16, 16), dtype=np.float32)
    known, alike = np.zeros((2, N), np.int8), np.ones((2, 2), np.float32)
    batch = Batch(nothing, masks, truth, band, known, alike, np.zeros((2, 8, 8), np.int8))
    answers = asked_with(count(masks, batch))

    for row, threshold in enumerate(MASK_GRID):
        for strict, kept in ((True, np.ones_like(band)), (False, ~band)):
            both, either = answers.overlap(row, strict=strict)
            overlap = Overlap()
            overlap.add(masks >= np.float32(threshold), truth, kept)
            assert np.allclose(both.sum(axis=0) / either.sum(axis=0), overlap.iou())


def asked_with(pixels: np.ndarray) -> Answers:
    n = len(pixels)
    blank = np.zeros((n, N))
    return Answers(
        pixels=pixels,
        presence=blank,
        suitability=np.zeros(n),
        outlier=np.zeros(n),
        present=blank.astype(np.int8),
        severity=blank.astype(np.float32),
        similarity=np.ones((n, 2), np.float32),
        subject=np.full(n, "a"),
    )


def test_dice_follows_from_the_iou_of_the_same_pixels() -> None:
    assert dice(np.array([0.0, 1 / 3, 1.0])) == pytest.approx([0.0, 0.5, 1.0])


def test_the_area_under_the_curve_counts_pairs() -> None:
    score = np.array([0.1, 0.4, 0.4, 0.8])
    truth = np.array([False, False, True, True])
    assert auc(score, truth) == pytest.approx(3.5 / 4)
    assert np.isnan(auc(score, np.ones(4, dtype=bool)))
    assert area(score, truth, np.array([[1.0, 0.0, 1.0, 1.0]]))[0] == pytest.approx(1.0)
    assert area(score, truth, np.array([[1.0, 3.0, 1.0, 0.0]]))[0] == pytest.approx(2.5 / 4)


def test_average_precision_is_the_mean_precision_at_each_positive() -> None:
    score = np.array([0.9, 0.8, 0.7, 0.6])
    assert average_precision(score, np.array([True, False, True, False]), ONCE)[0] == pytest.approx(
        (1 + 2 / 3) / 2
    )
    assert average_precision(np.zeros(4), np.array([True, False, False, False]), ONCE)[0] == pytest.approx(
        0.25
    )


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
    assert tempered(honest * 2.0, truth)[0] == pytest.approx(2.0, rel=0.05)


def test_the_bias_is_taken_where_it_serves_subjects_that_it_was_not_fitted_on() -> None:
    rng = np.random.default_rng(0)
    honest, subject = rng.normal(0, 2, 4000), np.repeat(["a", "b"], 2000)
    truth = rng.random(4000) < sigmoid(honest)
    foreign = honest + np.where(subject == "a", 1.0, -1.0)  # a bias that does not carry over

    assert calibrated(honest - 2.0, truth, subject)[1] == pytest.approx(2.0, abs=0.2)
    assert calibrated(foreign, truth, subject)[1] == 0.0


def test_the_halves_share_no_subject_and_none_is_empty() -> None:
    subject = np.repeat(["a", "b", "c", "d"], [50, 30, 15, 5])
    cuts = halves(subject)

    assert len({tuple(np.unique(subject[first])) for first in cuts}) > 1
    for first in cuts:
        assert set(subject[first]).isdisjoint(subject[~first])
        assert 20 <= first.sum() <= 80


def test_calibration_error_is_the_gap_between_said_and_so() -> None:
    said, once = np.array([0.95] * 10 + [0.05] * 10), np.ones((1, 20))
    assert calibration_error(said, np.array([True] * 10 + [False] * 10), once)[0] == pytest.approx(0.05)
    assert calibration_error(said, np.array([False] * 20), once)[0] == pytest.approx(0.5)


def test_intervals_draw_subjects_and_not_slices() -> None:
    subject = np.repeat(["a", "b"], [90, 10])
    resamples = resampling(subject)
    found = figure(share(subject == "a", resamples.weights(subject)))

    assert found.value == pytest.approx(0.9)
    assert (found.low, found.high) == (0.0, 1.0)  # of two subjects often the same one is drawn twice
    assert np.array_equal(resamples.counts, resampling(subject).counts)
    with pytest.raises(ValueError, match="unknown subject"):
        resamples.weights(np.array(["c"]))


def test_severities_fall_into_bins_and_nothing_planted_into_none() -> None:
    assert bins_of(np.array([0.0, 0.8, 1.29, 1.31, 3.4])).tolist() == [-1, 0, 0, 1, 2]


def test_a_trial_follows_from_its_seed_and_every_class_is_drawn_alike_often() -> None:
    pool = phantom_pool(6, 2)
    trial, again = drawn(pool, 60, seed=3), drawn(pool, 20, seed=3)
    batch = unpacked(trial.slots)

    assert trial.slots.dtype == SLOT
    assert np.array_equal(trial.slots[:20]["image"], again.slots["image"])
    assert np.array_equal(trial.severity[:20], again.severity)
    assert not np.array_equal(trial.severity[:20], drawn(pool, 20, seed=4).severity)
    assert batch.image.shape == (60, 1, 256, 256)
    assert batch.mask.shape == batch.log_visibility.shape == (60, N, 128, 128)
    visible = batch.log_visibility[batch.mask & ~batch.band]
    assert float((visible > -0.2).mean()) > 0.9  # inside a mask E is above 1
    planted = (trial.severity > 0).sum(axis=1)
    assert set(planted.tolist()) == {0, 1, 2, 3}
    assert 0.8 <= trial.severity[trial.severity > 0].min() <= trial.severity.max() <= 3.4
    assert all(subject.startswith("phantom/") for subject in trial.subject)


@cache
def oracle_and_noise() -> tuple[Answers, CleanAnswers]:
    """Answers of a model that knows masks and motion, and guesses the rest."""
    pool = phantom_pool(6, 2)
    trial = drawn(pool, 40, seed=5)
    rng = np.random.default_rng(1)
    parts = iter(range(0, 40, 16))

    def model(canvases: np.ndarray) -> Prediction:
        at = next(parts)
        truth = unpacked(trial.slots[at : at + len(canvases)])
        presence = rng.random((len(canvases), N)).astype(np.float32)
        presence[:, 0] = np.where(truth.presence[:, 0] == 1, 0.9, 0.1)
        masks, near = truth.mask * np.float32(0.99), np.ones(len(canvases), np.float32)
        return Prediction(masks, presence, truth.similarity[:, 0], near)

    asked = ask(model, trial)
    quiet = np.full((50, N), -3.0)
    return asked, CleanAnswers(quiet, np.full(50, 3.0), np.arange(50.0), np.full(50, asked.subject[0]))


def test_a_perfect_model_has_perfect_figures_and_clean_slices_raise_few_alarms() -> None:
    answers, clean = oracle_and_noise()

    found = measure(answers, clean, choose(answers, clean), resampling(answers.subject))

    assert found.whole["iou_mean"] == pytest.approx(1.0)  # in every resample
    assert found.whole["dice_strict_mean"] == pytest.approx(1.0)
    motion = found.classes["motion"]
    assert motion["presence_auc"][0] == pytest.approx(1.0)
    assert motion["presence_ap"][0] == pytest.approx(1.0)
    assert motion["clean_alarm"][0] <= FALSE_ALARMS
    assert found.whole["suitability_auc"][0] == pytest.approx(1.0, abs=0.05)
    assert 0.3 < found.whole["presence_auc_macro"][0] < 0.75  # twelve of thirteen are guessed
    assert sum(found.severities["motion"]["slices"]) == motion["slices_present"][0]


def test_clean_slices_are_asked_as_they_are() -> None:
    pool = phantom_pool(6, 3)

    def model(canvases: np.ndarray) -> Prediction:
        n = len(canvases)
        even, near = np.full((n, N), 0.5, np.float32), np.ones(n, np.float32)
        return Prediction(np.ones((n, N, 128, 128), np.float32), even, canvases.mean(axis=(1, 2, 3)), near)

    clean = ask_clean(model, pool)

    assert clean.presence.shape == (18, N)
    assert np.allclose(clean.presence, 0)
    assert sigmoid(clean.suitability[4:5])[0] == pytest.approx(float(pool.image(4).mean()), abs=1e-4)


def test_what_is_too_far_is_chosen_on_validation_slices() -> None:
    answers, clean = oracle_and_noise()
    near = replace(answers, outlier=np.linspace(0.0, 2.0, 40))

    assert choose(answers, clean).outlier == pytest.approx(48.51)  # what 1 % of the clean ones exceed
    assert choose(near, replace(clean, outlier=np.zeros(50))).outlier == pytest.approx(1.98)
    assert choose(near, replace(clean, subject=np.full(50, "of training"))).outlier == pytest.approx(1.98)


def test_clean_slices_that_may_have_been_trained_on_calibrate_nothing() -> None:
    answers, clean = oracle_and_noise()
    many = replace(clean, suitability=np.full(50, -9.0), subject=np.full(50, "of training"))

    assert (
        choose(answers, many).suitability
        == choose(answers, replace(many, suitability=np.full(50, 9.0))).suitability
    )
    assert (
        choose(answers, clean).suitability
        != choose(answers, replace(clean, suitability=-clean.suitability)).suitability
    )
