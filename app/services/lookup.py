"""Conditions on what people look for, in the form that a database answers quickly."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, null
from sqlalchemy.orm import InstrumentedAttribute

from app.extensions import db
from app.services.paging import MOST_COUNTED, PER_PAGE, Conditions

# Up to so many rows that a search finds are sorted. If it finds more, each row of the list in turn is asked whether it
# is one of them: with so many, the page is soon full, but in the order of names, if only the last names begin so.
FEW = 2000
LAST_LETTER = "\U0010ffff"


@dataclass(frozen=True)
class Match:
    """What is looked for, so far: conditions, how far a list of these rows is counted, whether they are named by id."""

    conditions: Conditions
    most_counted: int = MOST_COUNTED
    is_by_id: bool = False


ANY, NOTHING = Match([]), Match([false()])


def match(ids: Select[tuple[int]], column: InstrumentedAttribute[Any], conditions: Conditions) -> Match:
    """The rows that have one of `ids`, which an index gives, in `column`; `conditions` say the same of a single row.

    Further conditions on rows that are named by id should be on `unindexed` columns.
    """
    few = list(db.session.scalars(ids.limit(FEW + 1)))
    # To count more than a page of many rows would be to ask each of them.
    return Match(conditions, PER_PAGE) if len(few) > FEW else Match([column.in_(few)], is_by_id=True)


def indexed(column: InstrumentedAttribute[Any]) -> InstrumentedAttribute[Any]:
    """A column in the form that an index serves: itself."""
    return column


def unindexed(column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """The same values, in a form that no index serves: for conditions by which a database must not choose its way."""
    return func.coalesce(column, null(), type_=column.type)


def begins_with(column: ColumnElement[Any] | InstrumentedAttribute[Any], text: str) -> ColumnElement[bool]:
    """The condition that `column` begins so, as one range of its index."""
    return and_(column >= text, column <= text + LAST_LETTER)


def like_pattern(text: str) -> str:
    r"""A LIKE pattern (ESCAPE '\') that finds `text` anywhere, its own % and _ taken literally."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
