"""The tables: what the house remembers. Times are seconds since the epoch; UIDs are the keyed ones."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
)

REVISION = "0001"
"""The migration that these tables are; a test holds it against the newest one."""

metadata = MetaData()

RowId = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only in INTEGER PRIMARY KEY


def _lease() -> list[Column[object]]:
    """Who works on a row, until when, and in which attempt: what a write is fenced with."""
    return [
        Column("lease_owner", String, nullable=False, server_default=""),
        Column("lease_until", Float, nullable=False, server_default="0"),
        Column("attempt", Integer, nullable=False, server_default="0"),
    ]


installation = Table(
    "installation",
    metadata,
    Column("id", String, primary_key=True),
    Column("key_fingerprint", String, nullable=False),
    Column("created_at", Float, nullable=False),
)

scanner = Table(
    "scanner",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("name", String, nullable=False, unique=True),
)

series = Table(  # one row per generation: a late image reopens the series as the next
    "series",
    metadata,
    Column("id", String, primary_key=True),
    Column("uid", String, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("study_uid", String, nullable=False),
    Column("patient", String, nullable=False),
    Column("scanner_id", ForeignKey("scanner.id"), nullable=False),
    Column("protocol_key", String, nullable=False),
    Column("series_number", Integer),
    Column("facts", JSON, nullable=False),
    Column("protocol", String, nullable=False, server_default=""),  # as `service.protocols` writes it
    Column("coil", String, nullable=False, server_default=""),  # that received, as its header names it
    Column("state", String, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("last_instance_at", Float, nullable=False),
    Column("longest_pause", Float, nullable=False, server_default="0"),  # s between two instances
    Column("counts", JSON, nullable=False),  # by sign of completeness: instances that the header announces
    Column("ends", JSON, nullable=False),  # signs of the end that stand, and since when
    Column("outlived", JSON, nullable=False),  # those that stood until another instance came
    Column("settled_at", Float),  # no more instances are expected since
    Column("closed_at", Float),
    Column("close_reason", String, nullable=False, server_default=""),
    Column("closing", JSON),  # the sign that closed it, with what was expected, received and lacking
    Column("received", Integer, nullable=False),
    Column("judged", Integer, nullable=False, server_default="0"),  # instances that the verdict is about
    Column("conflict", Boolean, nullable=False, server_default=false()),
    Column("incomplete", Boolean, nullable=False, server_default=false()),
    Column("bearer", String, nullable=False),  # pseudonym of who it is of, as told last
    Column("identity_revision", Integer, nullable=False, server_default="0"),
    Column("repeats", String, nullable=False, server_default=""),  # the failed series that this one repeats
    Column("served_at", Float, nullable=False, server_default="0"),
    Column("verdict", String, nullable=False, server_default=""),
    Column("reason", String, nullable=False, server_default=""),
    Column("reason_de", String, nullable=False, server_default=""),
    Column("quality", JSON),
    Column("advice", JSON),
    Column("advice_de", JSON),
    Column("model", String, nullable=False, server_default=""),
    Column("provider", String, nullable=False, server_default=""),
    Column("judging", JSON(none_as_null=True)),  # the thresholds in force, and what others would have said
    Column("report", JSON),
    *_lease(),
    UniqueConstraint("uid", "generation"),
    Index("series_by_state", "state"),
    Index(
        "series_by_time", "opened_at", "id", "scanner_id", "verdict", "state", "protocol"
    ),  # and searched by
    Index("series_by_study", "study_uid"),
    Index("series_by_repeat", "repeats"),
    Index("series_by_protocol", "scanner_id", "protocol_key", "closed_at"),
    Index("series_by_scanner", "scanner_id", "opened_at", "id"),
)

vault = Table(  # sealed original headers: of a series' first instance, and of each multi-frame object
    "vault",
    metadata,
    Column("uid", String, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
)

instance = Table(
    "instance",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("series_uid", String, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("sop_instance_uid", String, nullable=False),
    Column("sop_class_uid", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("picture", String, nullable=False),  # digest of pixels and geometry alone
    Column("bearer", String, nullable=False),  # pseudonym of who it is of, as told last
    Column("concatenation", JSON),  # keyed UID, number and total, where it is a part of one
    Column("spool_name", String, nullable=False),
    Column("reference", LargeBinary, nullable=False),
    Column("instance_number", Integer),
    Column("position", Float),
    Column("frames", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("columns", Integer, nullable=False),
    Column("received_at", Float, nullable=False),
    Column("conflict", Boolean, nullable=False, server_default=false()),
    Column("lost", Boolean, nullable=False, server_default=false()),
    Column("swept", Boolean, nullable=False, server_default=false()),  # its pixels have left
    UniqueConstraint("sop_instance_uid", "digest"),
    Index("instance_by_series", "series_uid"),
    Index("instance_by_spool_name", "spool_name"),
)

slice_ = Table(
    "slice",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("instance_id", ForeignKey("instance.id"), nullable=False),
    Column("series_uid", String, nullable=False),
    Column("frame", Integer, nullable=False),
    Column(
        "tile", Integer, nullable=False, server_default="0"
    ),  # of a mosaic, 1-based; 0: the frame is the slice
    Column(
        "place", JSON(none_as_null=True)
    ),  # among the slices of its series; {} where its header does not tell
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False, server_default=""),  # why it has no score
    Column("reason_de", String, nullable=False, server_default=""),
    Column("score", JSON),
    Column("masks", LargeBinary),
    *_lease(),
    UniqueConstraint("instance_id", "frame", "tile"),
    Index("slice_by_state", "state", "series_uid"),
    Index("slice_by_series", "series_uid"),
)

learnt = Table(  # how often a sign of completeness came true for a scanner and protocol
    "learnt",
    metadata,
    Column("scanner_id", ForeignKey("scanner.id"), primary_key=True),
    Column("protocol_key", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("matched", Integer, nullable=False),
)

pace = Table(  # how long a scanner pauses within the series of a protocol
    "pace",
    metadata,
    Column("scanner_id", ForeignKey("scanner.id"), primary_key=True),
    Column("protocol_key", String, primary_key=True),
    Column("pauses", JSON, nullable=False),  # s; the longest of each of the last series
)

exam = Table(  # performed procedure steps, as scanners tell of them
    "exam",
    metadata,
    Column("uid", String, primary_key=True),
    Column("study_uid", String, nullable=False),
    Column("state", String, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("ended_at", Float),
    Index("exam_by_study", "study_uid"),
)

exam_series = Table(  # what a procedure step says that it made
    "exam_series",
    metadata,
    Column("exam_uid", ForeignKey("exam.uid"), primary_key=True),
    Column("series_uid", String, primary_key=True),
    Column("instances", JSON, nullable=False),  # keyed SOP Instance UIDs
    Index("exam_series_by_series", "series_uid"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("series_id", ForeignKey("series.id"), nullable=False),
    Column("destination", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("sop_instance_uid", String, nullable=False),
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", Float, nullable=False),
    Column("next_at", Float, nullable=False),
    Column("tried_at", Float),
    Column("sent_at", Float),
    Column("committed_at", Float),
    Column("renewed_at", Float, nullable=False, server_default="0"),  # a person had it sent again
    Column("answer", String, nullable=False, server_default=""),  # of the destination
    Column("reason", String, nullable=False, server_default=""),  # why it is held, or does not leave
    Column("released", Boolean, nullable=False, server_default=false()),  # a person said that it leaves
    Column("former_identity", Boolean, nullable=False, server_default=false()),  # built under another one
    *_lease(),
    UniqueConstraint("destination", "sop_instance_uid"),
    Index("outbox_by_state", "state", "destination", "next_at"),
    Index("outbox_by_series", "series_id"),
    Index("outbox_by_object", "sop_instance_uid"),
)

commitment = Table(  # what destinations were asked to keep; the objects stand in the answer
    "commitment",
    metadata,
    Column("transaction_uid", String, primary_key=True),
    Column("destination", String, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("answered_at", Float),
)

event = Table(
    "event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Float, nullable=False),
    Column("kind", String, nullable=False),
    Column("series_id", String, nullable=False),
    Column("data", JSON, nullable=False),
)

refusal = Table(
    "refusal",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Float, nullable=False),
    Column("status", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", String, nullable=False),
)

part = Table(  # the processes of the house, as their heartbeats tell
    "part",
    metadata,
    Column("name", String, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("beat_at", Float, nullable=False),
    Column("facts", JSON, nullable=False),
)

account = Table(  # who may sign in to the console
    "account",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("password", String, nullable=False),  # argon2id, with its salt and parameters
    Column("temporary", Boolean, nullable=False),  # given by another person: to be changed before all else
    Column("locked", Boolean, nullable=False, server_default=false()),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float),  # the last sign-in
)

token = Table(  # what programs and boards present in place of a person
    "token",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("digest", String, nullable=False, unique=True),  # SHA-256 of the secret
    Column("scopes", JSON, nullable=False),
    Column("scanner", String, nullable=False, server_default=""),  # the only one that is shown; "": all
    Column(
        "ae_title", String, nullable=False, server_default=""
    ),  # what images sent with it count as sent by
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("used_at", Float),
)

session = Table(  # a browser that signed in, for a person or with a token
    "session",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("digest", String, nullable=False, unique=True),  # SHA-256 of what the cookie holds
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE")),
    Column("token_id", ForeignKey("token.id", ondelete="CASCADE")),
    Column("address", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("active_at", Float, nullable=False),
)

sign_in_try = Table(  # failed sign-ins in a row, by account and by address
    "sign_in_try",
    metadata,
    Column("subject", String, primary_key=True),  # a pseudonym: people type passwords where names belong
    Column("failures", Integer, nullable=False),
    Column("barred_until", Float, nullable=False),
    Column("at", Float, nullable=False),
)

feedback = Table(  # what people said to a verdict
    "feedback",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("series_id", ForeignKey("series.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("author", String, nullable=False),
    Column("role", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("comment", String, nullable=False, server_default=""),
    Column("key", String, nullable=False),  # the request's own, so that a repeated one counts once
    Column("about", String, nullable=False),  # which of the verdicts that the series had
    UniqueConstraint("author", "key"),
    Index("feedback_by_series", "series_id"),
)
