"""The tables of what people have stopped, and of the acceptance by which a site goes live."""

from sqlalchemy import JSON, Column, Float, String, Table

from service.ledger.tables import RowId, metadata

pause = Table(  # what does not go on until a person says so
    "pause",
    metadata,
    Column("what", String, primary_key=True),  # scoring, or to:DESTINATION
    Column("at", Float, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
)

acceptance = Table(  # a person found thresholds and model good enough to go live with
    "acceptance",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Float, nullable=False),
    Column("by", String, nullable=False),
    Column("digest", String, nullable=False),  # of what was accepted: another model is not
    Column("told", JSON, nullable=False),  # the thresholds and the model
    Column("ended_at", Float),
    Column("ended_by", String, nullable=False, server_default=""),
)
