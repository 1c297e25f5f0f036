"""Trends: what is measured over time, which limits it should keep, and whether it drifts. All of it is pure."""

from service.trends.control import (
    EWMA_WEIGHT,
    EWMA_WIDTH,
    Chart,
    Limits,
    Point,
    Rule,
    Signal,
    chart_of,
    limits_of,
)
from service.trends.drift import Drift, drift_of
from service.trends.measures import DRIFTING, MEASURES, Measure, measure_of

__all__ = [
    "DRIFTING",
    "EWMA_WEIGHT",
    "EWMA_WIDTH",
    "MEASURES",
    "Chart",
    "Drift",
    "Limits",
    "Measure",
    "Point",
    "Rule",
    "Signal",
    "chart_of",
    "drift_of",
    "limits_of",
    "measure_of",
]
