"""The tables of review: which series people look at again, what they decide, and by which thresholds it is judged."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    false,
)

from service.ledger.tables import RowId, metadata

review = Table(  # a series that somebody looks at again: one row for a generation
    "review",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("series_id", ForeignKey("series.id"), nullable=False, unique=True),
    Column("scanner_id", ForeignKey("scanner.id"), nullable=False),
    Column("protocol_key", String, nullable=False),
    Column("verdict", String, nullable=False),  # of the model, when it came into the queue
    Column("about", String, nullable=False),  # which of the verdicts that the series had
    Column("artifacts", String, nullable=False),  # what the model found: " motion spike ", for one LIKE
    Column("why", JSON, nullable=False),  # reasons, in the order in which they came
    Column("share", Float),  # with what probability the series was drawn; null: it came by a reason alone
    Column("blind", Boolean, nullable=False),  # judged before the model's verdict is shown
    Column("again", Boolean, nullable=False, server_default=false()),  # drawn for the second tier too
    Column("tier", Integer, nullable=False),  # who decides next; 0: nobody
    Column("outcome", String, nullable=False, server_default=""),  # the last decision of the highest tier
    Column("first", String, nullable=False, server_default=""),  # the last decision of the first tier
    Column("second", String, nullable=False, server_default=""),  # that of the second
    Column("version", Integer, nullable=False, server_default="1"),  # counts what happened to the row
    Column("entered_at", Float, nullable=False),
    Column("decided_at", Float),
    Index("review_by_tier", "tier", "entered_at", "id"),
    Index("review_by_protocol", "scanner_id", "protocol_key", "decided_at"),
    Index("review_by_decision", "decided_at"),
)

review_decision = Table(  # what people decided: rows are added, and never changed
    "review_decision",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("review_id", ForeignKey("review.id"), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("decision", String, nullable=False),
    Column("comment", String, nullable=False),
    Column("tags", JSON, nullable=False),  # names of the catalogue
    Column("cursor", JSON(none_as_null=True)),  # slice, x and y: what the decision points at
    Column("blind", Boolean, nullable=False),  # the verdict was not shown before
    Column("about", String, nullable=False),  # which of the verdicts that the series had
    Column("author", String, nullable=False),
    Column("role", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("key", String, nullable=False),  # the request's own, so that a repeated one counts once
    UniqueConstraint("author", "key"),
    Index("review_decision_by_review", "review_id"),
)

threshold_trial = Table(  # other thresholds, tried on past series of a protocol
    "threshold_trial",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("scanner_id", ForeignKey("scanner.id"), nullable=False),
    Column("protocol_key", String, nullable=False),
    Column("thresholds", JSON, nullable=False),
    Column("figures", JSON, nullable=False),  # the effect, in numbers with intervals
    Column("author", String, nullable=False),
    Column("at", Float, nullable=False),
    Index("threshold_trial_by_protocol", "scanner_id", "protocol_key"),
)

threshold_version = Table(  # thresholds that were accepted for a protocol: rows are added, and never changed
    "threshold_version",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("scanner_id", ForeignKey("scanner.id"), nullable=False),
    Column("protocol_key", String, nullable=False),
    Column("number", Integer, nullable=False),  # 1 for a protocol's first
    Column("lane", String, nullable=False),  # live: it tells; shadow: kept beside it, for comparison
    Column("model", String, nullable=False),  # that they are for: another one's scores mean something else
    Column("thresholds", JSON(none_as_null=True)),  # null: those of the settings, or no shadow
    Column("trial_id", ForeignKey("threshold_trial.id")),
    Column("restores", Integer),  # the number of the version that it brings back; 0: the settings
    Column("why", String, nullable=False),
    Column("author", String, nullable=False),
    Column("role", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("key", String, nullable=False),
    UniqueConstraint("scanner_id", "protocol_key", "number"),
    UniqueConstraint("author", "key"),
)
