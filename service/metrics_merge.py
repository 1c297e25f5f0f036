"""One page of metrics for a house of several processes: what each counted, added up."""

import math
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

_Key = tuple[str, tuple[tuple[str, str], ...]]  # a sample's name and labels

PREFIX = "scanside_"  # the rest (process_...) is each process's own and cannot be added up
ADDED_GAUGES = frozenset({"scanside_associations_active"})  # of other gauges the greatest counts


def merged(own: CollectorRegistry, others: Callable[[], Iterable[str]]) -> CollectorRegistry:
    """Make a registry that shows ``own`` and the pages (Prometheus' text format) of other processes.

    Args:
        own: this process's registry.
        others: fetches the other pages at every scrape; what it cannot reach it leaves out.

    """
    registry = CollectorRegistry()
    registry.register(_Sum(own, others))
    return registry


class _Sum(Collector):
    """Adds up families of the same name."""

    def __init__(self, own: CollectorRegistry, others: Callable[[], Iterable[str]]) -> None:
        self._own = own
        self._others = others

    def collect(self) -> Iterator[Metric]:
        """Give every family once, counters and histograms added, gauges at their greatest."""
        families: dict[str, Metric] = {}
        values: dict[str, dict[_Key, float]] = {}
        for family in self._all():
            families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            known = values.setdefault(family.name, {})
            add = family.type != "gauge" or family.name in ADDED_GAUGES
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                known[key] = _together(known.get(key, math.nan), sample.value, add=add)
        for name, family in families.items():
            family.samples = [Sample(key[0], dict(key[1]), value) for key, value in values[name].items()]
            yield family

    def _all(self) -> Iterator[Metric]:
        yield from self._own.collect()
        for page in self._others():
            for family in text_string_to_metric_families(page):
                if family.name.startswith(PREFIX):
                    yield family


def _together(known: float, value: float, *, add: bool) -> float:
    """Join two readings; what is not a number was not measured."""
    if math.isnan(known):
        return value
    if math.isnan(value):
        return known
    return known + value if add else max(known, value)
