"""The table of the audit log: rows are only ever added, each with a keyed digest over itself and the row before."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table

from service.ledger.tables import metadata

audit = Table(
    "audit",
    metadata,
    Column(
        "id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    ),  # 1, 2, 3 ...
    Column("at", Float, nullable=False),
    Column("actor", String, nullable=False),  # account, token, or who gave a command on the machine
    Column("address", String, nullable=False),
    Column("what", String, nullable=False),
    Column("subject", String, nullable=False),  # an opaque id, or the name of an account or token
    Column("result", String, nullable=False),
    Column("detail", String, nullable=False),  # JSON, as the digest has it
    Column("previous", String, nullable=False),  # the digest of the row before
    Column("digest", String, nullable=False),
    Index("audit_by_time", "at"),
    Index("audit_by_actor", "actor", "id"),
    Index("audit_by_what", "what", "id"),
    Index("audit_by_subject", "subject", "id"),
)
