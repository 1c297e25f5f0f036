"""What the web does in review: the queue, the figures, the thresholds; all of it may block."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from math import isnan
from typing import Any

from inference.verdict import Thresholds
from service.ledger.review import ReviewBook
from service.ledger.thresholds import NoSuchProtocol, ThresholdBook
from service.naming import Screening
from service.review.agreement import Agreement, Estimate, agreement
from service.review.threshold_views import ProtocolView, TrialView
from service.review.thresholds import Figures, Trial, suggest, try_out
from service.settings_review import Review

DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Reviewing:
    """The rooms and rules of review."""

    book: ReviewBook
    thresholds: ThresholdBook
    screen: Screening
    samples: Callable[
        [int, int], tuple[list[dict[str, Any]], int | None]
    ]  # limit, after; and what to go on after
    rules: Review = field(default_factory=Review)
    clock: Callable[[], float] = time.time

    def since(self, days: float) -> float:
        """Give the point in time that lies so many days back."""
        return self.clock() - days * DAY_S

    def agreement(self, days: float, scanner: str = "", protocol: str = "") -> Agreement:
        """Sum up what was decided in the last days."""
        return agreement(self.book.reviewed(self.since(days), scanner, protocol))

    def protocol(self, protocol: str, days: float) -> ProtocolView:
        """Give one protocol. Raises NoSuchProtocol."""
        found = self.thresholds.protocol(protocol, self.since(days))
        if found is None:
            raise NoSuchProtocol(NoSuchProtocol.__doc__)
        return found

    def suggested(self, protocol: str, days: float, author: str) -> TrialView:
        """Look for better thresholds on past series, and note the trial. Raises NoSuchProtocol and TooFew."""
        present = self.protocol(protocol, days).in_force.live
        trial = suggest(self.thresholds.past(protocol, self.since(days)), present, self.rules.miss_cost)
        return self._noted(protocol, trial, days, author)

    def tried(self, protocol: str, other: Thresholds, days: float, author: str) -> TrialView:
        """Try thresholds on past series, and note the trial. Raises NoSuchProtocol and TooFew."""
        present = self.protocol(protocol, days).in_force.live
        past = self.thresholds.past(protocol, self.since(days))
        return self._noted(protocol, try_out(past, present, other, self.rules.miss_cost), days, author)

    def _noted(self, protocol: str, trial: Trial, days: float, author: str) -> TrialView:
        figures = trial_json(trial) | {"days": days, "miss_cost": self.rules.miss_cost}
        return self.thresholds.tried(protocol, trial.after, figures, author)


def trial_json(trial: Trial) -> dict[str, Any]:
    """Give a trial as plain values."""
    return {
        "before": asdict(trial.before),
        "n_past": trial.n_past,
        "n_decided": trial.n_decided,
        "was": _figures_json(trial.was),
        "would": _figures_json(trial.would),
        "saves": _plain(trial.saves),
        "clear": trial.clear,
    }


def _figures_json(figures: Figures) -> dict[str, Any]:
    return asdict(figures) | {"precision": _plain(figures.precision), "missed": _plain(figures.missed)}


def _plain(figure: Estimate) -> dict[str, float | None]:
    """Give a figure as JSON can hold it, which knows no NaN."""
    return {name: None if isnan(value) else value for name, value in asdict(figure).items()}
