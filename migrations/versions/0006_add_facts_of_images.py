"""How the file of an image is read: its orientation, its page in the file that was sent, and what that file says.

The files of former versions were stored upright, each of a file of its own: the defaults.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade():
    # MySQL takes a default of JSON only in brackets, and SQLite takes none in brackets.
    empty = sa.text("'{}'" if op.get_bind().dialect.name == "sqlite" else "('{}')")
    there = _columns()
    for column in (
        sa.Column("orientation", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("page", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("facts", sa.JSON(), nullable=False, server_default=empty),
    ):
        # One that is there already is left: an interrupted run goes on.
        if column.name not in there:
            op.add_column("images", column)


def downgrade():
    for name in {"facts", "page", "orientation"} & _columns():
        op.drop_column("images", name)


def _columns():
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns("images")}
