"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def _create_table(name, *columns):
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        mysql_charset="utf8mb4",
    )


def upgrade():
    _create_table(
        "settings",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=500), nullable=False),
        sa.UniqueConstraint("name", name="uq_settings_name"),
    )
    _create_table(
        "users",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("session_key", sa.String(length=32), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("last_login_at", TIME, nullable=True),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    _create_table(
        "api_tokens",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_tokens_user_id_users"),
        sa.UniqueConstraint("token_sha256", name="uq_api_tokens_token_sha256"),
    )
    _create_table(
        "audit_events",
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("account", sa.String(length=254), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("object_key", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_audit_events_user_id_users"),
    )
    op.create_index("ix_audit_events_action_account", "audit_events", ["action", "account", "created_at"])
    op.create_index("ix_audit_events_action_address", "audit_events", ["action", "address", "created_at"])

    _create_table(
        "studies",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("submission_key", sa.String(length=64), nullable=True),
        sa.Column("copied_from_id", sa.Integer(), nullable=True),
        sa.Column("task", sa.String(length=40), nullable=False),
        sa.Column("task_detected", sa.Boolean(), nullable=False),
        sa.Column("patient_name", sa.String(length=120), nullable=False),
        sa.Column("patient_reference", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("lead_label", sa.String(length=40), nullable=False),
        sa.Column("lead_probability", sa.Double(), nullable=True),
        sa.Column("deleted_at", TIME, nullable=True),
        sa.Column("deleted_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["copied_from_id"], ["studies.id"], name="fk_studies_copied_from_id_studies"),
        sa.ForeignKeyConstraint(["deleted_by_id"], ["users.id"], name="fk_studies_deleted_by_id_users"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_studies_owner_id_users"),
        sa.UniqueConstraint("key", name="uq_studies_key"),
        sa.UniqueConstraint("submission_key", name="uq_studies_submission_key"),
    )
    op.create_index("ix_studies_copied_from_id", "studies", ["copied_from_id"])
    op.create_index("ix_studies_created", "studies", ["deleted_at", "created_at"])
    op.create_index("ix_studies_owner_created", "studies", ["owner_id", "deleted_at", "created_at"])
    op.create_index("ix_studies_task_label_created", "studies", ["deleted_at", "task", "lead_label", "created_at"])

    _create_table(
        "images",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("original_name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("byte_size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=20), nullable=False),
        sa.Column("stored_name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_images_study_id_studies"),
        sa.UniqueConstraint("key", name="uq_images_key"),
    )
    op.create_index("ix_images_original_name", "images", ["original_name"])
    op.create_index("ix_images_sha256", "images", ["sha256"])
    op.create_index("ix_images_study_id", "images", ["study_id"])

    _create_table(
        "reports",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("byte_size", sa.Integer(), nullable=False),
        sa.Column("stored_name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_reports_author_id_users"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_reports_study_id_studies"),
        sa.UniqueConstraint("key", name="uq_reports_key"),
    )
    op.create_index("ix_reports_study_id", "reports", ["study_id"])

    _create_table(
        "reviews",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        sa.Column("correct_label", sa.String(length=40), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name="fk_reviews_reviewer_id_users"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_reviews_study_id_studies"),
    )
    op.create_index("ix_reviews_study_id", "reviews", ["study_id"])

    _create_table(
        "analyses",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=40), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("weights_version", sa.String(length=40), nullable=False),
        sa.Column("weights_sha256", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("lead_label", sa.String(length=40), nullable=False),
        sa.Column("lead_probability", sa.Double(), nullable=True),
        sa.Column("suggested_task", sa.String(length=40), nullable=False),
        sa.Column("timings_ms", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_analyses_image_id_images"),
    )
    op.create_index("ix_analyses_image_id", "analyses", ["image_id"])

    _create_table(
        "findings",
        sa.Column("analysis_id", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("saliency_name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["analysis_id"], ["analyses.id"], name="fk_findings_analysis_id_analyses"),
    )
    op.create_index("ix_findings_analysis_id", "findings", ["analysis_id"])


def downgrade():
    for table in (
        "findings",
        "analyses",
        "reviews",
        "reports",
        "images",
        "studies",
        "audit_events",
        "api_tokens",
        "users",
        "settings",
    ):
        op.drop_table(table)
