"""Figures of merit. All count slices by weights (draws, n): one call gives a figure and its resamples."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.classes import CLASSES

Floats = NDArray[np.float64]
Bits = NDArray[np.bool_]

BINS = 10  # of a calibration error, of equal width

# How often readers named each class: PREDICT-HD for the counts; the last six are assumed.
PREVALENCE: Mapping[str, float] = {
    "gibbs": 1286,
    "flow": 888,
    "bias": 585,
    "motion": 347,
    "susceptibility": 187,
    "ghost": 174,
    "wrap": 28,
    "noise": 300,
    "fatsat": 100,
    "parallel": 60,
    "chemshift": 30,
    "spike": 10,
    "zipper": 10,
}


class Overlap:
    """Counts of pixels per class, pooled over slices; `kept` leaves the band out."""

    def __init__(self) -> None:
        self._both = np.zeros(len(CLASSES))
        self._either = np.zeros(len(CLASSES))

    def add(self, said: Bits, truth: Bits, kept: Bits | None = None) -> None:
        """Count masks of shape (n, 13, y, x)."""
        both, either = said & truth, said | truth
        if kept is not None:
            both, either = both & kept, either & kept
        self._both += both.sum(axis=(0, 2, 3))
        self._either += either.sum(axis=(0, 2, 3))

    def iou(self) -> Floats:
        """Return IoU per class, NaN where the class was neither there nor said."""
        return ratio(self._both, self._either)


def ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, NaN where the whole is empty."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def dice(iou: Floats) -> Floats:
    """Return the Dice coefficient of the same pixels."""
    return np.asarray(2 * iou / (1 + iou), dtype=np.float64)


def mean(per_class: Floats) -> Floats:
    """Return the mean over the classes (last axis) that have a figure."""
    known = np.isfinite(per_class)
    return ratio(np.where(known, per_class, 0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def by_prevalence(per_class: Floats) -> Floats:
    """Return the mean over the classes (last axis) weighted by how often each is met in the clinic."""
    known = np.isfinite(per_class)
    weights = np.where(known, np.array([PREVALENCE[name] for name in CLASSES]), 0)
    return ratio((np.where(known, per_class, 0) * weights).sum(axis=-1), weights.sum(axis=-1))


def weighted(per_class: Floats) -> float:
    """Return `by_prevalence` of one row."""
    return float(by_prevalence(per_class))


def auc(score: NDArray[np.floating], truth: Bits) -> float:
    """Return the area under the curve (Mann-Whitney, ties count half); NaN with one kind only."""
    return float(area(score, truth, np.ones((1, len(score))))[0])


def area(score: NDArray[np.floating], truth: Bits, weights: Floats) -> Floats:
    """Return the area under the curve for each row of weights (draws,)."""
    positives, negatives = _grouped(score, truth, weights)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    return ratio((positives * below).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def average_precision(score: NDArray[np.floating], truth: Bits, weights: Floats) -> Floats:
    """Return the average precision for each row of weights (draws,)."""
    positives, negatives = (part[:, ::-1] for part in _grouped(score, truth, weights))
    found = np.cumsum(positives, axis=1)
    precision = np.nan_to_num(ratio(found, found + np.cumsum(negatives, axis=1)))
    return ratio((positives * precision).sum(axis=1), positives.sum(axis=1))


def share(said: Bits, weights: Floats) -> Floats:
    """Return how many were said, for each row of weights (draws,)."""
    return ratio(weights @ said.astype(np.float64), weights.sum(axis=1))


def calibration_error(probability: Floats, truth: Bits, weights: Floats) -> Floats:
    """Return the mean gap between said and so over bins of equal width (Naeini et al. 2015), per row of weights."""
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = [np.abs(weights[:, place == b] @ (probability - truth)[place == b]) for b in range(BINS)]
    return ratio(np.sum(gaps, axis=0), weights.sum(axis=1))


def _grouped(score: NDArray[np.floating], truth: Bits, weights: Floats) -> tuple[Floats, Floats]:
    """Sum the weights of positives and of negatives over equal scores, lowest first: (draws, groups) each."""
    if not len(score):
        return np.zeros((len(weights), 1)), np.zeros((len(weights), 1))
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf) > 0)
    ordered = weights[:, order]
    return (
        np.add.reduceat(ordered * truth[order], starts, axis=1),
        np.add.reduceat(ordered * ~truth[order], starts, axis=1),
    )
