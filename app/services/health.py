"""Whether the parts that Lumen needs do answer."""

import logging

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

import models
from app.extensions import db
from app.services import decoders

log = logging.getLogger("lumen")


def database_trouble() -> str:
    """Why the database cannot be used; "" when it answers and its tables are those of this release."""
    try:
        versions = db.session.scalars(text("SELECT version_num FROM alembic_version")).all()
    except SQLAlchemyError as error:
        log.error("The database failed: %s", type(error).__name__, exc_info=error)
        db.session.rollback()
        return "The database does not answer or has no tables yet: run `flask --app wsgi db upgrade`."
    if versions != list(_head_versions()):
        return "The tables are of another release: run `flask --app wsgi db upgrade`."
    return ""


def _head_versions() -> tuple[str, ...]:
    config = current_app.extensions["migrate"].migrate.get_config()
    return tuple(ScriptDirectory.from_config(config).get_heads())


def decoders_trouble() -> str:
    """Why no image can be read; "" as long as the processes that read them come up, or none was started yet."""
    return "" if decoders.are_available() else "The processes that read images do not start: see the server's log."


def network_troubles() -> dict[str, str]:
    """For each task why its network cannot be used; "" when it is loaded and its hash is right."""
    return models.network_status()
