"""Flask extensions: instances only, bound to the application by create_app."""

import sqlite3
from pathlib import Path

from flask import Flask
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine, MetaData, event

# Constraint names are fixed so that migrations can name what they alter, on SQLite and MySQL alike.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

db = SQLAlchemy(metadata=MetaData(naming_convention=NAMING))
migrate = Migrate(directory=str(Path(__file__).parents[1] / "migrations"), render_as_batch=True)
login_manager = LoginManager()
csrf = CSRFProtect()


def register(app: Flask) -> None:
    """Bind the extensions to the application."""
    db.init_app(app)
    migrate.init_app(app, db)
    login_manager.init_app(app)
    csrf.init_app(app)


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection, _record) -> None:
    """SQLite forgets these with each connection: keep references whole, let readers and a writer work at once."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA busy_timeout = 10000")
