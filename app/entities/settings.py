"""What an admin may change while the application runs."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.entities.base import Entity


class Setting(Entity):
    """What an admin may change while the application runs: see services.settings.DEFAULTS."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(40), unique=True)
    value: Mapped[str] = mapped_column(String(500))
