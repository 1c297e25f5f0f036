"""What is learnt of many series now and then: reference bands, and whether what a scanner gives drifts."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from service.ledger import Bands, Drifts, Trends
from service.metrics import Metrics

DAY_S = 86400.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lessons:
    """Learns once a day, and shows the figures of the last time meanwhile."""

    bands: Bands
    drifts: Drifts
    trends: Trends
    metrics: Metrics
    clock: Callable[[], float] = time.time

    def learn(self) -> None:
        """Learn anew where the last time is a day ago, and set the gauge of drift."""
        now = self.clock()
        known = [at for at in (self.bands.learnt_at(), self.drifts.measured_at()) if at is not None]
        if not known or not 0 <= now - max(known) < DAY_S:
            count = self.bands.learn(now)
            self.drifts.measure(now)
            log.info("bands and drift learnt", extra={"count": count})
        for gauge in (self.metrics.drift, self.metrics.drifting):
            gauge.clear()  # what cannot be compared any more is not told for ever
        for one in reversed(self.trends.drifts()):  # of those that count together the farthest stands
            self.metrics.drift.labels(scanner=one.scanner, measure=one.measure).set(one.psi)
            self.metrics.drifting.labels(scanner=one.scanner, measure=one.measure).set(one.alarm)
