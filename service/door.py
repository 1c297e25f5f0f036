"""What the door tells: counted, logged, and kept where it must be."""

import logging

from dicom_scp.instance import Facts
from dicom_scp.own import OWN
from dicom_scp.taking import DoorEvents, Refusal
from service.closing import RELEASE
from service.ledger import Intake, LedgerUnavailable
from service.metrics import OUR_OWN, SKIPPED, Metrics, status_name

log = logging.getLogger(__name__)


def door_events(metrics: Metrics, intake: Intake) -> DoorEvents:
    """Give the functions that the door calls when something happens; none of them raises."""

    def stored(seconds: float, status: int, size: int) -> None:
        metrics.store_duration.observe(seconds)
        metrics.instances_received.labels(status=status_name(status)).inc()
        metrics.receive_bytes.inc(size)

    def skipped(reason: str, _facts: Facts | None) -> None:
        metrics.instances_received.labels(status=OUR_OWN if reason == OWN else SKIPPED).inc()
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
        association=lambda result: metrics.associations.labels(result=result).inc(),
        active=metrics.associations_active.inc,
        skipped=skipped,
        refused=refused,
        released=released,
        stored=stored,
    )
