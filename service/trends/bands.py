"""Reference bands: where a metric lies in the usable series of one scanner and protocol."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from inference.evidence import Reading

FEWEST = 60  # series: of 59 the least is below the 5th percentile with 95 % confidence (1 - 0.95 ** 59)
LOW, MIDDLE, HIGH = 0.05, 0.50, 0.95


@dataclass(frozen=True, slots=True)
class OwnBand:
    """The 5th, 50th and 95th percentile of a metric's medians."""

    low: float
    middle: float
    high: float
    n: int  # series


def band_of(metric: str, values: Iterable[float | None]) -> OwnBand | None:
    """Give the band of a metric to its significant digits; None where too few series have a value."""
    known = np.array([value for value in values if value is not None], np.float64)
    if len(known) < FEWEST:
        return None
    low, middle, high = (
        Reading.of(metric, float(value)).value or 0.0 for value in np.quantile(known, (LOW, MIDDLE, HIGH))
    )
    return OwnBand(low, middle, high, len(known))
