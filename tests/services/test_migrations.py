"""The migrations: up and down with data in them, and the head makes exactly the tables of the entities."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy.exc import IntegrityError

from app.entities import (
    Analysis,
    ApiToken,
    AuditEvent,
    Finding,
    Image,
    Report,
    Review,
    Setting,
    Study,
    User,
)
from app.extensions import db
from app.services import health
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
    study = Study(owner=user, task="chest", patient_name="Ünïcode", note="n" * 2000)
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
