"""The tables of what people do to deliveries."""

from sqlalchemy import Column, Float, Index, Integer, String, Table, UniqueConstraint

from service.ledger.tables import RowId, metadata

deed = Table(  # what a person did to deliveries, once it is done; to which ones stands in the events
    "deed",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Float, nullable=False),
    Column("what", String, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("key", String, nullable=False),  # the request's own, so that a repeated one counts once
    Column("request", String, nullable=False),  # a digest of what was asked
    Column("changed", Integer, nullable=False),
    Column("left", Integer, nullable=False),  # selected, but their built objects have been let go
    UniqueConstraint("by", "key"),
    Index("deed_by_time", "at"),
)
