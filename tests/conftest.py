"""Fixtures: a new application and an empty database for each test, clients that judge pages, fake networks.

The database is SQLite in memory, or the one that TEST_DATABASE_URL names: its tables are dropped and made anew.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, current_app, request

import models
from app import create_app
from app.entities import Role, User
from app.extensions import db
from app.services.accounts import passwords, tokens
from config import Testing
from models import deployment
from tests.actors import by
from tests.fakes import FakeNetworks
from tests.pages import PageClient

DATABASE_URL = os.environ.get("TEST_DATABASE_URL") or "sqlite://"
PASSWORD = "correct horse battery"


def make_app(files: Path, database_url: str = DATABASE_URL, **settings) -> Flask:
    """An application for tests; `settings` override those of config.Testing."""
    config = Testing()
    config.FILES_ROOT = str(files)
    config.SQLALCHEMY_DATABASE_URI = database_url
    app = create_app(config)
    app.config.update(settings)
    app.test_client_class = PageClient
    app.after_request(_note_unsaved)
    return app


def _note_unsaved(response: Response) -> Response:
    session = db.session
    if response.status_code < 400 and (session.new or session.dirty or session.deleted):
        current_app.extensions["unsaved"] = f"{request.method} {request.path}"
    return response


@pytest.fixture(scope="session")
def schema(tmp_path_factory) -> None:
    """The tables of a database server, made once: that takes longer than most tests."""
    if not DATABASE_URL.startswith("sqlite"):
        app = make_app(tmp_path_factory.mktemp("schema"))
        with app.app_context():
            remake_tables()
            db.engine.dispose()


def remake_tables() -> None:
    """Drop every table, whoever made it, and make those of the entities."""
    drop_tables()
    db.create_all()


def drop_tables() -> None:
    """Drop every table of the database, in an order that its references allow."""
    found = db.MetaData()
    found.reflect(db.engine)
    found.drop_all(db.engine)


@pytest.fixture
def database_url() -> str:
    """Where the tables are; a file overrides it whose tests need more than one thread or process."""
    return DATABASE_URL


@pytest.fixture
def app(tmp_path, schema, database_url) -> Iterator[Flask]:
    """The application, within its context: a test may use entities and services at once."""
    app = make_app(tmp_path / "files", database_url)
    with app.app_context():
        _empty_tables()
        yield app
        db.session.remove()
        db.engine.dispose()


def _empty_tables() -> None:
    if DATABASE_URL.startswith("sqlite"):
        db.create_all()
        return
    for table in reversed(db.metadata.sorted_tables):
        # A row that names another row of its table (a copied study) would keep that one from being deleted.
        for key in table.foreign_keys:
            if key.column.table is table:
                db.session.execute(table.update().values({key.parent.name: None}))
        db.session.execute(table.delete())
    db.session.commit()


@pytest.fixture
def client(app) -> PageClient:
    """Nobody signed in."""
    return app.test_client()


@pytest.fixture
def make_user(app) -> Callable[..., User]:
    """make_user(role="clinician", email=..., name=...): a stored user whose password is PASSWORD."""
    password_hash = passwords.hash_password(PASSWORD)

    def make_user(role: str = Role.CLINICIAN, email: str = "", name: str = "", **facts) -> User:
        number = db.session.query(User).count() + 1
        user = User(
            email=email or f"{role}{number}@ward.local",
            name=name or f"{role.capitalize()} {number}",
            role=role,
            password_hash=password_hash,
            **facts,
        )
        db.session.add(user)
        db.session.commit()
        return user

    return make_user


@pytest.fixture
def sign_in(app, make_user) -> Callable[..., PageClient]:
    """sign_in(role="clinician") or sign_in(user=...): a client of that user, who is its `user`."""

    def sign_in(role: str = Role.CLINICIAN, user: User | None = None) -> PageClient:
        client = app.test_client()
        client.user = user or make_user(role)
        response = client.post("/auth/login", data={"email": client.user.email, "password": PASSWORD})
        assert response.status_code == 302, response.text
        return client

    return sign_in


@pytest.fixture
def clinician(sign_in) -> PageClient:
    return sign_in(Role.CLINICIAN)


@pytest.fixture
def bearer(clinician) -> dict[str, str]:
    """What a script of the clinician sends to the API."""
    _, token = tokens.create_token(user=clinician.user, name="script", actor=by(clinician.user))
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def reviewer(sign_in) -> PageClient:
    return sign_in(Role.REVIEWER)


@pytest.fixture
def admin(sign_in) -> PageClient:
    return sign_in(Role.ADMIN)


@pytest.fixture
def networks(monkeypatch) -> FakeNetworks:
    """Fake networks for all tasks, at once in force; change its attributes to change their answers."""
    fake = FakeNetworks()
    monkeypatch.setattr(models, "predict", fake.predict)
    monkeypatch.setattr(models, "detect_task", fake.detect_task)
    monkeypatch.setattr(models, "network_status", fake.status)
    monkeypatch.setattr(models, "get_card", fake.get_card)
    monkeypatch.setattr(models, "registered_networks", fake.registered_networks)
    monkeypatch.setattr(models, "load_networks", lambda: None)
    return fake


@pytest.fixture
def choose_networks(tmp_path, monkeypatch) -> Iterator[Callable[[str], None]]:
    """choose_networks("chest=cnn"): what LUMEN_NETWORKS says from now on. Registered for each task are `cnn` and
    `mobilenet_v2`, by cards that hold nothing.
    """
    for task in models.all_tasks():
        for name in ("mobilenet_v2", "cnn"):
            folder = tmp_path / "weights" / task.name / name
            folder.mkdir(parents=True)
            (folder / "card.json").touch()
    monkeypatch.setattr(deployment, "WEIGHTS", tmp_path / "weights")

    def choose_networks(words: str) -> None:
        monkeypatch.setenv("LUMEN_NETWORKS", words)
        deployment.current_deployment.cache_clear()

    yield choose_networks
    deployment.current_deployment.cache_clear()
