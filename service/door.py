"""What the door tells: counted, logged, and kept where it must be."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from dicom_scp.instance import Facts
from dicom_scp.own import OWN
from dicom_scp.taking import DoorEvents, Peer, Refusal
from service.closing import RELEASE
from service.ledger import Callers, Intake, LedgerUnavailable
from service.metrics import OUR_OWN, SKIPPED, Metrics, status_name
from service.operating.node_views import Call

log = logging.getLogger(__name__)


MOST_CALLS = 500  # kinds of calls that wait to be noted

Key = tuple[str, str, str]  # address, calling AE title, outcome


class CallBook:
    """Counts who calls, and notes it now and then: no association waits for that; safe for threads."""

    def __init__(self, ledger: Callers) -> None:
        self._ledger = ledger
        self._calls: dict[Key, Call] = {}
        self._lock = threading.Lock()

    def heard(self, result: str, peer: Peer) -> None:
        """Count one."""
        key, now = (peer.address, peer.ae_title.strip(), result), time.time()
        with self._lock:
            known = self._calls.get(key)
            if known is not None:
                self._calls[key] = replace(known, count=known.count + 1, last_at=now)
            elif len(self._calls) < MOST_CALLS:
                self._calls[key] = Call(*key, count=1, first_at=now, last_at=now)

    def note(self) -> None:
        """Write down what was counted. Raises LedgerUnavailable; what is not noted then is lost."""
        with self._lock:
            calls, self._calls = list(self._calls.values()), {}
        if calls:
            self._ledger.called(calls)


def door_events(
    metrics: Metrics,
    intake: Intake,
    heard: Callable[[str, Peer], None] = lambda _caller, _peer: None,
    passed_over: Callable[[str], None] = lambda _reason: None,
) -> DoorEvents:
    """Give the functions that the door calls when something happens; none of them raises.

    `heard` is told of each association how it went, `passed_over` why a sound object is not taken.
    """

    def association(result: str, peer: Peer) -> None:
        metrics.associations.labels(result=result).inc()
        heard(result, peer)

    def stored(seconds: float, status: int, size: int) -> None:
        metrics.store_duration.observe(seconds)
        metrics.instances_received.labels(status=status_name(status)).inc()
        metrics.receive_bytes.inc(size)

    def skipped(reason: str, _facts: Facts | None) -> None:
        metrics.instances_received.labels(status=OUR_OWN if reason == OWN else SKIPPED).inc()
        passed_over(reason)
        log.info("instance skipped", extra={"reason": reason})

    def refused(refusal: Refusal) -> None:
        log.warning(
            "instance refused",
            extra={
                "reason": refusal.reason,
                "size": refusal.size,
                "digest": refusal.digest,
                "status": f"0x{refusal.status:04X}",
            },
        )
        try:
            intake.refused(
                status=refusal.status, reason=refusal.reason, size=refusal.size, digest=refusal.digest
            )
        except LedgerUnavailable:
            log.warning("refusal not kept: ledger unavailable")

    def released(_calling_ae_title: str, series_uids: frozenset[str]) -> None:
        try:
            intake.ended(series_uids, RELEASE)
        except LedgerUnavailable:
            log.warning("release not noted: ledger unavailable")

    return DoorEvents(
        association=association,
        active=metrics.associations_active.inc,
        skipped=skipped,
        refused=refused,
        released=released,
        stored=stored,
    )
