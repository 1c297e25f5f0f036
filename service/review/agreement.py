"""How far model and reviewers agree: kappa, precision of alerts, what is missed; pure.

Series come into review with different probabilities: every Check, few of the Usable ones. Each counts with one over its
probability (Horvitz and Thompson 1952), so that the figures speak of all series and not of the reviewed ones. Kappa is
Cohen's (1968), weighted linearly over the three ranks; its interval are percentiles of bootstrap samples of series.
Intervals of shares are Wilson's (1927).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

RANKS = 3
MODEL_RANKS: Mapping[str, int] = {"Usable": 0, "Check": 1, "Repeat": 2}
CHOICE_RANKS: Mapping[str, int] = {"usable": 0, "limits": 1, "unusable": 2}  # limits: usable with limits
SAMPLES = 1000
LEAST = 10  # series below which a bootstrap knows nothing of chance
LEVEL = 0.95
_Z = 1.959964  # of the normal distribution at LEVEL
SEED = 20260101

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; NaN where nothing was counted."""

    value: float
    low: float
    high: float
    n: int  # series that it was counted on

    @property
    def known(self) -> bool:
        """Whether anything was counted."""
        return self.value == self.value


NOTHING = Estimate(float("nan"), float("nan"), float("nan"), 0)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One series that was decided on."""

    model: int | None  # 0 Usable, 1 Check, 2 Repeat; None: not scored
    first: int | None  # 0 usable, 1 with limits, 2 unusable; None: not decided, or handed on
    second: int | None  # the same of the second tier
    weight: float | None  # one over the probability of coming into the queue; None: it came by people

    @property
    def truth(self) -> int | None:
        """The decision of the highest tier."""
        return self.first if self.second is None else self.second


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the decisions say of the model and of the reviewers."""

    reviewed: int  # series with a decision that stands
    objections: int  # of them, that came only because somebody objected: they count for no figure
    model: Estimate  # weighted kappa between model and reviewers
    tiers: Estimate  # weighted kappa between the first tier and the second
    alerts: Estimate  # precision of alerts: how many were of a series that is not plainly usable
    repeats: Estimate  # precision of Repeat: how many were of a series that is unusable
    missed: Estimate  # share of the Usable series that is unusable
    limited: Estimate  # the same, usable with limits
    table: tuple[tuple[int, int, int], ...]  # series by verdict (rows) and decision (columns), not weighed


def agreement(series: Sequence[Reviewed]) -> Agreement:
    """Sum up what was decided."""
    decided = [one for one in series if one.truth is not None]
    counted = [one for one in decided if one.weight is not None and one.model is not None]
    model = np.array([one.model for one in counted], int)
    truth = np.array([one.truth for one in counted], int)
    weights = np.array([one.weight for one in counted], float)
    both = [(one.first, one.second) for one in decided if one.first is not None and one.second is not None]
    tiers = np.array(both, int).reshape(-1, 2)
    table = np.zeros((RANKS, RANKS), int)
    np.add.at(table, (model, truth), 1)
    return Agreement(
        reviewed=len(decided),
        objections=sum(one.weight is None for one in decided),
        model=kappa(model, truth, weights),
        tiers=kappa(tiers[:, 0], tiers[:, 1], np.ones(len(tiers))),
        alerts=share(truth > 0, model > 0, weights),
        repeats=share(truth == 2, model == 2, weights),
        missed=share(truth == 2, model == 0, weights),
        limited=share(truth == 1, model == 0, weights),
        table=tuple((int(row[0]), int(row[1]), int(row[2])) for row in table),
    )


def kappa(one: NDArray[np.int_], other: NDArray[np.int_], weights: Floats) -> Estimate:
    """Give Cohen's kappa with linear weights between two ranks (0..2) of the same series."""
    n = len(one)
    if not n:
        return NOTHING
    cells, counts = np.unique(np.column_stack([one * RANKS + other, weights]), axis=0, return_counts=True)
    drawn = np.vstack([counts, _draws(counts)]) * cells[:, 1]  # (1 + SAMPLES, unique)
    tables = (drawn @ np.eye(RANKS * RANKS)[cells[:, 0].astype(int)]).reshape(-1, RANKS, RANKS)
    values = _kappas(tables / tables.sum(axis=(1, 2), keepdims=True))
    return Estimate(float(values[0]), *_interval(values[1:], n), n)


def _kappas(tables: Floats) -> Floats:
    """Give kappa of tables of shares (samples, RANKS, RANKS); NaN where one rank is all that both gave."""
    ranks = np.arange(RANKS)
    apart = np.abs(ranks[:, None] - ranks) / (RANKS - 1)
    expected = tables.sum(axis=2)[:, :, None] * tables.sum(axis=1)[:, None, :]
    seen, chance = (tables * apart).sum(axis=(1, 2)), (expected * apart).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance > 0, 1 - seen / chance, np.nan))


def mean(values: Floats, weights: Floats) -> Estimate:
    """Give the weighted mean of a figure of each series, with a bootstrap interval over the series."""
    n = len(values)
    if not n:
        return NOTHING
    pairs, counts = np.unique(np.column_stack([values * weights, weights]), axis=0, return_counts=True)
    above, below = (np.vstack([counts, _draws(counts)]) @ pairs).T
    means = above / below
    return Estimate(float(means[0]), *_interval(means[1:], n), n)


def share(counted: Bools, among: Bools, weights: Floats) -> Estimate:
    """Give which weighted share of ``among`` is ``counted``, with Wilson's interval at the effective number.

    That number, (sum of w)^2 / (sum of w^2), is what series of different weights are worth (Kish 1965).
    """
    of = weights[among]
    if not len(of):
        return NOTHING
    p, n, z2 = float(of[counted[among]].sum() / of.sum()), float(of.sum() ** 2 / (of**2).sum()), _Z * _Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Estimate(p, max(0.0, middle - half), min(1.0, middle + half), len(of))


def _draws(counts: NDArray[np.int_]) -> Floats:
    """Give how often each kind of series is in each bootstrap sample, (SAMPLES, kinds); always the same."""
    n = int(counts.sum())
    return np.random.default_rng(SEED).multinomial(n, counts / n, SAMPLES).astype(float)


def _interval(values: Floats, n: int) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known) or n < LEAST:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
