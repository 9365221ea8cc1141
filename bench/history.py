"""The history with few and with many analyses: the same pages, read from SQLite and from MariaDB.

Each number is a request to the application itself, with its views, services and templates, without HTTP. The rows are
drawn by bench.rows, into a temporary SQLite file and into the empty database that BENCH_DATABASE_URL names, which is
emptied again.
"""

import gc
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

import models
from app.entities import Study, User
from app.extensions import db
from bench.effort import Effort
from bench.rows import ADMIN, CLINICIAN, PASSWORD, SINCE, SPAN, STEMS, NotEmpty, Population, fill, make_app
from bench.table import Row, Target, ratio, row
from bench.timing import milliseconds

PART = "History"
QUICK_ENOUGH = Target(100, is_of_p95=True)
GROWTH = Target(2)
DATABASE = "BENCH_DATABASE_URL"
MIDDLE = (SINCE + SPAN / 2).item()
YEAR = {"date_from": "2025-01-01", "date_to": "2025-12-31"}
SHARE = 0.1  # of the studies that the clinician sent
FREQUENT_NAME = STEMS.split()[0]  # one family name in twenty begins so
CSRF_TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')


class Read(NamedTuple):
    """What a user asks for, in words and as an address."""

    user: str
    name: str
    address: str


def measure(effort: Effort) -> list[Row]:
    """Rows of each read in SQLite, and in the database of BENCH_DATABASE_URL if that is set and empty."""
    url, rows = os.environ.get(DATABASE, ""), []
    if url:
        try:
            rows = _measure_database((url, url), effort)
        except NotEmpty as refusal:
            print(f"history: the database of {DATABASE} is left out. {refusal}", file=sys.stderr)
    else:
        print(f"history: SQLite alone. To measure MariaDB too, set {DATABASE} to an empty database.", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        files = [f"sqlite:///{Path(folder, str(size))}.db" for size in effort.analyses]
        return _measure_database(files, effort) + rows


def list_reads() -> list[Read]:
    """What is measured, in the database of the current application: an admin reads all studies, a clinician their own.

    Where a read finds more than one patient, ten thousand analyses fill its page as well: the page does not grow.
    """
    return [
        Read(CLINICIAN, "dashboard (after sign-in)", "/"),
        *_history_reads(CLINICIAN, "own"),
        *_history_reads(ADMIN, "all"),
    ]


def middle_study(email: str) -> Study:
    """A study with a reference, with half of the user's studies before it and half after it."""
    user = db.session.scalars(select(User).where(User.email == email)).one()
    studies = select(Study).where(Study.deleted_at.is_(None), Study.created_at < MIDDLE, Study.patient_reference != "")
    if not user.sees_all_studies:
        studies = studies.where(Study.owner_id == user.id)
    return db.session.scalars(studies.order_by(Study.created_at.desc()).limit(1)).one()


def sign_in(app: Flask, email: str) -> FlaskClient:
    """A client of one of the users that bench.rows has made."""
    client = app.test_client()
    token = CSRF_TOKEN.search(client.get("/auth/login").text).group(1)
    response = client.post("/auth/login", data={"email": email, "password": PASSWORD, "csrf_token": token})
    if response.status_code != 302:
        raise RuntimeError(f"The sign-in of {email} answered {response.status_code}.")
    return client


def _history_reads(email: str, whose: str) -> Iterator[Read]:
    middle, task = middle_study(email), models.all_tasks()[0]
    label = {"task": task.name, "label": f"{task.name}:{task.labels[0].key}"}
    for name, args in (
        ("first page", {}),
        ("deep page", {"after": middle.key}),
        ("one patient", {"q": middle.patient_reference}),
        ("a frequent name", {"q": FREQUENT_NAME}),
        ("task, label and year", label | YEAR),
    ):
        yield Read(email, f"{whose} studies, {name}", f"/studies?{urlencode(args)}")


def _measure_database(urls: Sequence[str], effort: Effort) -> list[Row]:
    """Rows of one kind of database: few analyses at the first URL, many at the second, which may be the same."""
    fewest, most = effort.analyses
    populations = [Population(analyses=size, share=SHARE) for size in effort.analyses]
    (_, few), (name, many) = (_times(*place, effort.reads) for place in zip(urls, populations, strict=True))
    part, rows = f"{PART}: {name}", []
    for what in many:
        base = row(part, f"{what}, {fewest:,} analyses", "ms", few[what])
        line = row(part, f"{what}, {most:,} analyses", "ms", many[what], QUICK_ENOUGH)
        rows += [line, ratio(part, f"{what}, growth from {fewest:,}", line, base, GROWTH)]
    return rows


def _times(url: str, population: Population, repeats: int) -> tuple[str, dict[str, list[float]]]:
    """The name of the database, and the milliseconds of each read in it once it is filled. Raises NotEmpty."""
    app = make_app(url)
    with _filled(app, population):
        with app.app_context():
            name, reads = _database_name(), list_reads()
        # As gunicorn.conf.py does: no collection of this process's own rows falls into a request.
        gc.collect()
        gc.freeze()
        # Out of that context: each request makes its own and finds no row in the memory of a former one.
        clients = {email: sign_in(app, email) for email in (CLINICIAN, ADMIN)}
        return name, milliseconds({read.name: partial(_ask, clients[read.user], read) for read in reads}, repeats)


@contextmanager
def _filled(app: Flask, population: Population) -> Iterator[None]:
    """A database that was empty before and is so again afterwards."""
    with app.app_context():
        fill(population)
    try:
        yield
    finally:
        with app.app_context():
            db.drop_all()
            db.create_all()
            db.engine.dispose()


def _ask(client: FlaskClient, read: Read) -> None:
    response = client.get(read.address, follow_redirects=True)
    if response.status_code != 200:
        raise RuntimeError(f"{read.address} answered {response.status_code}.")


def _database_name() -> str:
    dialect = db.engine.dialect
    if dialect.name == "sqlite":
        return "SQLite"
    return "MariaDB" if dialect.is_mariadb else "MySQL"
