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
        last = self.drifts.measured_at()
        if last is None or not 0 <= now - last < DAY_S:
            count = self.bands.learn(now)
            self.drifts.measure(now)
            log.info("bands and drift learnt", extra={"count": count})
        for one in self.trends.drifts():
            self.metrics.drift.labels(scanner=one.scanner, measure=one.measure).set(one.psi)
            self.metrics.drifting.labels(scanner=one.scanner, measure=one.measure).set(one.alarm)
