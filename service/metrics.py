"""Every Prometheus name, once, in one value that is handed to whoever counts.

Names are a contract: alerts, boards and sites hang on them. The values of a label come from the tables below
or from the settings; any other becomes ``other``, so that no header value and no flood ever makes a series.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Generic, Self, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from inference.artifacts import CATALOGUE
from service.closing import CloseReason
from service.rules import Verdict
from service.trends import DRIFTING

OTHER = "other"
STATUSES = {0x0000: "success", 0xA700: "out_of_resources", 0xA900: "mismatch", 0xC000: "not_understood"}
ASSOCIATIONS = ("accepted", "rejected", "released", "aborted", "refused_address", "refused_too_many")
SKIPPED = "skipped"  # answered with success and dropped: no MR image
OUR_OWN = "own"  # the same: a result of ours that came back
STAGES = ("read", "network")
NOT_SUITED = ("kind", "unfamiliar", "unreadable", "model")
DELIVERED = ("sent", "waiting", "uncommitted", "held", "dead")
OUTSTANDING = ("gathering", "waiting", "uncommitted", "held", "dead")
ERRANDS = ("done", "waiting", "dead")
QUEUES = ("score", "close", "report", "deliver")
TIERS = ("1", "2")
FIGURES = ("kappa", "alerts_right", "missed")
PARTS = ("receive", "work", "web")

STORE_BUCKETS = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.5, 5.0)
VERDICT_BUCKETS = (0.1, 0.2, 0.4, 0.6, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 30.0, 60.0, 120.0)
STAGE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
UNKNOWN = float("nan")  # not measured yet: a zero would raise an alarm


M = TypeVar("M", Counter, Gauge, Histogram)


@dataclass(frozen=True, slots=True)
class Labelled(Generic[M]):
    """A family whose labels take known values only."""

    family: M
    known: Mapping[str, frozenset[str]]  # label -> values

    def labels(self, **values: str) -> M:
        """Pick one series; a value that nobody declared counts as ``other``."""
        bounded = {name: value if value in self.known[name] else OTHER for name, value in values.items()}
        return self.family.labels(**bounded)

    def clear(self) -> None:
        """Let go of every series."""
        self.family.clear()


@dataclass(frozen=True, slots=True)
class Metrics:
    """What is counted. Times are in seconds, points in time in seconds since 1970."""

    registry: CollectorRegistry

    associations_active: Gauge
    associations: Labelled[Counter]  # result
    instances_received: Labelled[Counter]  # status
    receive_bytes: Counter
    store_duration: Histogram  # from the whole dataset read to the answer
    last_instance: Labelled[Gauge]  # scanner; a point in time

    series_open: Gauge
    series_completed: Labelled[Counter]  # reason
    conflicts: Counter
    verdicts: Labelled[Counter]  # verdict
    verdict_latency: Histogram  # last instance -> verdict
    artifacts: Labelled[Counter]  # artifact

    inference_duration: Labelled[Histogram]  # stage; of one batch
    ood: Labelled[Counter]  # reason; what the model was not asked about or could not answer
    erased: Counter  # images with burned-in text
    model_info: Gauge  # by ``name_model``
    drift: Labelled[Gauge]  # scanner, measure; population stability index
    drifting: Labelled[Gauge]  # scanner, measure; 1: an alarm

    queue_depth: Labelled[Gauge]  # queue
    oldest_job_age: Labelled[Gauge]  # queue
    deliveries: Labelled[Counter]  # destination, result
    deliveries_open: Labelled[Gauge]  # destination, state
    dead_letters: Gauge

    review_waiting: Labelled[Gauge]  # tier
    review_figures: Labelled[Gauge]  # figure; of the last 90 days
    errands: Labelled[Counter]  # channel, result

    disk_free: Gauge  # bytes on the spool's disk
    certificate_expiry: Gauge  # a point in time; not a number where there is no certificate
    heartbeat: Labelled[Gauge]  # stage; a point in time

    @classmethod
    def build(
        cls,
        *,
        version: str,
        scanners: Iterable[str] = (),
        destinations: Sequence[str] = (),
        channels: Sequence[str] = (),
    ) -> Self:
        """Make every family on a registry of its own; the names of the site come from the settings."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library wrote no types there
        make = _Maker(CollectorRegistry())
        ProcessCollector(registry=make.registry)
        make.gauges("build_info", "the version that runs", version=[version]).labels(version=version).set(1)
        return cls(
            registry=make.registry,
            associations_active=make.gauge("associations_active", "associations open now"),
            associations=make.counters("associations", "associations by how they went", result=ASSOCIATIONS),
            instances_received=make.counters(
                "instances_received", "C-STORE answers", status=[*STATUSES.values(), SKIPPED, OUR_OWN]
            ),
            receive_bytes=make.counter("receive_bytes", "bytes of datasets received"),
            store_duration=make.histogram("store_duration", "dataset read to answer sent", STORE_BUCKETS),
            last_instance=make.gauges(
                "last_instance_timestamp_seconds", "last instance of a scanner", scanner=scanners
            ),
            series_open=make.gauge("series_open", "series that are not closed"),
            series_completed=make.counters("series_completed", "closed by which sign", reason=CloseReason),
            conflicts=make.counter("conflicts", "one SOP Instance UID with two contents"),
            verdicts=make.counters("verdicts", "verdicts on series", verdict=Verdict),
            verdict_latency=make.histogram("verdict_latency", "last instance to verdict", VERDICT_BUCKETS),
            artifacts=make.counters(
                "artifact_detected", "series with an artifact", artifact=[known.name for known in CATALOGUE]
            ),
            inference_duration=make.histograms(
                "inference_duration", "time of one batch", STAGE_BUCKETS, stage=STAGES
            ),
            ood=make.counters("ood", "series that were not scored", reason=NOT_SUITED),
            erased=make.counter("images_erased", "images that showed burned-in text"),
            model_info=make.free_gauge(
                "model_info", "the model in use", ["model", "version", "sha256_12", "provider"]
            ),
            drift=make.gauges(
                "drift_stability_index",
                "how far the last month lies from the first three under the model in use",
                scanner=scanners,
                measure=[measure.name for measure in DRIFTING],
            ),
            drifting=make.gauges(
                "drift_alarm",
                "1 where that is a major shift, and hardly of chance",
                scanner=scanners,
                measure=[measure.name for measure in DRIFTING],
            ),
            queue_depth=make.gauges("queue_depth", "work that waits", queue=QUEUES),
            oldest_job_age=make.gauges("oldest_job_age_seconds", "how long the oldest waits", queue=QUEUES),
            deliveries=make.counters(
                "deliveries", "results by how sending went", destination=destinations, result=DELIVERED
            ),
            deliveries_open=make.gauges(
                "deliveries_open",
                "results that something has yet to come of; other: to a destination that is not in the settings",
                destination=destinations,
                state=OUTSTANDING,
            ),
            dead_letters=make.gauge("dead_letters", "results that a person must look at"),
            review_waiting=make.gauges("review_waiting", "series that wait for a decision", tier=TIERS),
            review_figures=make.gauges("review_figure_ratio", "what reviewers decided", figure=FIGURES),
            errands=make.counters(
                "errands",
                "alerts and forwards of site rules by how they went",
                channel=channels,
                result=ERRANDS,
            ),
            disk_free=make.gauge("disk_free_bytes", "free space for the spool", UNKNOWN),
            certificate_expiry=make.gauge(
                "tls_cert_expiry_timestamp_seconds", "when the certificate ends", UNKNOWN
            ),
            heartbeat=make.gauges("heartbeat_timestamp_seconds", "last sign of life of a part", stage=PARTS),
        )

    def name_model(self, name: str, *, version: str, sha256: str, provider: str) -> None:
        """Say which model scores, and on what."""
        self.model_info.clear()
        self.model_info.labels(model=name, version=version, sha256_12=sha256[:12], provider=provider).set(1)


def status_name(status: int) -> str:
    """Give the label of a C-STORE status."""
    return STATUSES.get(status, OTHER)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Puts prefix, unit and known labels to every family."""

    registry: CollectorRegistry

    def counter(self, name: str, text: str) -> Counter:
        return Counter(f"scanside_{name}_total", _sentence(text), registry=self.registry)

    def gauge(self, name: str, text: str, value: float = 0.0) -> Gauge:
        made = self.free_gauge(name, text, [])
        made.set(value)
        return made

    def histogram(self, name: str, text: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(f"scanside_{name}_seconds", _sentence(text), buckets=buckets, registry=self.registry)

    def counters(self, name: str, text: str, **known: Iterable[str]) -> Labelled[Counter]:
        made = Counter(f"scanside_{name}_total", _sentence(text), list(known), registry=self.registry)
        return _bound(made, known, begin=True)

    def gauges(self, name: str, text: str, **known: Iterable[str]) -> Labelled[Gauge]:
        return _bound(self.free_gauge(name, text, list(known)), known, begin=False)

    def histograms(
        self, name: str, text: str, buckets: Sequence[float], **known: Iterable[str]
    ) -> Labelled[Histogram]:
        made = Histogram(
            f"scanside_{name}_seconds", _sentence(text), list(known), buckets=buckets, registry=self.registry
        )
        return _bound(made, known, begin=True)

    def free_gauge(self, name: str, text: str, labels: Sequence[str]) -> Gauge:
        return Gauge(f"scanside_{name}", _sentence(text), labels, registry=self.registry)


def _bound(family: M, known: Mapping[str, Iterable[str]], *, begin: bool) -> Labelled[M]:
    """Hold a family to its values; ``begin`` shows every combination from the start, as rates need it."""
    values = {label: frozenset(map(str, allowed)) for label, allowed in known.items()}
    if begin:
        for combination in product(*values.values()):
            family.labels(*combination)
    return Labelled(family, values)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
