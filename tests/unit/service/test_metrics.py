"""The metrics: names that hold, labels that stay few, one page for several processes."""

import ast
import math
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from service.metrics import Labelled, Metrics, status_name
from service.metrics_merge import merged

SERVICE = Path(__file__).parents[3] / "service"
NAMES = {
    "scanside_associations_active": "gauge",
    "scanside_associations_total": "counter",
    "scanside_instances_received_total": "counter",
    "scanside_receive_bytes_total": "counter",
    "scanside_store_duration_seconds": "histogram",
    "scanside_series_open": "gauge",
    "scanside_series_completed_total": "counter",
    "scanside_verdict_latency_seconds": "histogram",
    "scanside_inference_duration_seconds": "histogram",
    "scanside_verdicts_total": "counter",
    "scanside_artifact_detected_total": "counter",
    "scanside_ood_total": "counter",
    "scanside_queue_depth": "gauge",
    "scanside_oldest_job_age_seconds": "gauge",
    "scanside_deliveries_total": "counter",
    "scanside_dead_letters": "gauge",
    "scanside_disk_free_bytes": "gauge",
    "scanside_last_instance_timestamp_seconds": "gauge",
    "scanside_model_info": "gauge",
    "scanside_tls_cert_expiry_timestamp_seconds": "gauge",
    "scanside_heartbeat_timestamp_seconds": "gauge",
    "scanside_build_info": "gauge",
}


def build() -> Metrics:
    return Metrics.build(version="1.2.3", scanners=("MR 1", "MR 2"), destinations=("pacs", "out"))


def samples(registry: CollectorRegistry) -> dict[str, float]:
    """Give every sample by its name with labels, as a scrape shows it."""
    page = generate_latest(registry).decode()
    lines = [line for line in page.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.mark.parametrize(("name", "kind"), NAMES.items())
def test_every_name_that_alerts_hang_on_is_there(name: str, kind: str) -> None:
    assert f"# TYPE {name} {kind}\n" in generate_latest(build().registry).decode()


def test_the_whole_page_stays_within_five_hundred_series() -> None:
    assert len(samples(build().registry)) <= 500


def test_a_label_takes_no_value_that_was_not_declared() -> None:
    metrics = build()
    for value in ("Quastenflosser^Wilhelmine", "", "x" * 10_000):
        metrics.last_instance.labels(scanner=value).set(1)
        metrics.verdicts.labels(verdict=value).inc()
    shown = samples(metrics.registry)
    assert shown['scanside_last_instance_timestamp_seconds{scanner="other"}'] == 1
    assert shown['scanside_verdicts_total{verdict="other"}'] == 3
    assert not any("Quastenflosser" in name for name in shown)


def test_counters_with_labels_show_zero_from_the_start() -> None:
    shown = samples(build().registry)
    assert shown['scanside_deliveries_total{destination="pacs",result="sent"}'] == 0
    assert shown['scanside_artifact_detected_total{artifact="motion"}'] == 0


def test_what_was_not_measured_is_not_a_number() -> None:
    shown = samples(build().registry)
    assert math.isnan(shown["scanside_disk_free_bytes"])
    assert math.isnan(shown["scanside_tls_cert_expiry_timestamp_seconds"])


def test_the_model_in_use_is_one_series_with_a_short_hash() -> None:
    metrics = build()
    for provider in ("cuda", "cpu"):
        metrics.name_model("scanside-artifacts", version="0.1.0", sha256="ab" * 32, provider=provider)
    infos = [name for name in samples(metrics.registry) if name.startswith("scanside_model_info")]
    assert infos == [
        'scanside_model_info{model="scanside-artifacts",provider="cpu",sha256_12="abababababab",version="0.1.0"}'
    ]


def test_two_houses_in_one_process_count_apart() -> None:
    one, two = build(), build()
    one.conflicts.inc()
    assert samples(two.registry)["scanside_conflicts_total"] == 0


def test_a_status_is_named_and_an_unknown_one_is_other() -> None:
    assert [status_name(status) for status in (0x0000, 0xA700, 0xA900, 0xC000, 0x0110)] == [
        "success",
        "out_of_resources",
        "mismatch",
        "not_understood",
        "other",
    ]


def test_the_pages_of_several_processes_add_up_to_one() -> None:
    door, worker = build(), build()
    door.verdicts.labels(verdict="Usable").inc()
    door.verdict_latency.observe(0.3)
    door.queue_depth.labels(queue="score").set(2)
    worker.verdicts.labels(verdict="Usable").inc(2)
    worker.verdict_latency.observe(3)
    worker.queue_depth.labels(queue="score").set(7)
    worker.disk_free.set(5)
    worker.associations_active.set(1)
    door.associations_active.set(2)

    together = merged(door.registry, lambda: [generate_latest(worker.registry).decode()])

    shown = samples(together)
    assert shown['scanside_verdicts_total{verdict="Usable"}'] == 3
    assert shown['scanside_verdict_latency_seconds_bucket{le="0.4"}'] == 1
    assert shown["scanside_verdict_latency_seconds_count"] == 2
    assert shown['scanside_queue_depth{queue="score"}'] == 7
    assert shown["scanside_disk_free_bytes"] == 5
    assert shown["scanside_associations_active"] == 3
    page = generate_latest(together).decode()
    types = [line for line in page.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    assert list(text_string_to_metric_families(page))


def test_the_code_uses_only_declared_values_of_labels() -> None:
    metrics = build()
    undeclared = [
        f"{path.name}:{call.lineno} {keyword.arg}={keyword.value.value!r}"
        for path in SERVICE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "labels"
        and isinstance(call.func.value, ast.Attribute)
        and isinstance(family := getattr(metrics, call.func.value.attr, None), Labelled)
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant)
        and keyword.value.value not in family.known[str(keyword.arg)]
    ]
    assert undeclared == []
