"""Drift: how far the values of late lie from those before, as a whole distribution and not in their mean alone.

Population stability index: Siddiqi, Credit Risk Scorecards (2006), 0.25 and above being a major shift. Kolmogorov and
Smirnov: the largest distance of two empirical distributions; its tail as Stephens (1970) gives it, with the correction
for finite samples that Numerical Recipes, 3rd ed., 14.3.3, lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
import numpy.typing as npt

BINS = 10  # tenths of the values before
FEWEST = 100  # values on each side: with fewer, chance alone makes an index of 0.2
MAJOR = 0.25  # the index of a major shift
UNLIKELY = 0.001  # what chance may bring about
_TERMS = 101

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drift:
    """Two samples compared."""

    psi: float
    ks: float  # 0..1
    p: float  # of at least such a distance where nothing has changed
    n_before: int
    n_now: int
    before: float  # medians
    now: float

    @property
    def alarm(self) -> bool:
        """Whether the shift is a major one, and hardly of chance."""
        return self.psi >= MAJOR and self.p < UNLIKELY


def drift_of(before: Sequence[float], now: Sequence[float]) -> Drift | None:
    """Compare the values of late with those before; None where either are too few."""
    if min(len(before), len(now)) < FEWEST:
        return None
    old, new = np.sort(np.asarray(before, np.float64)), np.sort(np.asarray(now, np.float64))
    distance = ks_distance(old, new)
    return Drift(
        psi=stability_index(old, new),
        ks=distance,
        p=ks_tail(distance, len(old), len(new)),
        n_before=len(old),
        n_now=len(new),
        before=float(np.median(old)),
        now=float(np.median(new)),
    )


def stability_index(before: Values, now: Values) -> float:
    """Give the population stability index over the tenths of the values before, half a value added to each tenth."""
    edges = np.unique(np.quantile(before, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = []
    for values in (before, now):
        counted = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1) + 0.5
        shares.append(counted / counted.sum())
    old, new = shares
    return float(((new - old) * np.log(new / old)).sum())


def ks_distance(before: Values, now: Values) -> float:
    """Give the largest distance between the two empirical distributions; both sorted."""
    both = np.concatenate((before, now))
    old = np.searchsorted(before, both, side="right") / len(before)
    new = np.searchsorted(now, both, side="right") / len(now)
    return float(np.abs(old - new).max())


def ks_tail(distance: float, n: int, m: int) -> float:
    """Give the probability of at least such a distance between samples of one distribution."""
    root = sqrt(n * m / (n + m))
    x = (root + 0.12 + 0.11 / root) * distance
    if x < 0.2:  # the series converges too slowly there, and is 1 to ten digits
        return 1.0
    terms = ((1.0 if k % 2 else -1.0) * exp(-2 * (k * x) ** 2) for k in range(1, _TERMS))
    return min(1.0, max(0.0, 2 * sum(terms)))
