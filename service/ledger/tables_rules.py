"""The tables of site rules: versions of the rulebook, what fired at which verdict, and what was to be done."""

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table

from service.ledger.tables import RowId, metadata

rulebook = Table(  # versions of the rules: rows are added, and never changed
    "rulebook",
    metadata,
    Column("id", RowId, primary_key=True),  # the version
    Column("at", Float, nullable=False),
    Column("author", String, nullable=False),
    Column("why", String, nullable=False),
    Column("origin", String, nullable=False),  # page, file, command, restore
    Column("digest", String, nullable=False),  # SHA-256 of the content
    Column("content", JSON, nullable=False),
)

firing = Table(  # which rules held at a verdict, and what they say of its results
    "firing",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("series_id", ForeignKey("series.id"), nullable=False),
    Column("at", Float, nullable=False),
    Column("version", ForeignKey("rulebook.id"), nullable=False),  # that was in force
    Column("about", String, nullable=False),  # which of the verdicts that the series had
    Column("provisional", Boolean, nullable=False),
    Column("fired", JSON, nullable=False),  # names and modes
    Column("routes", JSON, nullable=False),  # by destination
    Index("firing_by_series", "series_id"),
)

errand = Table(  # what rules order: alerts to send, a PACS to ask
    "errand",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("firing_id", ForeignKey("firing.id"), nullable=False),
    Column("series_id", ForeignKey("series.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("channel", String, nullable=False),  # of the alert, or the PACS
    Column("what", JSON, nullable=False),
    Column("key", String, nullable=False, unique=True),  # the same order again is none
    Column("replaces", Integer),  # the earlier alert of this rule on this series that went the same way
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", Float, nullable=False),
    Column("next_at", Float, nullable=False),
    Column("renewed_at", Float, nullable=False, server_default="0"),  # a person had it tried again
    Column("tried_at", Float),
    Column("done_at", Float),
    Column("answer", String, nullable=False, server_default=""),  # of the other side
    Column("lease_owner", String, nullable=False, server_default=""),
    Column("lease_until", Float, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Index("errand_by_state", "state", "channel", "next_at"),
    Index("errand_by_series", "series_id"),
    Index("errand_by_replaced", "replaces"),
    Index("errand_by_firing", "firing_id"),
)
