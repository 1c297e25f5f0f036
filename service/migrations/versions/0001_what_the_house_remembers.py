"""What the house remembers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ARTIFACTS = (
    *("motion", "ghost", "flow", "wrap", "gibbs", "spike", "zipper", "noise", "bias", "susceptibility"),
    *("chemshift", "parallel", "fatsat"),
)
METRICS = (
    *("gsr_pe", "gsr_fe", "psg", "qi_1", "aes", "laplacian", "wavelet_sigma", "fber", "snrd", "efc"),
    *("lowpass_cv", "edge_pe", "edge_fe", "air_fraction", "spike", "zipper", "slice_step"),
)


def upgrade() -> None:
    """Bring the tables forward."""
    op.create_table(
        "commitment",
        sa.Column("transaction_uid", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("asked_at", sa.Float(), nullable=False),
        sa.Column("answered_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("transaction_uid"),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("series_id", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key_fingerprint", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "instance",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("series_uid", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("sop_instance_uid", sa.String(), nullable=False),
        sa.Column("sop_class_uid", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("picture", sa.String(), nullable=False),
        sa.Column("bearer", sa.String(), nullable=False),
        sa.Column("concatenation", sa.JSON(), nullable=True),
        sa.Column("spool_name", sa.String(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("instance_number", sa.Integer(), nullable=True),
        sa.Column("position", sa.Float(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.Float(), nullable=False),
        sa.Column("conflict", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("lost", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("swept", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sop_instance_uid", "digest"),
    )
    with op.batch_alter_table("instance", schema=None) as batch_op:
        batch_op.create_index("instance_by_series", ["series_uid"], unique=False)
        batch_op.create_index("instance_by_spool_name", ["spool_name"], unique=False)

    op.create_table(
        "part",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("beat_at", sa.Float(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "refusal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "scanner",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "vault",
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("uid"),
    )
    op.create_table(
        "learnt",
        sa.Column("scanner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("protocol_key", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["scanner_id"], ["scanner.id"]),
        sa.PrimaryKeyConstraint("scanner_id", "protocol_key", "source"),
    )
    op.create_table(
        "pace",
        sa.Column("scanner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("protocol_key", sa.String(), nullable=False),
        sa.Column("pauses", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["scanner_id"], ["scanner.id"]),
        sa.PrimaryKeyConstraint("scanner_id", "protocol_key"),
    )
    op.create_table(
        "exam",
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("study_uid", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("uid"),
    )
    with op.batch_alter_table("exam", schema=None) as batch_op:
        batch_op.create_index("exam_by_study", ["study_uid"], unique=False)

    op.create_table(
        "exam_series",
        sa.Column("exam_uid", sa.String(), nullable=False),
        sa.Column("series_uid", sa.String(), nullable=False),
        sa.Column("instances", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["exam_uid"], ["exam.uid"]),
        sa.PrimaryKeyConstraint("exam_uid", "series_uid"),
    )
    with op.batch_alter_table("exam_series", schema=None) as batch_op:
        batch_op.create_index("exam_series_by_series", ["series_uid"], unique=False)

    op.create_table(
        "series",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("study_uid", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("scanner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("protocol_key", sa.String(), nullable=False),
        sa.Column("series_number", sa.Integer(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("protocol", sa.String(), server_default="", nullable=False),
        sa.Column("coil", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("last_instance_at", sa.Float(), nullable=False),
        sa.Column("longest_pause", sa.Float(), server_default="0", nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("ends", sa.JSON(), nullable=False),
        sa.Column("outlived", sa.JSON(), nullable=False),
        sa.Column("settled_at", sa.Float(), nullable=True),
        sa.Column("closed_at", sa.Float(), nullable=True),
        sa.Column("close_reason", sa.String(), server_default="", nullable=False),
        sa.Column("closing", sa.JSON(), nullable=True),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("judged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("conflict", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("incomplete", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("bearer", sa.String(), nullable=False),
        sa.Column("identity_revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("repeats", sa.String(), server_default="", nullable=False),
        sa.Column("served_at", sa.Float(), server_default="0", nullable=False),
        sa.Column("verdict", sa.String(), server_default="", nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("reason_de", sa.String(), server_default="", nullable=False),
        sa.Column("quality", sa.JSON(), nullable=True),
        sa.Column("advice", sa.JSON(), nullable=True),
        sa.Column("advice_de", sa.JSON(), nullable=True),
        sa.Column("model", sa.String(), server_default="", nullable=False),
        sa.Column("provider", sa.String(), server_default="", nullable=False),
        sa.Column("judging", sa.JSON(), nullable=True),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("lease_owner", sa.String(), server_default="", nullable=False),
        sa.Column("lease_until", sa.Float(), server_default="0", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["scanner_id"], ["scanner.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uid", "generation"),
    )
    with op.batch_alter_table("series", schema=None) as batch_op:
        batch_op.create_index("series_by_state", ["state"], unique=False)
        batch_op.create_index(
            "series_by_time",
            ["opened_at", "id", "scanner_id", "verdict", "state", "protocol"],
            unique=False,
        )
        batch_op.create_index("series_by_study", ["study_uid"], unique=False)
        batch_op.create_index("series_by_repeat", ["repeats"], unique=False)
        batch_op.create_index("series_by_protocol", ["scanner_id", "protocol_key", "closed_at"], unique=False)
        batch_op.create_index("series_by_scanner", ["scanner_id", "opened_at", "id"], unique=False)

    op.create_table(
        "trend",
        sa.Column("series_id", sa.String(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("scanner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("coil", sa.String(), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("quality_index", sa.Float(), nullable=True),
        sa.Column("suitability", sa.Float(), nullable=True),
        sa.Column("outlier", sa.Float(), nullable=True),
        sa.Column("unfamiliar", sa.Float(), nullable=True),
        sa.Column("strange", sa.Boolean(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        *(sa.Column(f"found_{name}", sa.Boolean(), nullable=True) for name in ARTIFACTS),
        *(sa.Column(f"probability_{name}", sa.Float(), nullable=True) for name in ARTIFACTS),
        *(sa.Column(f"metric_{name}", sa.Float(), nullable=True) for name in METRICS),
        sa.ForeignKeyConstraint(["scanner_id"], ["scanner.id"]),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"]),
        sa.PrimaryKeyConstraint("series_id"),
        sa.UniqueConstraint("uid"),
    )
    with op.batch_alter_table("trend", schema=None) as batch_op:
        batch_op.create_index("trend_by_time", ["opened_at", "series_id"], unique=False)
        batch_op.create_index("trend_by_group", ["scanner_id", "protocol", "coil", "day"], unique=False)

    op.create_table(
        "band",
        sa.Column("scanner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("middle", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("learnt_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["scanner_id"], ["scanner.id"]),
        sa.PrimaryKeyConstraint("scanner_id", "protocol", "metric"),
    )
    op.create_table(
        "drift",
        sa.Column("scanner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("psi", sa.Float(), nullable=False),
        sa.Column("ks", sa.Float(), nullable=False),
        sa.Column("p", sa.Float(), nullable=False),
        sa.Column("n_before", sa.Integer(), nullable=False),
        sa.Column("n_now", sa.Integer(), nullable=False),
        sa.Column("before", sa.Float(), nullable=False),
        sa.Column("now", sa.Float(), nullable=False),
        sa.Column("alarm", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Float(), nullable=True),
        sa.Column("measured_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["scanner_id"], ["scanner.id"]),
        sa.PrimaryKeyConstraint("scanner_id", "measure"),
    )
    op.create_table(
        "slice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("instance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("series_uid", sa.String(), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("tile", sa.Integer(), server_default="0", nullable=False),
        sa.Column("place", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("reason_de", sa.String(), server_default="", nullable=False),
        sa.Column("score", sa.JSON(), nullable=True),
        sa.Column("masks", sa.LargeBinary(), nullable=True),
        sa.Column("lease_owner", sa.String(), server_default="", nullable=False),
        sa.Column("lease_until", sa.Float(), server_default="0", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("instance_id", "frame", "tile"),
    )
    with op.batch_alter_table("slice", schema=None) as batch_op:
        batch_op.create_index("slice_by_series", ["series_uid"], unique=False)
        batch_op.create_index("slice_by_state", ["state", "series_uid"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("series_id", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("sop_instance_uid", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("next_at", sa.Float(), nullable=False),
        sa.Column("tried_at", sa.Float(), nullable=True),
        sa.Column("sent_at", sa.Float(), nullable=True),
        sa.Column("committed_at", sa.Float(), nullable=True),
        sa.Column("renewed_at", sa.Float(), server_default="0", nullable=False),
        sa.Column("answer", sa.String(), server_default="", nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("released", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("former_identity", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("lease_owner", sa.String(), server_default="", nullable=False),
        sa.Column("lease_until", sa.Float(), server_default="0", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("destination", "sop_instance_uid"),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("outbox_by_series", ["series_id"], unique=False)
        batch_op.create_index("outbox_by_object", ["sop_instance_uid"], unique=False)
        batch_op.create_index("outbox_by_state", ["state", "destination", "next_at"], unique=False)

    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password", sa.String(), nullable=False),
        sa.Column("temporary", sa.Boolean(), nullable=False),
        sa.Column("locked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("scanner", sa.String(), server_default="", nullable=False),
        sa.Column("ae_title", sa.String(), server_default="", nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("used_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("token_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("active_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "sign_in_try",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("barred_until", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("series_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("comment", sa.String(), server_default="", nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("author", "key"),
    )
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.create_index("feedback_by_series", ["series_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("at", sa.Float(), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in (
                *("actor", "address", "what", "subject", "result", "detail"),
                *("previous", "digest"),
            )
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("audit_by_time", ["at"], unique=False)
        batch_op.create_index("audit_by_actor", ["actor", "id"], unique=False)
        batch_op.create_index("audit_by_what", ["what", "id"], unique=False)
        batch_op.create_index("audit_by_subject", ["subject", "id"], unique=False)

    op.create_table(
        "deid_tally",
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("attribute", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("instances", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.Float(), nullable=False),
        sa.Column("last_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("profile", "attribute", "action"),
    )
    op.create_table(
        "deed",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("by", "key"),
    )
    with op.batch_alter_table("deed", schema=None) as batch_op:
        batch_op.create_index("deed_by_time", ["at"], unique=False)

    op.create_table(
        "node",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version"),
        sa.UniqueConstraint("by", "key"),
    )
    op.create_table(
        "probe",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "caller",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("ae_title", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.Float(), nullable=False),
        sa.Column("last_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("address", "ae_title", "result"),
    )
    op.create_table(
        "pause",
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("what"),
    )
    op.create_table(
        "acceptance",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("ended_by", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )

    op.create_table(
        "review",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("series_id", sa.String(), nullable=False),
        sa.Column("scanner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("protocol_key", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("artifacts", sa.String(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("again", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), server_default="", nullable=False),
        sa.Column("first", sa.String(), server_default="", nullable=False),
        sa.Column("second", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("entered_at", sa.Float(), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"]),
        sa.ForeignKeyConstraint(["scanner_id"], ["scanner.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("series_id"),
    )
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.create_index("review_by_tier", ["tier", "entered_at", "id"], unique=False)
        batch_op.create_index(
            "review_by_protocol", ["scanner_id", "protocol_key", "decided_at"], unique=False
        )
        batch_op.create_index("review_by_decision", ["decided_at"], unique=False)

    op.create_table(
        "review_decision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("review_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=True),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("author", "key"),
    )
    with op.batch_alter_table("review_decision", schema=None) as batch_op:
        batch_op.create_index("review_decision_by_review", ["review_id"], unique=False)

    op.create_table(
        "threshold_trial",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scanner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("protocol_key", sa.String(), nullable=False),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["scanner_id"], ["scanner.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("threshold_trial", schema=None) as batch_op:
        batch_op.create_index("threshold_trial_by_protocol", ["scanner_id", "protocol_key"], unique=False)

    op.create_table(
        "threshold_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scanner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("protocol_key", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("thresholds", sa.JSON(), nullable=True),
        sa.Column("trial_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("restores", sa.Integer(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["scanner_id"], ["scanner.id"]),
        sa.ForeignKeyConstraint(["trial_id"], ["threshold_trial.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scanner_id", "protocol_key", "number"),
        sa.UniqueConstraint("author", "key"),
    )

    op.create_table(
        "rulebook",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "firing",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("series_id", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("fired", sa.JSON(), nullable=False),
        sa.Column("routes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"]),
        sa.ForeignKeyConstraint(["version"], ["rulebook.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("firing", schema=None) as batch_op:
        batch_op.create_index("firing_by_series", ["series_id"], unique=False)
    op.create_table(
        "errand",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("firing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("series_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("what", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("replaces", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("next_at", sa.Float(), nullable=False),
        sa.Column("renewed_at", sa.Float(), server_default="0", nullable=False),
        sa.Column("tried_at", sa.Float(), nullable=True),
        sa.Column("done_at", sa.Float(), nullable=True),
        sa.Column("answer", sa.String(), server_default="", nullable=False),
        sa.Column("lease_owner", sa.String(), server_default="", nullable=False),
        sa.Column("lease_until", sa.Float(), server_default="0", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["firing_id"], ["firing.id"]),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    with op.batch_alter_table("errand", schema=None) as batch_op:
        batch_op.create_index("errand_by_state", ["state", "channel", "next_at"], unique=False)
        batch_op.create_index("errand_by_series", ["series_id"], unique=False)
        batch_op.create_index("errand_by_replaced", ["replaces"], unique=False)
        batch_op.create_index("errand_by_firing", ["firing_id"], unique=False)


def downgrade() -> None:
    """Bring the tables back."""
    for name in ("errand", "firing", "rulebook"):
        op.drop_table(name)
    op.drop_table("threshold_version")
    with op.batch_alter_table("threshold_trial", schema=None) as batch_op:
        batch_op.drop_index("threshold_trial_by_protocol")

    op.drop_table("threshold_trial")
    with op.batch_alter_table("review_decision", schema=None) as batch_op:
        batch_op.drop_index("review_decision_by_review")

    op.drop_table("review_decision")
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.drop_index("review_by_decision")
        batch_op.drop_index("review_by_protocol")
        batch_op.drop_index("review_by_tier")

    op.drop_table("review")
    for name in ("acceptance", "pause", "caller", "probe", "node", "deed", "deid_tally", "audit"):
        op.drop_table(name)
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index("feedback_by_series")

    op.drop_table("feedback")
    op.drop_table("sign_in_try")
    op.drop_table("session")
    op.drop_table("token")
    op.drop_table("account")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("outbox_by_state")
        batch_op.drop_index("outbox_by_object")
        batch_op.drop_index("outbox_by_series")

    op.drop_table("outbox")
    with op.batch_alter_table("slice", schema=None) as batch_op:
        batch_op.drop_index("slice_by_state")
        batch_op.drop_index("slice_by_series")

    op.drop_table("slice")
    op.drop_table("drift")
    op.drop_table("band")
    with op.batch_alter_table("trend", schema=None) as batch_op:
        batch_op.drop_index("trend_by_group")
        batch_op.drop_index("trend_by_time")

    op.drop_table("trend")
    with op.batch_alter_table("series", schema=None) as batch_op:
        batch_op.drop_index("series_by_scanner")
        batch_op.drop_index("series_by_protocol")
        batch_op.drop_index("series_by_repeat")
        batch_op.drop_index("series_by_study")
        batch_op.drop_index("series_by_time")
        batch_op.drop_index("series_by_state")

    op.drop_table("series")
    with op.batch_alter_table("exam_series", schema=None) as batch_op:
        batch_op.drop_index("exam_series_by_series")

    op.drop_table("exam_series")
    with op.batch_alter_table("exam", schema=None) as batch_op:
        batch_op.drop_index("exam_by_study")

    op.drop_table("exam")
    op.drop_table("pace")
    op.drop_table("commitment")
    op.drop_table("learnt")
    op.drop_table("vault")
    op.drop_table("scanner")
    op.drop_table("refusal")
    op.drop_table("part")
    with op.batch_alter_table("instance", schema=None) as batch_op:
        batch_op.drop_index("instance_by_spool_name")
        batch_op.drop_index("instance_by_series")

    op.drop_table("instance")
    op.drop_table("installation")
    op.drop_table("event")
