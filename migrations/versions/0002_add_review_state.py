"""What the newest review of a study says stands with the study."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

STUDIES = sa.table("studies", sa.column("id"), sa.column("review_state"))
REVIEWS = sa.table("reviews", sa.column("id"), sa.column("study_id"), sa.column("agrees", sa.Boolean()))


def upgrade():
    # A database that was interrupted here cannot take back a change of its tables: done again, this goes on.
    columns = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("studies")}
    if "review_state" not in columns:
        state = sa.Column("review_state", sa.String(length=16), nullable=False, server_default="none")
        op.add_column("studies", state)
    newest = (
        sa.select(sa.case((REVIEWS.c.agrees, "agreed"), else_="disagreed"))
        .where(REVIEWS.c.study_id == STUDIES.c.id)
        .order_by(REVIEWS.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    reviewed = STUDIES.c.id.in_(sa.select(REVIEWS.c.study_id))
    op.execute(STUDIES.update().where(reviewed).values(review_state=newest))


def downgrade():
    op.drop_column("studies", "review_state")
