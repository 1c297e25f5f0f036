"""Now and then: spool and ledger agree, pixels leave when their time is over, the gauges tell how things stand."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from service.bootstrap import Foundation, note_expiry
from service.ledger import Desk, ReviewBook, Views
from service.ledger.audit import AuditBook
from service.ledger.retention import Kind, Retention
from service.metrics import OTHER, OUTSTANDING, Metrics
from service.review.agreement import agreement
from service.settings import Settings
from service.vault import Keeper

AGREEMENT_S = 90 * 86400.0
SWEEP_AT_ONCE = 20  # series
HOUSEKEEPING = "housekeeping"  # who did it, in the audit log
GRACE_S = 300.0  # a spool file without an instance may be one that is being noted right now
DAY_S = 86400.0
SERIES_AT_ONCE = 50  # that are forgotten in one go, each in a transaction of its own
BATCHES_AT_ONCE = 40  # of every other kind of rows, each a transaction
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
    in_force: Callable[[], Settings]

    def reconcile(self) -> None:
        """Find instances whose file is gone, and say so loudly; to be called at the start."""
        spool, upkeep = self.foundation.spool, self.foundation.upkeep
        gone = [name for name in upkeep.spooled() if not spool.holds(name)]
        for name in gone:
            upkeep.lost(name)
        if gone:
            log.error("spooled files are gone", extra={"count": len(gone)})

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
        note_expiry(self.foundation.settings, self.metrics)
        self._measure_deliveries()

    def measure_review(self) -> None:
        """Set the gauges of review: what waits, and how far people and model agree."""
        book = ReviewBook(self.foundation.database, time.time)
        for tier, count in book.waiting().items():
            self.metrics.review_waiting.labels(tier=str(tier)).set(count)
        found = agreement(book.reviewed(time.time() - AGREEMENT_S))
        figures = {"kappa": found.model, "alerts_right": found.alerts, "missed": found.missed}
        for name, figure in figures.items():
            self.metrics.review_figures.labels(figure=name).set(figure.value)

    def _measure_deliveries(self) -> None:
        """Count what is outstanding at each destination; what the settings do not name counts together."""
        counted = Desk(self.foundation.database).outstanding()
        names = set(self.in_force().destination_names)
        sums = {(name, state): 0 for name in (*names, OTHER) for state in OUTSTANDING}
        for (name, state), count in counted.items():
            sums[name if name in names else OTHER, state] += count
        for (name, state), count in sums.items():
            self.metrics.deliveries_open.labels(destination=name, state=state).set(count)

    def tell_strays(self) -> None:
        """Say what waits for a destination that the settings do not name: nobody carries it."""
        known = self.in_force().destination_names
        for name, count in Desk(self.foundation.database).strays(known).items():
            log.warning("deliveries for an unknown destination", extra={"destination": name, "count": count})

    def sweep(self) -> None:
        """Let go what need not be kept.

        Pixels and built results of delivered series when their time is over, or when space is short; files that
        no instance names: they were never acknowledged; erased images that were sent again; what scanners and
        archives said, when the time of the identities is over.
        """
        settings = self.foundation.settings
        now = time.time()
        before = now - settings.retention_days * 86400
        if self.foundation.spool.free_bytes() < WATERMARK * settings.min_free_mb * 2**20:
            before = now
        upkeep = self.foundation.upkeep
        for series_uid in upkeep.outlived(before, SWEEP_AT_ONCE):
            names, parcels = upkeep.swept(series_uid, before)
            for name in names:
                self.foundation.spool.delete(name)
            for name in parcels:
                self.foundation.outbox.delete(name)
            log.info("pixels have left", extra={"series": series_uid, "count": len(names)})
        self._let_strays_go()
        forgotten = Keeper.of(self.foundation).forget(now)
        if forgotten:
            log.info("identities have left the vault", extra={"count": forgotten})
        upkeep.forget_talk(now - settings.identity_days * 86400)

    def let_go(self) -> None:
        """Let go of what was remembered for its time, in small transactions; what is more goes the next time."""
        keep, retention, now = self.foundation.settings.keep, Retention(self.foundation.database), time.time()
        times: Mapping[Kind, float] = {
            "orders": keep.orders_days,
            "deeds": keep.deeds_days,
            "callers": keep.callers_days,
            "events": keep.events_days,
        }
        for kind, days in times.items():
            _repeated(partial(retention.let_go, kind, now - days * DAY_S))
        before = now - keep.series_days * DAY_S
        outlived = retention.outlived(before, SERIES_AT_ONCE)
        for series_uid in outlived:
            left = retention.forgotten(series_uid, before)
            for name in left.images:
                self.foundation.spool.delete(name)
            for name in left.results:
                self.foundation.outbox.delete(name)
        if outlived:
            log.info("series are forgotten", extra={"count": len(outlived)})
        self._purge_audit(now - keep.audit_days * DAY_S)

    def _purge_audit(self, before: float) -> None:
        """Let the audit log go from its front, a day or more at once: each purge is a row of its own."""
        book = AuditBook(self.foundation.database)
        oldest = book.oldest()
        if oldest is not None and oldest < before - DAY_S:
            _repeated(partial(book.purged, before, HOUSEKEEPING))

    def _let_strays_go(self) -> None:
        spool = self.foundation.spool
        for name in self.foundation.upkeep.erased():
            spool.delete(name)
        for name in self.foundation.upkeep.unknown(spool.names()):
            with suppress(FileNotFoundError):
                if spool.age_s(name, time.time()) > GRACE_S:
                    spool.delete(name)


def _repeated(let_go: Callable[[], int]) -> None:
    """Let go in one transaction after the other until nothing is left, or it is enough for this time."""
    for _ in range(BATCHES_AT_ONCE):
        if not let_go():
            return
