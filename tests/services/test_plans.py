"""How SQLite reads the lists: from an index, in its order, whatever the number of rows."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

import models
from app.entities import AuditEvent, Study, User
from app.extensions import db
from app.services import lookup
from app.services.accounts import tokens
from bench.history import MIDDLE, YEAR, Read, list_reads, middle_study, sign_in
from bench.rows import ADMIN, CLINICIAN, Population, fill
from tests.actors import by
from tests.conftest import DATABASE_URL

pytestmark = [
    pytest.mark.skipif(not DATABASE_URL.startswith("sqlite"), reason="other databases plan by what they have counted"),
    pytest.mark.usefixtures("networks"),
]
# Tables that grow with every study.
GROWING = ("analyses", "audit_events", "findings", "images", "reports", "reviews", "search_terms", "studies")
# Rows that are named by their keys are few, and may be sorted.
BY_KEY = re.compile(r"SEARCH \w+ USING (INTEGER PRIMARY KEY \(rowid=\?\)|INDEX \w+ \((study|image|analysis)_id=\?\))")


@pytest.fixture
def filled(app, monkeypatch) -> Flask:
    """A few thousand studies; a search finds few of them, as it does of many more."""
    monkeypatch.setattr(lookup, "FEW", 20)
    fill(Population(analyses=3000, share=0.3, others=20))
    return app


def more_reads() -> Iterator[Read]:
    """What the bench does not measure: other orders and directions, exports, the pages of admins."""
    task = models.all_tasks()[0].name
    for email in (CLINICIAN, ADMIN):
        key = middle_study(email).key
        for args in (
            {"before": key},
            {"sort": "oldest"},
            {"q": "m"},
            {"outcome": "finding", "review": "disagreed"},
            {"status": "waiting"},
            {"status": "incomplete", "task": task},
            {"sort": "outcome", "status": "incomplete"},
            {"sort": "patient", "after": key},
            {"sort": "outcome", "after": key},
            {"sort": "patient", "task": task},
            {"sort": "outcome"} | YEAR,
        ):
            yield Read(email, str(args), f"/studies?{urlencode(args)}")
        yield Read(email, "one study", f"/studies/{key}")
        yield Read(email, "export", "/studies.csv")
    sender = db.session.scalars(db.select(Study.owner_id).where(Study.created_at < MIDDLE).limit(1)).one()
    event = db.session.scalars(db.select(AuditEvent.id).where(AuditEvent.created_at < MIDDLE).limit(1)).one()
    for address in (
        f"/studies?user={sender}",
        "/admin/users",
        "/admin/audit",
        f"/admin/audit?after={event}",
        f"/admin/audit?account={CLINICIAN}",
        "/admin/audit?action=study.create",
    ):
        yield Read(ADMIN, address, address)


def statements(client: FlaskClient, address: str, **headers: str) -> list[tuple[str, tuple]]:
    """What a request asks the database, with the parameters."""
    asked = []

    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    response = client.get(address, headers=headers)
    assert response.status_code in (200, 302) and response.get_data() is not None
    event.remove(db.engine, "before_cursor_execute", note)
    return asked


def faults(statement: str, parameters: tuple) -> Iterator[str]:
    """The steps of a statement's plan that read a growing table from end to end, or sort what is read of one."""
    with db.engine.connect() as connection:
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    tables = [step.split()[1] for step in plan if step.startswith(("SCAN", "SEARCH"))]
    for step in plan:
        table = step.split()[1]
        is_page_by_id = f"ORDER BY {table}.id" in statement and "LIMIT" in statement
        if step.startswith("SCAN") and table in GROWING and not is_page_by_id:
            yield f"{step}: {statement}"
        if re.search("TEMP B-TREE.* ORDER BY", step) and tables[0] in GROWING and not any(map(BY_KEY.match, plan)):
            yield f"{step}: {statement}"


@pytest.mark.parametrize("is_analysed", [False, True], ids=["without statistics", "with statistics"])
def test_every_list_is_read_from_an_index_in_its_order(filled, is_analysed):
    if is_analysed:
        db.session.execute(db.text("ANALYZE"))
        db.session.commit()
    clients = {email: sign_in(filled, email) for email in (CLINICIAN, ADMIN)}
    reads = [*list_reads(), *more_reads()]
    db.session.remove()
    found = {}
    for read in reads:
        asked = statements(clients[read.user], read.address)
        assert asked, read.address
        broken = [fault for statement, parameters in asked for fault in faults(statement, parameters)]
        if broken:
            found[read.user, read.name] = broken
    assert not found


def test_programs_read_lists_in_the_same_way(filled):
    _, token = tokens.create_token(
        user=db.session.query(User).filter_by(email=CLINICIAN).one(), name="script", actor=by()
    )
    key = middle_study(CLINICIAN).key
    for address in ("/api/v1/studies", f"/api/v1/studies?after={key}"):
        asked = statements(filled.test_client(), address, Authorization=f"Bearer {token}")
        assert not [fault for statement, parameters in asked for fault in faults(statement, parameters)]


def test_a_deep_page_asks_no_more_than_the_one_after_the_first(filled):
    client = sign_in(filled, ADMIN)
    page, asked = client.get("/studies").text, []
    for _ in range(10):
        address = re.search(r'rel="next" href="([^"]+)"', page).group(1)
        asked.append([statement for statement, _ in statements(client, address)])
        page = client.get(address).text
    assert all(statement == asked[0] for statement in asked)
    assert not any("OFFSET" in statement and "count(" in statement.lower() for statement in asked[0])
