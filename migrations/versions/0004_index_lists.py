"""An index for each way through the history and the audit log, in the order of its list."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

OLD = {
    "ix_studies_owner_created": ("studies", ["owner_id", "deleted_at", "created_at"]),
    "ix_studies_task_label_created": ("studies", ["deleted_at", "task", "lead_label", "created_at"]),
    "ix_images_original_name": ("images", ["original_name"]),
    "ix_images_sha256": ("images", ["sha256"]),
}
NEW = {
    "ix_studies_task_created": ("studies", ["deleted_at", "task", "created_at"]),
    "ix_studies_label_task_created": ("studies", ["deleted_at", "lead_label", "task", "created_at"]),
    "ix_studies_outcome_created": ("studies", ["deleted_at", "outcome", "created_at"]),
    "ix_studies_review_created": ("studies", ["deleted_at", "review_state", "created_at"]),
    "ix_studies_patient": ("studies", ["deleted_at", "patient_name"]),
    "ix_studies_probability": ("studies", ["deleted_at", "outcome", "lead_probability"]),
    "ix_studies_owner_history": (
        "studies",
        ["owner_id", "deleted_at", "created_at", "id", "task", "lead_label", "outcome", "review_state"],
    ),
    "ix_studies_owner_patient": ("studies", ["owner_id", "deleted_at", "patient_name"]),
    "ix_studies_owner_probability": ("studies", ["owner_id", "deleted_at", "outcome", "lead_probability"]),
    "ix_audit_events_action": ("audit_events", ["action"]),
    "ix_audit_events_account": ("audit_events", ["account"]),
}


def upgrade():
    _exchange(OLD, NEW)


def downgrade():
    _exchange(NEW, OLD)


def _exchange(old, new):
    """The new ones first: MySQL keeps no reference without an index. What an interrupted run did is not done again."""
    there = _names()
    for name, (table, columns) in new.items():
        if name not in there:
            op.create_index(name, table, columns)
    for name, (table, _) in old.items():
        if name in there:
            op.drop_index(name, table)


def _names():
    inspector = sa.inspect(op.get_bind())
    tables = {table for table, _ in (*OLD.values(), *NEW.values())}
    return {index["name"] for table in tables for index in inspector.get_indexes(table)}
