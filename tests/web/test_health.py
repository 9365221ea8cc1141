from flask_migrate import stamp
from sqlalchemy.exc import OperationalError

import models
from app.extensions import db


def test_live_asks_nothing(client, monkeypatch):
    monkeypatch.setattr(db.session, "scalars", lambda *_: 1 / 0)
    assert client.get("/health/live").json == {"status": "ok"}


def test_ready_lists_the_tasks(client, networks):
    stamp()
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json == {
        "status": "ok",
        "database": "ok",
        "decoders": "ok",
        "tasks": {task.name: "ok" for task in models.all_tasks()},
    }
    assert len(response.json["tasks"]) == 5


def test_ready_tells_which_network_is_missing(client, networks):
    stamp()
    networks.missing["brain"] = "The network of Brain MRI is not installed."
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json["tasks"]["brain"] == "The network of Brain MRI is not installed."
    assert response.json["tasks"]["chest"] == "ok"


def test_ready_tells_that_the_database_is_away(client, networks, monkeypatch):
    def fail(*_args, **_kwargs):
        raise OperationalError("SELECT", {}, ConnectionError("db.internal refused"))

    monkeypatch.setattr(db.session, "scalars", fail)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert "does not answer" in response.json["database"] and "db.internal" not in response.text
