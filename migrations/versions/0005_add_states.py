"""An image has a status, and a study one that follows from its images.

A failure is a fact of the image and no analysis; outcomes are only what networks said. Reasons get codes, and events of
the audit log the request that they belong to.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"

PORTION = 10_000
TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
# Of a failure that has no text of its own.
FAILED = "The analysis failed on the server and has been logged. Try again later."
HISTORY = "ix_studies_owner_history"
OLD_HISTORY = ["owner_id", "deleted_at", "created_at", "id", "task", "lead_label", "outcome", "review_state"]
NEW_HISTORY = [*OLD_HISTORY[:6], "status", *OLD_HISTORY[6:]]
BY_STATUS = ("ix_studies_status_created", ["deleted_at", "status", "created_at"])

STUDIES = sa.table(
    "studies", *map(sa.column, ("id", "task", "status", "outcome", "lead_label", "lead_probability", "created_at"))
)
IMAGES = sa.table(
    "images", *map(sa.column, ("id", "study_id", "status", "failure_code", "failure_text", "failed_at", "created_at"))
)
ANALYSES = sa.table(
    "analyses",
    *map(sa.column, ("id", "created_at", "image_id", "outcome", "reason", "lead_label", "lead_probability")),
    *map(sa.column, ("task", "network", "weights_version", "weights_sha256", "suggested_task", "timings_ms")),
)


def upgrade():
    for table, column in _columns():
        if column.name not in _names(table):
            op.add_column(table, column)
    for portion in _portions(IMAGES):
        _fail_images(portion)
    for portion in _portions(IMAGES):
        _finish_images(portion)
    for portion in _portions(ANALYSES):
        op.execute(sa.delete(ANALYSES).where(portion, ANALYSES.c.outcome == "failed"))
    for portion in _portions(STUDIES):
        _derive_studies(portion)
    _index(HISTORY, NEW_HISTORY)
    _index(*BY_STATUS)


def downgrade():
    # The status of studies is the first column to go: while it is there, nothing is lost yet.
    if "status" in _names("studies"):
        for portion in _portions(IMAGES):
            _store_failures(portion)
        for portion in _portions(STUDIES):
            _restore_studies(portion)
        _index(HISTORY, OLD_HISTORY)
        _index(BY_STATUS[0], [])
    for table, column in reversed(_columns()):
        if column.name in _names(table):
            op.drop_column(table, column.name)


def _columns():
    """What is new, by table. MySQL takes a default of JSON only in brackets, and SQLite takes none in brackets."""
    empty = sa.text("'{}'" if op.get_bind().dialect.name == "sqlite" else "('{}')")
    return [
        ("images", sa.Column("status", sa.String(length=16), nullable=False, server_default="received")),
        ("images", sa.Column("claim", sa.String(length=32), nullable=False, server_default="")),
        ("images", sa.Column("claimed_at", TIME, nullable=True)),
        ("images", sa.Column("failure_code", sa.String(length=40), nullable=False, server_default="")),
        ("images", sa.Column("failure_values", sa.JSON(), nullable=False, server_default=empty)),
        ("images", sa.Column("failure_text", sa.String(length=500), nullable=False, server_default="")),
        ("images", sa.Column("failed_at", TIME, nullable=True)),
        ("analyses", sa.Column("reason_code", sa.String(length=40), nullable=False, server_default="")),
        ("analyses", sa.Column("reason_values", sa.JSON(), nullable=False, server_default=empty)),
        ("audit_events", sa.Column("request_id", sa.String(length=32), nullable=False, server_default="")),
        ("studies", sa.Column("status", sa.String(length=16), nullable=False, server_default="waiting")),
    ]


def _names(table):
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}


def _index(name, columns):
    """Let this index have these columns, or not be if there are none. What is so already is left: an interrupted run
    goes on.
    """
    there = {index["name"]: index["column_names"] for index in sa.inspect(op.get_bind()).get_indexes("studies")}
    if there.get(name) == columns:
        return
    if name in there:
        op.drop_index(name, "studies")
    if columns:
        op.create_index(name, "studies", columns)


def _portions(table):
    """Conditions that each hold for some rows, together for all: no statement has to change a million of them."""
    last = op.get_bind().scalar(sa.select(sa.func.max(table.c.id))) or 0
    for first in range(1, last + 1, PORTION):
        yield table.c.id.between(first, first + PORTION - 1)


def _newest(column, image_id):
    """A column of the newest analysis of an image, as a scalar."""
    newest = sa.select(ANALYSES.c[column]).where(ANALYSES.c.image_id == image_id)
    return newest.order_by(ANALYSES.c.id.desc()).limit(1).scalar_subquery()


def _fail_images(portion):
    failed = _newest("outcome", IMAGES.c.id) == "failed"
    text, time = _newest("reason", IMAGES.c.id), _newest("created_at", IMAGES.c.id)
    op.execute(IMAGES.update().where(portion, failed).values(status="failed", failure_text=text, failed_at=time))


def _finish_images(portion):
    # Not those that failed, also when their failures are deleted already: done again, this goes on.
    is_open, answered = IMAGES.c.status == "received", sa.exists().where(ANALYSES.c.image_id == IMAGES.c.id)
    op.execute(IMAGES.update().where(portion, is_open, answered).values(status="done"))


def _has_image(*statuses):
    return sa.exists().where(IMAGES.c.study_id == STUDIES.c.id, IMAGES.c.status.in_(statuses))


def _derive_studies(portion):
    status = sa.case((_has_image("received"), "waiting"), (_has_image("failed"), "incomplete"), else_="done")
    op.execute(STUDIES.update().where(portion).values(status=status))
    is_open = STUDIES.c.status != "done"
    op.execute(STUDIES.update().where(portion, is_open).values(outcome="", lead_label="", lead_probability=None))


def _store_failures(portion):
    """A failed image becomes an image whose newest analysis failed; it is that no more once its row is there."""
    text = sa.case((IMAGES.c.failure_text == "", FAILED), else_=IMAGES.c.failure_text)
    time = sa.func.coalesce(IMAGES.c.failed_at, IMAGES.c.created_at)
    failed = (
        sa.select(IMAGES.c.id, time, STUDIES.c.task, *map(sa.literal, ("", "", "", "failed")), text,
                  *map(sa.literal, ("", "", "{}")))
        .join_from(IMAGES, STUDIES, IMAGES.c.study_id == STUDIES.c.id)
        .where(portion, IMAGES.c.status == "failed",
               sa.func.coalesce(_newest("outcome", IMAGES.c.id), "") != "failed")
    )  # fmt: skip
    columns = ("image_id", "created_at", "task", "network", "weights_version", "weights_sha256", "outcome", "reason",
               "lead_label", "suggested_task", "timings_ms")  # fmt: skip
    op.execute(ANALYSES.insert().from_select(columns, failed))


def _restore_studies(portion):
    """An incomplete study has the outcome of its lead image again."""
    waits, incomplete = STUDIES.c.status.in_(("waiting", "running")), STUDIES.c.status == "incomplete"
    op.execute(STUDIES.update().where(portion, waits).values(outcome="pending"))
    lead = {column: _lead(column) for column in ("outcome", "lead_label", "lead_probability")}
    op.execute(STUDIES.update().where(portion, incomplete).values(**lead))


def _lead(column):
    """A column of the analysis that decides a study, the newest of its image, as a scalar."""
    ranks = ("finding", "inconclusive", "no_finding", "not_assessed", "failed")
    rank = sa.case({outcome: place for place, outcome in enumerate(ranks)}, value=ANALYSES.c.outcome)
    later = ANALYSES.alias()
    is_newest = ~sa.exists().where(later.c.image_id == ANALYSES.c.image_id, later.c.id > ANALYSES.c.id)
    lead = sa.select(ANALYSES.c[column]).join(IMAGES, ANALYSES.c.image_id == IMAGES.c.id)
    lead = lead.where(IMAGES.c.study_id == STUDIES.c.id, is_newest)
    return lead.order_by(rank, ANALYSES.c.lead_probability.desc(), ANALYSES.c.id).limit(1).scalar_subquery()
