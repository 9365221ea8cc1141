"""The drawn rows of the bench, and the reads that are measured among them: never among real ones."""

from dataclasses import replace

import pytest

from app.entities import Analysis, Image, SearchTerm, Study, User
from app.extensions import db
from app.services.studies import search
from bench import history, rows
from bench.effort import QUICK
from bench.rows import CLINICIAN, PASSWORD, NotEmpty, Population
from bench.table import to_markdown
from tests.conftest import DATABASE_URL, remake_tables
from tests.sending import make_study

pytestmark = pytest.mark.usefixtures("networks")
EFFORT = replace(QUICK, analyses=(600, 1000), reads=2)
IS_SQLITE = DATABASE_URL.startswith("sqlite")
POPULATION = Population(analyses=700, share=0.2, others=5)


def stored() -> list[tuple]:
    """What tells one filling from another."""
    columns = (Study.key, Study.created_at, Study.owner_id, Study.patient_name, Study.lead_label, Study.outcome)
    return [tuple(row) for row in db.session.execute(db.select(*columns).order_by(Study.id))]


def owner_share(population: Population) -> float:
    rows.fill(population)
    owned = db.session.query(Study).join(Study.owner).filter(User.email == CLINICIAN).count()
    return owned / db.session.query(Study).count()


def test_draws_as_many_analyses_as_asked_and_the_same_each_time(app):
    rows.fill(POPULATION)
    first = stored()
    failed = db.session.query(Image).filter_by(status="failed").count()
    assert 0 < failed < 35
    assert db.session.query(Analysis).count() + failed == db.session.query(Image).count() == 700
    assert 500 < len(first) < 700
    db.session.remove()
    remake_tables()
    rows.fill(POPULATION)
    assert stored() == first


@pytest.mark.parametrize(("share", "least", "most"), [(0.2, 0.15, 0.25), (1, 1, 1), (0, 0, 0)])
def test_the_clinician_owns_their_share(app, share, least, most):
    assert least <= owner_share(Population(analyses=700, share=share, others=5)) <= most


def test_drawn_studies_are_like_those_that_are_sent(app, client):
    rows.fill(POPULATION)
    for study in db.session.query(Study).filter(Study.id % 50 == 0):
        assert [image.position for image in study.images] == list(range(len(study.images)))
        terms = {term.term for term in search.make_terms(study)}
        assert {term.term for term in db.session.query(SearchTerm).filter_by(study_id=study.id)} == terms
    newest = db.session.query(Study).join(Study.owner).filter(User.email == CLINICIAN, Study.deleted_at.is_(None))
    key = newest.order_by(Study.created_at.desc()).first().key
    db.session.remove()
    assert client.post("/auth/login", data={"email": CLINICIAN, "password": PASSWORD}).status_code == 302
    assert f"/studies/{key}" in client.get("/studies").text
    assert client.get(f"/studies/{key}").status_code == 200


def test_the_indexes_are_all_there_afterwards(app):
    rows.fill(POPULATION)
    for table in db.metadata.sorted_tables:
        found = {index["name"] for index in db.inspect(db.engine).get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= found


def test_refuses_a_database_that_holds_anything(app, make_user):
    study = make_study(make_user())
    with pytest.raises(NotEmpty, match="nothing was written"):
        rows.fill(POPULATION)
    assert [row.id for row in db.session.query(Study)] == [study.id]
    assert db.session.query(User).count() == 1


def test_measures_every_read_among_few_and_among_many(app, monkeypatch, capsys):
    """SQLite files, which get their tables by migration, and the empty tables of the tests if these are elsewhere."""
    monkeypatch.setenv(history.DATABASE, "" if IS_SQLITE else DATABASE_URL)
    found = history.measure(EFFORT)
    assert len({line.part for line in found}) == (1 if IS_SQLITE else 2)
    assert ("SQLite alone" in capsys.readouterr().err) == IS_SQLITE
    assert db.session.query(User).count() == 0
    for part in {line.part for line in found}:
        times = [line for line in found if (line.part, line.unit) == (part, "ms")]
        growths = [line for line in found if (line.part, line.unit) == (part, "times")]
        assert len(times) == len(growths) == 11
        assert all(line.target.is_of_p95 and "1,000 analyses" in line.what and line.n == 2 for line in times)
        assert all(line.target.limit == 2 and line.what.endswith("growth from 600") for line in growths)
    assert to_markdown({}, found)


def test_leaves_out_a_database_that_holds_anything(make_user, tmp_path, monkeypatch, capsys):
    url = DATABASE_URL if not IS_SQLITE else f"sqlite:///{tmp_path / 'rows.db'}"
    make_user()
    if IS_SQLITE:
        with rows.make_app(url).app_context():
            rows.fill(Population(analyses=1))
            db.engine.dispose()
    monkeypatch.setenv(history.DATABASE, url)
    assert {line.part for line in history.measure(EFFORT)} == {"History: SQLite"}
    assert "nothing was written" in capsys.readouterr().err
