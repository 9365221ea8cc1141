"""The beginnings by which a search finds a study, of the studies that are there as well."""

import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"

MAX_TERM, MAX_WORDS = 64, 8
PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})
PORTION = 1000
TERM = sa.String(length=64).with_variant(mysql.VARCHAR(64, collation="utf8mb4_bin"), "mysql", "mariadb")
STUDIES = sa.table(
    "studies", *(sa.column(name) for name in ("id", "owner_id", "patient_name", "patient_reference"))
)
IMAGES = sa.table("images", sa.column("study_id"), sa.column("original_name"))
TERMS = sa.table("search_terms", sa.column("study_id"), sa.column("term", TERM), sa.column("owner_id"))


def upgrade():
    # A database that was interrupted here cannot take back a new table: done again, this begins anew.
    if sa.inspect(op.get_bind()).has_table("search_terms"):
        op.drop_table("search_terms")
    op.create_table(
        "search_terms",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("term", TERM, nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_search_terms_owner_id_users"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_search_terms_study_id_studies"),
        sa.PrimaryKeyConstraint("study_id", "term", name="pk_search_terms"),
        mysql_charset="utf8mb4",
        sqlite_with_rowid=False,
    )
    _fill(op.get_bind())
    op.create_index("ix_search_terms_owner_id_term_study_id", "search_terms", ["owner_id", "term", "study_id"])
    op.create_index("ix_search_terms_term_study_id", "search_terms", ["term", "study_id"])


def downgrade():
    op.drop_table("search_terms")


def _fill(connection):
    """Portion after portion, so that any number of studies takes the same memory."""
    last = 0
    while studies := connection.execute(
        sa.select(STUDIES).where(STUDIES.c.id > last).order_by(STUDIES.c.id).limit(PORTION)
    ).all():
        first, last = studies[0].id, studies[-1].id
        files = {study.id: [] for study in studies}
        for image in connection.execute(sa.select(IMAGES).where(IMAGES.c.study_id.between(first, last))):
            files[image.study_id].append(image.original_name)
        rows = [
            {"study_id": study.id, "term": term, "owner_id": study.owner_id}
            for study in studies
            for term in sorted(_terms(study.patient_name, study.patient_reference, files[study.id]))
        ]
        if rows:
            connection.execute(TERMS.insert(), rows)


# As in app/services/studies/search.py on the day of this migration.
def _terms(patient_name, patient_reference, file_names):
    texts = {*_turns(_fold(patient_name)), *_turns(_fold(patient_reference)), *map(_fold, file_names)}
    return {text[:MAX_TERM].rstrip() for text in texts} - {""}


def _fold(text):
    letters = unicodedata.normalize("NFKD", text.casefold()).translate(PLAIN)
    bare = (letter for letter in letters if not unicodedata.combining(letter))
    kept = (letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in bare)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def _turns(text):
    words = text.split()[:MAX_WORDS]
    for start in range(len(words)):
        yield " ".join(words[start:] + words[:start])
