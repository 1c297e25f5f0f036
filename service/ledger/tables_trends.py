"""The tables of trends: what each judged series adds to them, and what is learnt of scanners and protocols."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table

from inference.artifacts import NAMES as ARTIFACTS
from inference.evidence import METRICS, SLICE_STEP
from service.ledger.tables import metadata

METRIC_NAMES: tuple[str, ...] = (*(metric.name for metric in METRICS), SLICE_STEP.name)


def found_in(artifact: str) -> str:
    """Name the column that tells whether an artifact is present."""
    return f"found_{artifact}"


def probability_in(artifact: str) -> str:
    """Name the column of an artifact's probability."""
    return f"probability_{artifact}"


def metric_in(metric: str) -> str:
    """Name the column of a metric's median over the slices."""
    return f"metric_{metric}"


trend = Table(  # one narrow row for each series: its newest verdict that is not provisional
    "trend",
    metadata,
    Column("series_id", ForeignKey("series.id"), primary_key=True),
    Column("uid", String, nullable=False, unique=True),
    Column("scanner_id", ForeignKey("scanner.id"), nullable=False),
    Column("protocol", String, nullable=False),  # as `service.protocols` writes it
    Column("coil", String, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("day", Integer, nullable=False),  # of opened_at by the clock of the site; since 1 January 1970
    Column("verdict", String, nullable=False),
    Column("quality_index", Float),  # 0..10; null: not scored
    Column("suitability", Float),  # 0..1
    Column("outlier", Float),  # median distance of the slices from what the model was made with
    Column("unfamiliar", Float),  # share of the slices that were too far from it, 0..1
    Column("strange", Boolean, nullable=False),  # not scored because most of them were
    Column("model", String, nullable=False),
    *(Column(found_in(name), Boolean) for name in ARTIFACTS),  # null: not scored
    *(Column(probability_in(name), Float) for name in ARTIFACTS),
    *(Column(metric_in(name), Float) for name in METRIC_NAMES),
    Index("trend_by_time", "opened_at", "series_id"),
    Index("trend_by_group", "scanner_id", "protocol", "coil", "day"),
)

band = Table(  # where the metrics of a scanner's usable series of a protocol lie
    "band",
    metadata,
    Column("scanner_id", ForeignKey("scanner.id"), primary_key=True),
    Column("protocol", String, primary_key=True),
    Column("metric", String, primary_key=True),
    Column("low", Float, nullable=False),  # the 5th percentile
    Column("middle", Float, nullable=False),
    Column("high", Float, nullable=False),  # the 95th
    Column("n", Integer, nullable=False),  # series
    Column("learnt_at", Float, nullable=False),
)

drift = Table(  # how far what a scanner gives of late lies from what it gave before
    "drift",
    metadata,
    Column("scanner_id", ForeignKey("scanner.id"), primary_key=True),
    Column("measure", String, primary_key=True),
    Column("psi", Float, nullable=False),  # population stability index
    Column("ks", Float, nullable=False),  # largest distance between the two distributions
    Column("p", Float, nullable=False),  # that chance alone brings it about
    Column("n_before", Integer, nullable=False),  # series
    Column("n_now", Integer, nullable=False),
    Column("before", Float, nullable=False),  # medians
    Column("now", Float, nullable=False),
    Column("alarm", Boolean, nullable=False),
    Column("since", Float),  # when the alarm began
    Column("measured_at", Float, nullable=False),
)
