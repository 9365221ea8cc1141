"""What all tables have in common. Entities hold data and answer questions about it; services write and commit.

Times are UTC, naive in Python, with microseconds in the database. Public keys (`key`) are random: an address never
tells how many rows there are, nor lets the next one be guessed.
"""

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db

UtcDateTime = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
# Of an INTEGER column; a larger number in an address cannot even be asked for.
MAX_ID = 2**31 - 1


def utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def new_key() -> str:
    """A random public key: 32 hexadecimal characters, 128 bits."""
    return secrets.token_hex(16)


class Entity(db.Model):  # type: ignore[name-defined] # Flask-SQLAlchemy makes this class when it runs
    __abstract__ = True
    __table_args__: tuple[Any, ...] | dict[str, Any] = {"mysql_charset": "utf8mb4"}

    id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"
