"""The thresholds of a scanner and protocol: which are in force, and what others would have said of past series; pure.

Others are chosen on the older two thirds of the series that people have decided on, and measured on the newer third:
figures of the series that a choice was made on flatter it. What an error costs is said by the site.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.score import QualityScore
from inference.verdict import Thresholds, Verdict, verdict_of
from service.review.agreement import CHOICE_RANKS, MODEL_RANKS, Estimate, mean, share
from service.review.views import Choice
from service.rules import Circumstances, softened

USABLE_INDEX = tuple(np.arange(4.0, 9.01, 0.25).round(2).tolist())
REPEAT_INDEX = tuple(np.arange(1.0, 6.01, 0.25).round(2).tolist())
REPEAT_SUITABILITY = tuple(np.arange(0.05, 0.751, 0.05).round(2).tolist())
LEAST = 30  # decided series before anything is suggested
CHOSEN_ON = 2 / 3  # of them, the older ones

Floats = NDArray[np.float64]


class TooFew(ValueError):
    """Too few series of this protocol were decided on."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What a series is judged by."""

    live: Thresholds
    number: int = 0  # of the accepted version; 0: those of the settings
    shadow: Thresholds | None = None  # kept beside it, for comparison
    shadow_number: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PastSeries:
    """A series that was judged before."""

    quality: QualityScore
    around: Circumstances
    decided: Choice | None = None  # None: nobody has decided on it
    weight: float = 0.0  # one over the probability of coming into the queue; 0: it counts for no figure

    def verdict(self, thresholds: Thresholds) -> Verdict:
        """Give the verdict that other thresholds would have given."""
        return softened(verdict_of(self.quality, thresholds), self.around)


@dataclass(frozen=True, slots=True)
class Figures:
    """What thresholds say of the same series."""

    alerts: int  # Check and Repeat, among all past series
    repeats: int  # Repeat alone
    precision: Estimate  # of alerts: how many were not plainly usable
    missed: Estimate  # of what is unusable: how much was called Usable
    cost: float  # of errors, for each series


@dataclass(frozen=True, slots=True)
class Trial:
    """Two sets of thresholds on the same past series: what is in force, and what is tried."""

    before: Thresholds
    after: Thresholds
    n_past: int  # all judged series of the protocol in the time looked at
    n_decided: int  # those of them that the figures were measured on
    was: Figures
    would: Figures
    saves: Estimate  # cost for each series that the tried ones save; below zero: they cost more

    @property
    def clear(self) -> bool:
        """Whether it is better beyond chance."""
        return self.saves.low > 0


def suggest(past: Sequence[PastSeries], present: Thresholds, miss_cost: float) -> Trial:
    """Choose on the older decided series and measure on the newer ones. ``past``: the oldest first.

    Raises TooFew.
    """
    decided = _counted(past)
    if len(decided) < LEAST:
        raise TooFew(TooFew.__doc__)
    edge = round(len(decided) * CHOSEN_ON)
    return try_out(past, present, _best(decided[:edge], present, miss_cost), miss_cost, decided[edge:])


def try_out(
    past: Sequence[PastSeries],
    present: Thresholds,
    other: Thresholds,
    miss_cost: float,
    measured: Sequence[PastSeries] | None = None,
) -> Trial:
    """Measure other thresholds on past series: on ``measured``, or on all that people have decided on.

    Raises TooFew where there is none.
    """
    decided = _counted(past) if measured is None else list(measured)
    if not decided:
        raise TooFew(TooFew.__doc__)
    weights, truth = _weights(decided), _truth(decided)
    was, would = _ranks(decided, present), _ranks(decided, other)
    saved = _costs(was, truth, miss_cost) - _costs(would, truth, miss_cost)
    return Trial(
        before=present,
        after=other,
        n_past=len(past),
        n_decided=len(decided),
        was=_figures(past, present, was, truth, weights, miss_cost),
        would=_figures(past, other, would, truth, weights, miss_cost),
        saves=mean(saved, weights),
    )


def _figures(
    past: Sequence[PastSeries],
    thresholds: Thresholds,
    ranks: Floats,
    truth: Floats,
    weights: Floats,
    miss_cost: float,
) -> Figures:
    said = [one.verdict(thresholds) for one in past]
    return Figures(
        alerts=sum(verdict in {Verdict.CHECK, Verdict.REPEAT} for verdict in said),
        repeats=sum(verdict is Verdict.REPEAT for verdict in said),
        precision=share(truth > 0, ranks > 0, weights),
        missed=share(ranks == 0, truth == 2, weights),
        cost=float(np.average(_costs(ranks, truth, miss_cost), weights=weights)),
    )


def _best(decided: Sequence[PastSeries], present: Thresholds, miss_cost: float) -> Thresholds:
    """Go through one threshold after the other until none gets better; of equals the one nearest to the present."""
    weights, truth = _weights(decided), _truth(decided)

    def cost(thresholds: Thresholds) -> float:
        return float(np.average(_costs(_ranks(decided, thresholds), truth, miss_cost), weights=weights))

    best = present
    for _ in range(3):
        before = best
        for candidates in _steps:
            tried = [one for one in candidates(best) if one.repeat_index <= one.usable_index]
            best = min([best, *tried], key=lambda one: (round(cost(one), 9), _distance(one, present)))
        if best == before:
            break
    return best


_steps: tuple[Callable[[Thresholds], list[Thresholds]], ...] = (
    lambda t: [Thresholds(value, t.repeat_index, t.repeat_suitability) for value in USABLE_INDEX],
    lambda t: [Thresholds(t.usable_index, value, t.repeat_suitability) for value in REPEAT_INDEX],
    lambda t: [Thresholds(t.usable_index, t.repeat_index, value) for value in REPEAT_SUITABILITY],
)


def _distance(one: Thresholds, other: Thresholds) -> float:
    return (
        abs(one.usable_index - other.usable_index)
        + abs(one.repeat_index - other.repeat_index)
        + 10 * abs(one.repeat_suitability - other.repeat_suitability)
    )


def _counted(past: Sequence[PastSeries]) -> list[PastSeries]:
    """Give what can be counted: decided on, scored, and come into the queue with a known probability."""
    return [one for one in past if one.decided in CHOICE_RANKS and one.weight > 0 and one.quality.scored]


def _weights(decided: Sequence[PastSeries]) -> Floats:
    return np.array([one.weight for one in decided])


def _truth(decided: Sequence[PastSeries]) -> Floats:
    return np.array([CHOICE_RANKS[one.decided] for one in decided if one.decided is not None], float)


def _ranks(decided: Sequence[PastSeries], thresholds: Thresholds) -> Floats:
    return np.array([MODEL_RANKS[one.verdict(thresholds)] for one in decided], float)


def _costs(ranks: Floats, truth: Floats, miss_cost: float) -> Floats:
    """Give the cost of each series: a step too strict costs one, a step too lenient ``miss_cost``."""
    off = ranks - truth
    return np.where(off > 0, off, -miss_cost * off)


def thresholds_of(values: Mapping[str, Any]) -> Thresholds:
    """Rebuild thresholds as they are kept."""
    return Thresholds(**values)
