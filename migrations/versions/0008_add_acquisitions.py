"""What the DICOM header of an image told has columns of its own; images of former versions have none."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")

revision = "0008"
down_revision = "0007"


def upgrade():
    # Made before, by a run that was interrupted.
    if "acquisitions" in sa.inspect(op.get_bind()).get_table_names():
        op.drop_table("acquisitions")
    op.create_table(
        "acquisitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("patient_name", sa.String(120), nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("patient_birth_date", sa.Date()),
        sa.Column("patient_sex", sa.String(16), nullable=False),
        sa.Column("study_uid", sa.String(64), nullable=False),
        sa.Column("series_uid", sa.String(64), nullable=False),
        sa.Column("instance_uid", sa.String(64), nullable=False),
        sa.Column("class_uid", sa.String(64), nullable=False),
        sa.Column("accession_number", sa.String(64), nullable=False),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("body_part", sa.String(64), nullable=False),
        sa.Column("view_position", sa.String(32), nullable=False),
        sa.Column("side", sa.String(1), nullable=False),
        sa.Column("study_date", sa.Date()),
        sa.Column("manufacturer", sa.String(120), nullable=False),
        sa.Column("device", sa.String(120), nullable=False),
        sa.Column("row_spacing", sa.Double()),
        sa.Column("column_spacing", sa.Double()),
        sa.Column("burned_in", sa.Boolean()),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_acquisitions_image_id_images"),
        sa.PrimaryKeyConstraint("id", name="pk_acquisitions"),
        sa.UniqueConstraint("image_id", name="uq_acquisitions_image_id"),
        mysql_charset="utf8mb4",
    )
    op.create_index("ix_acquisitions_instance_uid", "acquisitions", ["instance_uid"])


def downgrade():
    op.drop_table("acquisitions")
