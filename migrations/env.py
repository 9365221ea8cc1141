"""How Alembic reaches the database: the application's own engine, one transaction for each migration."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection, text

from app.extensions import db


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def migrate() -> None:
    """Run the migrations that are asked for, on a connection of their own."""
    with db.engine.connect() as connection:
        if _is_sqlite(connection):
            # Altering a table in SQLite means to copy, drop and rename it; dropping must not follow its references.
            connection.execute(text("PRAGMA foreign_keys = OFF"))
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transaction_per_migration=True,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()
        if _is_sqlite(connection):
            connection.commit()
            connection.execute(text("PRAGMA foreign_keys = ON"))
            connection.commit()


if context.is_offline_mode():
    raise RuntimeError("Migrations need a database to run on: leave out --sql.")
migrate()
