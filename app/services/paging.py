"""Lists in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from app.extensions import db

PER_PAGE = 25


@dataclass(frozen=True)
class Page:
    """One page of a list: `page` counts from 1 to `pages`, which is at least 1."""

    items: Sequence[Any]
    total: int
    page: int
    pages: int


def page_number(text: str | None) -> int:
    """The page that a query argument asks for; nonsense means the first."""
    text = text or ""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def paginate(statement: Select, page: int, per_page: int = PER_PAGE) -> Page:
    """The rows of one page of `statement` (which selects one entity); a page past the end gives the last one."""
    total = db.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery()))
    pages = max(1, -(-total // per_page))
    page = min(max(1, page), pages)
    rows = db.session.scalars(statement.limit(per_page).offset((page - 1) * per_page))
    return Page(items=list(rows), total=total, page=page, pages=pages)


def like_pattern(text: str) -> str:
    r"""A LIKE pattern (ESCAPE '\') that finds `text` anywhere, its own % and _ taken literally."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
