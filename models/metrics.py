"""Figures of merit: pooled intersection over union, and the area under the receiver's curve."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.classes import CLASSES

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

    def add(
        self, said: NDArray[np.bool_], truth: NDArray[np.bool_], kept: NDArray[np.bool_] | None = None
    ) -> None:
        """Count masks of shape (n, 13, y, x)."""
        both, either = said & truth, said | truth
        if kept is not None:
            both, either = both & kept, either & kept
        self._both += both.sum(axis=(0, 2, 3))
        self._either += either.sum(axis=(0, 2, 3))

    def iou(self) -> NDArray[np.float64]:
        """Return IoU per class, NaN where the class was neither there nor said."""
        return np.where(self._either > 0, self._both / np.maximum(self._either, 1), np.nan)


def weighted(per_class: NDArray[np.float64]) -> float:
    """Return the mean weighted by how often each class is met in the clinic."""
    weights = np.array([PREVALENCE[name] for name in CLASSES])
    known = np.isfinite(per_class)
    return float((per_class[known] * weights[known]).sum() / max(weights[known].sum(), 1e-9))


def auc(score: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Return the area under the curve (Mann-Whitney, ties count half); NaN with one kind only."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))
