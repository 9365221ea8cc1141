"""The migrations: up and down with data in them, and the head makes exactly the tables of the entities."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, stamp, upgrade
from sqlalchemy.exc import IntegrityError

from app.entities import (
    Analysis,
    ApiToken,
    AuditEvent,
    Finding,
    Image,
    Report,
    Review,
    SearchTerm,
    Setting,
    Study,
    User,
)
from app.extensions import db
from app.services import health, studies
from app.services.report import build_report
from app.services.studies import search
from app.services.studies.find import StudyFilter
from app.services.studies.state import status_of
from tests.conftest import DATABASE_URL, drop_tables, make_app, remake_tables


@pytest.fixture
def bare_app(tmp_path, schema) -> Iterator[Flask]:
    """An application whose database has no tables."""
    url = f"sqlite:///{tmp_path / 'lumen.db'}" if DATABASE_URL.startswith("sqlite") else DATABASE_URL
    app = make_app(tmp_path / "files", database_url=url)
    with app.app_context():
        drop_tables()
        yield app
        db.session.remove()
        remake_tables()
        db.engine.dispose()


def tables() -> set[str]:
    return set(db.inspect(db.engine).get_table_names()) - {"alembic_version"}


def store_one_of_each() -> None:
    user = User(email="anna@ward.local", name="Anna 🩻", password_hash="x", role="admin")
    db.session.add(user)
    db.session.flush()
    term = SearchTerm(term="unicode", owner_id=user.id)
    study = Study(owner=user, terms=[term], task="chest", patient_name="Ünïcode", note="n" * 2000)
    image = Image(
        study=study,
        position=0,
        original_name="f.jpg",
        sha256="0" * 64,
        byte_size=1,
        width=1,
        height=1,
        media_type="image/jpeg",
        stored_name="00/x.jpg",
    )
    analysis = Analysis(image=image, task="chest", outcome="finding", lead_probability=0.1 + 0.2, timings_ms={"a": 1.5})
    db.session.add_all(
        [
            Finding(analysis=analysis, head="h", label="l", probability=1 / 3, decision="likely"),
            Review(study=study, reviewer=user, agrees=False),
            Report(study=study, author=user, sha256="0" * 64, byte_size=1, stored_name="00/x.pdf"),
            ApiToken(user=user, name="t", token_sha256="0" * 64),
            Setting(name="institution", value="Ward"),
            AuditEvent(action="login.ok", user=user),
        ]
    )
    db.session.commit()


def test_goes_up_and_down_with_data_in_it(bare_app):
    for _ in range(2):
        upgrade()
        store_one_of_each()
        finding = db.session.scalar(db.select(Finding))
        assert finding.probability == 1 / 3
        assert finding.analysis.lead_probability == 0.1 + 0.2
        assert finding.analysis.image.study.owner.name == "Anna 🩻"
        db.session.remove()
        downgrade(revision="base")
        assert tables() == set()


def test_the_head_makes_the_tables_of_the_entities(bare_app):
    upgrade()
    assert tables() == set(db.metadata.tables)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


NAMES = ("Özil, Änne", "Łukasz Sørensen", "Ada King Lovelace", "", "Владимир", "n" * 120, "a b c d e f g h i", "𠮷")
SENT = datetime(2026, 1, 2, 3, 4, 5, 678)


def store_as_at_first(count: int) -> None:
    """Studies in the tables of 0001: each with one image, some reviewed once or twice, every seventh deleted."""
    tables = db.MetaData()
    tables.reflect(db.engine)

    def insert(table: str, rows: list[dict]) -> None:
        db.session.execute(tables.tables[table].insert(), [{"created_at": SENT} | row for row in rows])

    user = {"password_hash": "x", "role": "clinician", "is_enabled": True, "must_change_password": False}
    insert("users", [user | {"id": 1, "email": "a@b.c", "name": "Anna", "session_key": "0" * 32}])
    study = {"owner_id": 1, "task": "chest", "task_detected": False, "note": "", "outcome": "finding", "lead_label": ""}
    image = {"position": 0, "byte_size": 1, "width": 1, "height": 1, "media_type": "image/png", "stored_name": "x"}
    review = {"reviewer_id": 1, "correct_label": "", "comment": ""}
    numbers = range(1, count + 1)
    insert("studies", [
        study | {"id": number, "key": f"{number:032x}", "patient_name": NAMES[number % len(NAMES)],
                 "patient_reference": f"MRN-{number:05}", "deleted_at": None if number % 7 else SENT}
        for number in numbers
    ])  # fmt: skip
    insert("images", [
        image | {"key": f"{number:032x}", "study_id": number, "original_name": f"Knee_{number}.PNG", "sha256": "0" * 64}
        for number in numbers
    ])  # fmt: skip
    insert("reviews", [
        review | {"study_id": study, "agrees": agrees}
        for study, agrees in ((1, True), (2, False), (3, False), (3, True), (4, True), (4, False))
    ])  # fmt: skip
    db.session.commit()
    db.session.remove()


def shape() -> dict[str, tuple]:
    """Each table's columns and indexes, those that the server makes for references left out."""
    inspector = db.inspect(db.engine)
    return {
        table: (
            {column["name"] for column in inspector.get_columns(table)},
            {(index["name"], *index["column_names"]) for index in inspector.get_indexes(table)
             if index["name"].startswith("ix_")},
        )
        for table in tables()
    }  # fmt: skip


def test_studies_of_the_first_release_are_found_and_keep_their_reviews(bare_app):
    """More of them than one portion, with all that names and files are made of."""
    upgrade(revision="0001")
    store_as_at_first(1050)
    upgrade()
    viewer = db.session.get(User, 1)
    assert [study.id for study in studies.list_studies(StudyFilter(q="mrn 01049"), viewer).items] == [1049]
    assert [study.id for study in studies.list_studies(StudyFilter(q="KNEE-2.png"), viewer).items] == [2]
    stored: dict[int, set] = {number: set() for number in range(1, 1051)}
    for term in db.session.query(SearchTerm).filter_by(owner_id=1):
        stored[term.study_id].add(term.term)
    for study in db.session.query(Study):
        assert stored[study.id] == {term.term for term in search.make_terms(study)}, study.patient_name
    states = dict(db.session.execute(db.select(Study.id, Study.review_state).where(Study.id < 6)).tuples().all())
    assert states == {1: "agreed", 2: "disagreed", 3: "agreed", 4: "disagreed", 5: "none"}


def test_an_upgrade_that_was_interrupted_goes_on(bare_app):
    upgrade(revision="0001")
    store_as_at_first(20)
    upgrade()
    terms = db.session.query(SearchTerm).count()
    db.session.remove()
    stamp(revision="0001")
    upgrade()
    assert db.session.query(SearchTerm).count() == terms > 20
    study = db.session.get(Study, 2)
    assert (study.review_state, study.status) == ("disagreed", "waiting")


def test_the_way_back_ends_where_it_began(bare_app):
    upgrade(revision="0001")
    before = shape()
    store_as_at_first(20)
    upgrade()
    assert shape() != before
    downgrade(revision="0001")
    assert shape() == before
    assert db.session.scalar(db.select(db.func.count()).select_from(db.table("studies"))) == 20


# Outcome of a study of 0004 -> outcomes of the analyses of each of its images, the oldest first.
STATES = [
    ("finding", [["finding"]]),
    ("failed", [["failed", "failed"]]),
    ("finding", [["failed", "finding"]]),
    ("pending", [[], []]),
    ("no_finding", [["no_finding"], ["failed"]]),
    ("failed", [["failed"], ["failed"]]),
    ("inconclusive", [["no_finding"], ["inconclusive"], ["failed"], ["not_assessed"]]),
    ("not_assessed", [["not_assessed"]]),
]
LEADS = {"finding": ("pneumonia", 0.9), "inconclusive": ("pneumonia", 0.6), "no_finding": ("normal", 0.8)}
STUDY_COLUMNS = "SELECT outcome, lead_label, lead_probability FROM studies ORDER BY id"
ANALYSES = "SELECT image_id, outcome, reason, lead_label, created_at FROM analyses ORDER BY image_id, id"


def store_states() -> None:
    """Studies in the tables of 0004, in every state that there was."""
    metadata = db.MetaData()
    metadata.reflect(db.engine)
    add = {name: lambda table=table, **row: db.session.execute(table.insert().values(created_at=SENT, **row)).lastrowid
           for name, table in metadata.tables.items() if name != "alembic_version"}  # fmt: skip
    add["users"](id=1, email="a@b.c", name="Anna", password_hash="x", role="admin", is_enabled=True,
                 session_key="0" * 32, must_change_password=False)  # fmt: skip
    for number, (outcome, images) in enumerate(STATES, 1):
        label, probability = LEADS.get(outcome, ("", None))
        add["studies"](id=number, key=f"{number:032x}", owner_id=1, task="chest", task_detected=False, note="",
                       patient_name="", patient_reference="", outcome=outcome, lead_label=label,
                       lead_probability=probability)  # fmt: skip
        for position, runs in enumerate(images):
            image = add["images"](key=f"{10 * number + position:032x}", study_id=number, position=position,
                                  original_name="f", sha256="0" * 64, byte_size=1, width=1, height=1,
                                  media_type="image/png", stored_name="x")  # fmt: skip
            for run in runs:
                label, probability = LEADS.get(run, ("", None))
                add["analyses"](image_id=image, task="chest", network="cnn", weights_version="1", weights_sha256="0",
                                outcome=run, reason="It broke." if run == "failed" else "", lead_label=label,
                                lead_probability=probability, suggested_task="",
                                timings_ms=db.literal_column("'{}'"))  # fmt: skip
    db.session.commit()
    db.session.remove()


def read(statement: str) -> list[tuple]:
    rows = [tuple(row) for row in db.session.execute(db.text(statement))]
    db.session.remove()
    return rows


def test_outcomes_of_the_fourth_release_become_states_and_again_outcomes(bare_app):
    upgrade(revision="0004")
    store_states()
    studies_before, analyses_before = read(STUDY_COLUMNS), read(ANALYSES)
    upgrade()
    stored = {study.id: study for study in db.session.query(Study).order_by(Study.id)}
    assert [(study.status, study.outcome, study.lead_label, study.lead_probability) for study in stored.values()] == [
        ("done", "finding", "pneumonia", 0.9),
        ("incomplete", "", "", None),
        ("done", "finding", "pneumonia", 0.9),
        ("waiting", "", "", None),
        ("incomplete", "", "", None),
        ("incomplete", "", "", None),
        ("incomplete", "", "", None),
        ("done", "not_assessed", "", None),
    ]
    assert [[image.status for image in study.images] for study in stored.values()] == [
        ["done"], ["failed"], ["done"], ["received"] * 2, ["done", "failed"], ["failed"] * 2,
        ["done", "done", "failed", "done"], ["done"],
    ]  # fmt: skip
    failed = stored[5].images[1]
    assert (failed.analyses, failed.failure_code, failed.failure_values) == ([], "", {})
    assert (failed.failure_text, failed.failed_at) == ("It broke.", SENT)
    assert build_report(stored[5]).images[1].reason == "It broke."
    assert "failed" not in {analysis.outcome for analysis in db.session.query(Analysis)}
    assert {status_of([image.status for image in study.images]) == study.status for study in stored.values()} == {True}
    states = [study.status for study in stored.values()]
    db.session.remove()
    downgrade(revision="0004")
    assert read(STUDY_COLUMNS) == studies_before
    # Of an image that failed again and again the last time is kept, of one that was answered since, none.
    assert [row[:4] for row in read(ANALYSES)] == [
        row[:4]
        for place, row in enumerate(analyses_before)
        if row[1] != "failed" or row[0] not in {later[0] for later in analyses_before[place + 1 :]}
    ]
    upgrade()
    assert [study.status for study in db.session.query(Study).order_by(Study.id)] == states


def test_an_upgrade_that_is_done_does_nothing(bare_app):
    upgrade()
    store_one_of_each()
    db.session.remove()
    upgrade()
    assert db.session.query(Study).count() == 1


def test_readiness_asks_for_the_tables_of_this_release(bare_app):
    assert "flask --app wsgi db upgrade" in health.database_trouble()
    upgrade()
    assert health.database_trouble() == ""
    db.session.execute(db.text("UPDATE alembic_version SET version_num = '0000'"))
    db.session.commit()
    assert "another release" in health.database_trouble()


def test_references_are_held(bare_app):
    upgrade()
    db.session.add(ApiToken(user_id=999, name="t", token_sha256="0" * 64))
    with pytest.raises(IntegrityError):
        db.session.commit()
