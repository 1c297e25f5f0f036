"""Control charts: the individuals chart and the EWMA chart, with the rules that tell a signal from chance.

Individuals: NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2; EWMA: 6.3.2.4, and Montgomery, Introduction to
Statistical Quality Control, 7th ed., 9.2 (limits that widen from the start, equations 9.25 and 9.26). Rules: Western
Electric, Statistical Quality Control Handbook (1956), as the e-Handbook lists them in 6.3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import inf, sqrt
from statistics import fmean

D2 = 1.128  # mean range of two values from a normal distribution, in its SD: 3 / D2 is the factor 2.66
THREE = 3.0  # SD of a control limit
EWMA_WEIGHT = 0.2  # lambda: how much the newest value counts
EWMA_WIDTH = (
    2.962  # L: with that lambda a chart in control signals once in 500 points (Montgomery, table 9.11)
)
FEWEST = 8  # points that limits are made of
USUAL = 25  # points of a baseline that nobody chose
RUN = 8  # points on one side of the centre


class Rule(StrEnum):
    """What a point may break."""

    BEYOND = "beyond"  # one point beyond three SD
    TWO_OF_THREE = "two of three"  # beyond two SD on one side
    FOUR_OF_FIVE = "four of five"  # beyond one SD on one side
    EIGHT = "eight"  # in a row on one side of the centre
    EWMA = "ewma"  # the weighted mean beyond its own limits


@dataclass(frozen=True, slots=True)
class Limits:
    """Centre and limits of an individuals chart."""

    centre: float
    sigma: float  # mean moving range / 1.128
    lower: float
    upper: float
    n: int  # points of the baseline


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule that a point breaks, and to which side."""

    rule: Rule
    high: bool


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a chart; EWMA and limits are None where there is no baseline, or the point counts too little."""

    value: float
    ewma: float | None = None
    ewma_lower: float | None = None
    ewma_upper: float | None = None
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """The points in their order, the limits, and which points the limits are made of."""

    points: tuple[Point, ...]
    limits: Limits | None  # None where the baseline has too few points
    baseline: tuple[int, ...]  # positions


def limits_of(values: Sequence[float], floor: float = -inf, ceiling: float = inf) -> Limits:
    """Give centre and limits from the moving ranges of a baseline of at least two values.

    Limits do not leave `floor` and `ceiling`: a share has no values below 0. Raises ValueError for fewer values.
    """
    if len(values) < 2:
        raise ValueError("a moving range needs two values")
    centre = fmean(values)
    sigma = fmean(abs(after - before) for before, after in pairwise(values)) / D2
    return Limits(
        centre=centre,
        sigma=sigma,
        lower=max(floor, centre - THREE * sigma),
        upper=min(ceiling, centre + THREE * sigma),
        n=len(values),
    )


def ewma_of(values: Sequence[float], start: float, weight: float = EWMA_WEIGHT) -> list[float]:
    """Give the exponentially weighted moving average after each value, begun at `start`."""
    found: list[float] = []
    for value in values:
        start = weight * value + (1 - weight) * start
        found.append(start)
    return found


def ewma_reach(
    sigma: float, count: int, weight: float = EWMA_WEIGHT, width: float = EWMA_WIDTH
) -> list[float]:
    """Give how far the EWMA may lie from the centre after each of `count` values."""
    settled = width * sigma * sqrt(weight / (2 - weight))
    return [settled * sqrt(1 - (1 - weight) ** (2 * place)) for place in range(1, count + 1)]


def signals_of(values: Sequence[float], limits: Limits) -> list[tuple[Signal, ...]]:
    """Tell which rules each value breaks together with those before it.

    Without any variation in the baseline there are no zones: only a value beyond the limits is told.
    """
    return [
        tuple(
            Signal(rule, high)
            for high in (True, False)
            for rule in _broken(
                [
                    (value - limits.centre) * (1 if high else -1)
                    for value in values[max(0, at - RUN + 1) : at + 1]
                ],
                limits.sigma,
                (limits.upper - limits.centre) if high else (limits.centre - limits.lower),
            )
        )
        for at in range(len(values))
    ]


def _broken(ahead: Sequence[float], sigma: float, reach: float) -> list[Rule]:
    """Give the rules that the last of some distances from the centre breaks; positive is the side in question."""
    last = ahead[-1]
    if last <= 0:
        return []
    found = [Rule.BEYOND] if last > reach else []
    if sigma == 0:
        return found
    zones = ((Rule.TWO_OF_THREE, 2, 3, 2 * sigma), (Rule.FOUR_OF_FIVE, 4, 5, sigma))
    for rule, most, of, beyond in zones:
        if last > beyond and len(ahead) >= of and sum(each > beyond for each in ahead[-of:]) >= most:
            found.append(rule)
    if len(ahead) >= RUN and all(each > 0 for each in ahead[-RUN:]):
        found.append(Rule.EIGHT)
    return found


def chart_of(
    values: Sequence[float],
    *,
    counts: Sequence[bool] | None = None,
    baseline: Sequence[bool] | None = None,
    floor: float = -inf,
    ceiling: float = inf,
) -> Chart:
    """Draw up the chart of values in their order.

    `counts` says which points stand on enough series; the others are shown and say nothing. `baseline` says which
    of them make the limits; where nobody chose, the first 25 do, or the first half of fewer.
    """
    solid = [at for at in range(len(values)) if counts is None or counts[at]]
    chosen = (
        [at for at in solid if baseline[at]]
        if baseline is not None
        else solid[: min(USUAL, max(FEWEST, len(solid) // 2))]
    )
    if len(chosen) < FEWEST:
        return Chart(tuple(Point(value) for value in values), None, ())
    limits = limits_of([values[at] for at in chosen], floor, ceiling)
    heard = [values[at] for at in solid]
    averages, reach = ewma_of(heard, limits.centre), ewma_reach(limits.sigma, len(heard))
    points = [Point(value) for value in values]
    for at, average, far, broken in zip(solid, averages, reach, signals_of(heard, limits), strict=True):
        lower, upper = max(floor, limits.centre - far), min(ceiling, limits.centre + far)
        strayed = () if lower <= average <= upper else (Signal(Rule.EWMA, average > upper),)
        points[at] = Point(values[at], average, lower, upper, (*broken, *strayed))
    return Chart(tuple(points), limits, tuple(chosen))
