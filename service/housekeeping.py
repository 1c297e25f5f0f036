"""Now and then: spool and ledger agree, pixels leave when their time is over, the gauges tell how things stand."""

import logging
import threading
import time
from dataclasses import dataclass

from service.bootstrap import Foundation
from service.ledger import LedgerUnavailable, Views
from service.metrics import Metrics

EVERY_S = 5.0
SWEEP_EVERY_S = 60.0
SWEEP_AT_ONCE = 20  # series
GRACE_S = 300.0  # a spool file without an instance may be one that is being noted right now
EVENTS_KEPT_S = 7 * 86400.0
WATERMARK = (
    2.0  # times the free space at which instances are refused: from here on delivered pixels leave early
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Housekeeper:
    """Keeps the state folder of one house."""

    foundation: Foundation
    metrics: Metrics
    views: Views

    def reconcile(self) -> None:
        """Make spool and ledger agree after a crash.

        A file that no instance names was never acknowledged and goes; an instance whose file is gone is lost,
        which is said loudly.
        """
        spool, upkeep = self.foundation.spool, self.foundation.upkeep
        gone = [name for name in upkeep.spooled() if not spool.holds(name)]
        for name in gone:
            upkeep.lost(name)
        if gone:
            log.error("spooled files are gone", extra={"count": len(gone)})
        now = time.time()
        for name in upkeep.unknown(spool.names()):
            if spool.age_s(name, now) > GRACE_S:
                spool.delete(name)

    def run(self, stop: threading.Event) -> None:
        """Keep house until the stop."""
        swept_at = 0.0
        while not stop.wait(EVERY_S):
            try:
                self.measure()
                if time.monotonic() - swept_at > SWEEP_EVERY_S:
                    self.sweep()
                    swept_at = time.monotonic()
            except LedgerUnavailable as error:
                log.warning("housekeeping has to wait", extra={"reason": str(error)})
            except OSError as error:
                log.warning("housekeeping has to wait", extra={"reason": type(error).__name__})

    def measure(self) -> None:
        """Set the gauges."""
        counts = self.views.counts()
        self.metrics.disk_free.set(self.foundation.spool.free_bytes())
        self.metrics.series_open.set(sum(counts.series.get(state, 0) for state in ("receiving", "settling")))
        for queue, waiting in (
            ("score", counts.slices_waiting),
            ("close", counts.series.get("settling", 0)),
            ("report", counts.series.get("complete", 0)),
            ("deliver", counts.deliveries.get("waiting", 0)),
        ):
            self.metrics.queue_depth.labels(queue=queue).set(waiting)
        self.metrics.oldest_job_age.labels(queue="score").set(counts.oldest_waiting_s or 0.0)
        self.metrics.dead_letters.set(counts.dead_letters)

    def sweep(self) -> None:
        """Let pixels and built results of delivered series go: those whose time is over, more when space is short."""
        settings = self.foundation.settings
        now = time.time()
        before = now - settings.retention_days * 86400
        if self.foundation.spool.free_bytes() < WATERMARK * settings.min_free_mb * 2**20:
            before = now
        upkeep = self.foundation.upkeep
        for series_uid in upkeep.outlived(before, SWEEP_AT_ONCE):
            names = upkeep.spooled_of(series_uid)
            parcels = upkeep.parcels_of(series_uid)
            upkeep.swept(series_uid)
            for name in names:
                self.foundation.spool.delete(name)
            for name in parcels:
                self.foundation.outbox.delete(name)
            log.info("pixels have left", extra={"series": series_uid, "count": len(names)})
        upkeep.forget_events(now - EVENTS_KEPT_S)
