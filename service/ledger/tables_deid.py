"""The table of what was done to attributes at the door: names and counts, never a value."""

from sqlalchemy import BigInteger, Column, Float, String, Table

from service.ledger.tables import metadata

deid_tally = Table(
    "deid_tally",
    metadata,
    Column("profile", String, primary_key=True),
    Column("attribute", String, primary_key=True),  # the Standard's keyword, or a kind of what has none
    Column("action", String, primary_key=True),
    Column("instances", BigInteger, nullable=False),
    Column("first_at", Float, nullable=False),
    Column("last_at", Float, nullable=False),
)
