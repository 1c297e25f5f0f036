"""Confidence intervals by subject: a figure is computed with every slice counted once, and with subjects drawn anew."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Floats

DRAWS = 400
SEED = 303
TAILS = (2.5, 97.5)  # percentiles


@dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """How often each subject counts: the first row once each, every other row as drawn with replacement."""

    subjects: NDArray[np.str_]  # (s,) sorted
    counts: Floats  # (1 + draws, s)

    def weights(self, subject: NDArray[np.str_]) -> Floats:
        """Return the weights of slices (1 + draws, n). Raises ValueError on a subject that is not among them."""
        if not np.isin(subject, self.subjects).all():
            raise ValueError("a slice of an unknown subject")
        return self.counts[:, np.searchsorted(self.subjects, subject)]


def resampling(subject: NDArray[np.str_], draws: int = DRAWS) -> Resampling:
    """Return the resamples of the subjects named."""
    subjects = np.unique(subject)
    rng = np.random.default_rng(SEED)
    drawn = rng.multinomial(len(subjects), np.full(len(subjects), 1 / len(subjects)), size=draws)
    counts = np.concatenate([np.ones((1, len(subjects))), drawn.astype(np.float64)])
    return Resampling(subjects, counts)


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its interval; NaN where nothing could be measured."""

    value: float
    low: float
    high: float


def figure(rows: Floats) -> Figure:
    """Return the first row as the value, and the interval of the others that could be computed."""
    drawn = rows[1:][np.isfinite(rows[1:])]
    if not len(drawn):
        return Figure(float(rows[0]), float("nan"), float("nan"))
    low, high = np.percentile(drawn, TAILS)
    return Figure(float(rows[0]), float(low), float(high))
