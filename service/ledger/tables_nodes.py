"""The tables of other machines: those that the console added, what they said when asked, and who called."""

from sqlalchemy import JSON, Boolean, Column, Float, Integer, String, Table, UniqueConstraint

from service.ledger.tables import RowId, metadata

node = Table(  # scanners and destinations beside those of the settings file; a row a version, and none is changed
    "node",
    metadata,
    Column("id", String, primary_key=True),  # scanner:NAME or to:NAME
    Column("version", Integer, primary_key=True),
    Column("told", JSON(none_as_null=True)),  # as it would stand in the settings file; null: it was removed
    Column("at", Float, nullable=False),
    Column("by", String, nullable=False),
    Column("key", String, nullable=False),  # the request's own, so that a repeated one counts once
    UniqueConstraint("by", "key"),
)

probe = Table(  # what a node said when a person had it asked, the last time
    "probe",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False),
    Column("good", Boolean, nullable=False),
    Column("told", String, nullable=False),
    Column("seconds", Float, nullable=False),
)

caller = Table(  # who called at the DICOM port, and how it went
    "caller",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("address", String, nullable=False),
    Column("ae_title", String, nullable=False),  # "": it was turned away before it could say
    Column("result", String, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("first_at", Float, nullable=False),
    Column("last_at", Float, nullable=False),
    UniqueConstraint("address", "ae_title", "result"),
)
