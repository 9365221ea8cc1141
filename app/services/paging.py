"""Lists in pages. A page is found by the row beside it and not by its number: a deep one costs what the first one
costs, and rows that arrive between two pages hide none and repeat none.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.base import ExecutableOption

from app.extensions import db

PER_PAGE = 25
# To count further would read more than a page needs, and tell its reader little.
MOST_COUNTED = 1000
PORTION = 200
ID = re.compile(r"[0-9]{1,9}")
KEY = re.compile(r"[0-9a-f]{32}")

Conditions = list[ColumnElement[bool]]


@dataclass(frozen=True)
class Key:
    """A column that rows are ordered by.

    Only the first key of an order may have more to it: `values`, all that the column holds in their order, where that
    is not the alphabet's, and `only`, the one of them that the list is about; or limits of the list, which begins with
    `low` and ends before `high`.
    """

    column: InstrumentedAttribute[Any]
    descending: bool = False
    values: tuple[str, ...] = ()
    only: str = ""
    low: Any = None
    high: Any = None

    def turned(self) -> "Key":
        """The same column the other way round."""
        return replace(self, descending=not self.descending, values=self.values[::-1])

    def limits(self) -> Conditions:
        """What makes a row part of the list."""
        low = [self.column >= self.low] if self.low is not None else []
        return low + ([self.column < self.high] if self.high is not None else [])

    def holds(self, value: Any) -> bool:
        """Can a row of the list have this value?"""
        if self.only:
            return bool(value == self.only)
        return (self.low is None or self.low <= value) and (self.high is None or value < self.high)

    def beyond(self, value: Any) -> Conditions:
        """What comes after a value and is not NULL."""
        # One limit on each side: of two, SQLite may begin to read at the wrong one.
        if self.descending:
            high = value if self.high is None else min(value, self.high)
            return replace(self, high=high).limits()
        if self.low is not None and value < self.low:
            return self.limits()
        return [self.column > value, *replace(self, low=None).limits()]


class Part(NamedTuple):
    """A part of a list that is a single range of an index: what its rows fulfil, and what they are ordered by."""

    conditions: Conditions
    keys: Sequence[Key]


@dataclass(frozen=True)
class Order:
    """A total order: its keys, the last of them unique, and the column by whose values cursors name rows."""

    keys: tuple[Key, ...]
    name: InstrumentedAttribute[Any]

    @property
    def entity(self) -> Any:
        """The class of the rows."""
        return self.name.class_

    def turned(self) -> "Order":
        """The same order backwards."""
        return replace(self, keys=tuple(key.turned() for key in self.keys))

    def within(self, low: Any, high: Any) -> "Order":
        """This order of the rows whose first column is from `low` to below `high`; None is no limit."""
        return replace(self, keys=(replace(self.keys[0], low=low, high=high), *self.keys[1:]))

    def of_only(self, value: str) -> "Order":
        """This order of the rows whose first column has this value; "" is any."""
        return replace(self, keys=(replace(self.keys[0], only=value), *self.keys[1:]))

    def whole(self) -> Iterator[Part]:
        """The whole list, part after part."""
        first, *others = self.keys
        for value in filter(first.holds, first.values):
            yield Part([first.column == value], others)
        if not first.values:
            yield Part(first.limits(), self.keys)

    def after(self, place: Sequence[Any]) -> Iterator[Part]:
        """What lies after a place, which is a value for each key: first the rows that equal it in all keys but the
        last, then in all but the last two, and so on. As one condition no database would read it from an index alone.
        """
        for number in reversed(range(len(self.keys))):
            if number == 0 or self.keys[0].holds(place[0]):
                equal = [key.column == value for key, value in zip(self.keys[:number], place, strict=False)]
                for part in self._beyond(number, place[number]):
                    yield Part(equal + part.conditions, part.keys)

    def _beyond(self, number: int, value: Any) -> Iterator[Part]:
        """What comes after a value of one key."""
        key, others = self.keys[number], self.keys[number + 1 :]
        # Both databases take NULL for the smallest value.
        is_null, not_null = key.column.is_(None), key.column.is_not(None)
        if key.values:
            later = key.values[key.values.index(value) + 1 :]
            yield from (Part([key.column == one], others) for one in filter(key.holds, later))
        elif value is not None:
            yield Part(key.beyond(value), self.keys[number:])
            if key.descending and key.column.expression.nullable:
                yield Part([is_null], others)
        elif not key.descending:
            yield Part([not_null], self.keys[number:])


@dataclass(frozen=True)
class Cursor:
    """Where a page lies: after or before the row of this name; with neither at the start of the list."""

    after: str = ""
    before: str = ""

    @classmethod
    def from_args(cls, args: Mapping[str, str], names: re.Pattern[str] = ID) -> "Cursor":
        """The cursor in query arguments; one that makes no sense is left out."""
        after, before = args.get("after", ""), args.get("before", "")
        return cls(after if names.fullmatch(after) else "", before if names.fullmatch(before) else "")


START = Cursor()


@dataclass(frozen=True)
class Count:
    """How many rows a list has, or that it has more than so many."""

    number: int
    is_exact: bool


@dataclass(frozen=True)
class Page:
    """Some rows of a list that lie side by side. `previous` and `next` name the rows that the neighbouring pages lie
    before and after, "" where there is none. Only the first page counts.
    """

    items: Sequence[Any]
    previous: str = ""
    next: str = ""
    count: Count | None = None

    @property
    def is_first(self) -> bool:
        """Does the list begin with it?"""
        return self.count is not None


def read_page(
    statement: Select[Any],
    order: Order,
    cursor: Cursor,
    *,
    allowed: Conditions | None = None,
    options: Sequence[ExecutableOption] = (),
    most_counted: int = MOST_COUNTED,
) -> Page:
    """The page of `statement`, which selects one entity, at `cursor`. A cursor that names no row that is `allowed`
    stands for the start; the row that it names need not be part of the list, or no longer.

    `options`: how the rows of the page are loaded. `most_counted`: how far the first page counts the list.
    """
    place = _find_place(order, cursor, allowed or [])
    if place is None:
        ids = _read_ids(statement, order.whole(), max(most_counted, PER_PAGE) + 1)
        count = Count(min(len(ids), most_counted), is_exact=len(ids) <= most_counted)
        return _page(order, ids[:PER_PAGE], options, has_next=len(ids) > PER_PAGE, count=count)
    ids = _read_ids(statement, (order if cursor.after else order.turned()).after(place), PER_PAGE + 1)
    has_more, ids = len(ids) > PER_PAGE, ids[:PER_PAGE]
    if cursor.after:
        return _page(order, ids, options, has_previous=True, has_next=has_more)
    return _page(order, ids[::-1], options, has_previous=has_more, has_next=True)


def iter_rows(statement: Select[Any], order: Order, options: Sequence[ExecutableOption] = ()) -> Iterator[Any]:
    """All rows of `statement` in their order, read in portions: for exports of any length."""
    ids = _read_ids(statement, order.whole(), PORTION)
    while ids:
        rows = _load(order, ids, options)
        yield from rows
        place = [getattr(rows[-1], key.column.key) for key in order.keys]
        ids = _read_ids(statement, order.after(place), PORTION) if len(ids) == PORTION else []


def _find_place(order: Order, cursor: Cursor, allowed: Conditions) -> Sequence[Any] | None:
    """The values that the cursor's row has in the columns of the order."""
    name = cursor.after or cursor.before
    if not name:
        return None
    named = order.name == order.name.type.python_type(name)
    return db.session.execute(select(*(key.column for key in order.keys)).where(named, *allowed)).first()


def _read_ids(statement: Select[Any], parts: Iterator[Part], most: int) -> list[int]:
    ids: list[int] = []
    for conditions, keys in parts:
        entity = keys[0].column.class_
        directions = [key.column.desc() if key.descending else key.column.asc() for key in keys]
        wanted = statement.with_only_columns(entity.id).where(*conditions).order_by(*directions)
        ids += db.session.scalars(wanted.limit(most - len(ids)))
        if len(ids) == most:
            break
    return ids


def _load(order: Order, ids: Sequence[int], options: Sequence[ExecutableOption]) -> list[Any]:
    if not ids:
        return []
    rows = db.session.scalars(select(order.entity).where(order.entity.id.in_(ids)).options(*options))
    return sorted(rows, key=lambda row: ids.index(row.id))


def _page(
    order: Order,
    ids: Sequence[int],
    options: Sequence[ExecutableOption],
    *,
    has_previous: bool = False,
    has_next: bool,
    count: Count | None = None,
) -> Page:
    items = _load(order, ids, options)
    names = [str(getattr(item, order.name.key)) for item in items] or [""]
    return Page(items, names[0] if has_previous else "", names[-1] if has_next else "", count)
