"""What was put right of a picture before it was read, and how good it is, stand with its analysis.

Analyses of former versions have neither: empty.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade():
    # MySQL takes a default of JSON only in brackets, and SQLite takes none in brackets.
    form = "'{}'" if op.get_bind().dialect.name == "sqlite" else "('{}')"
    there = _columns()
    for name, empty in (("righted", "[]"), ("quality", "{}")):
        # One that is there already is left: an interrupted run goes on.
        if name not in there:
            default = sa.text(form.replace("{}", empty))
            op.add_column("analyses", sa.Column(name, sa.JSON(), nullable=False, server_default=default))


def downgrade():
    for name in {"quality", "righted"} & _columns():
        op.drop_column("analyses", name)


def _columns():
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns("analyses")}
