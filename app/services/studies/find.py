"""Finds stored studies. Every read goes through the viewer's rights: own studies, or all for reviewers and admins."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

import models
from app.entities import Analysis, Image, Report, Review, ReviewState, Study, StudyStatus, User
from app.errors import NotFound
from app.extensions import db
from app.services.lookup import ANY, Match, indexed, match, unindexed
from app.services.paging import KEY, Conditions, Cursor, Key, Order, Page, iter_rows, read_page
from app.services.studies import search
from app.services.studies.state import ORDER

# Every order is that of an index of the table (see entities.Study), read forwards or backwards.
SORTS = {
    "newest": Order((Key(Study.created_at, descending=True), Key(Study.id, descending=True)), name=Study.key),
    "oldest": Order((Key(Study.created_at), Key(Study.id)), name=Study.key),
    "patient": Order((Key(Study.patient_name), Key(Study.id)), name=Study.key),
    "outcome": Order(
        (
            # Last those without an outcome, since not every image is done.
            Key(Study.outcome, values=(*ORDER, "")),
            Key(Study.lead_probability, descending=True),
            Key(Study.id, descending=True),
        ),
        name=Study.key,
    ),
}
BY_TIME = ("newest", "oldest")
LOADED = (joinedload(Study.owner), selectinload(Study.images))
EXPORTED = (joinedload(Study.owner), selectinload(Study.images).joinedload(Image.analyses))
WORD = re.compile(r"[a-z0-9_]{1,40}")
MAX_QUERY = 120
Look = Callable[[InstrumentedAttribute[Any]], Any]


@dataclass(frozen=True)
class StudyFilter:
    """What the history looks for; empty means anything. `label` is `task:label`, or a label of any task.

    Dates are UTC days, both included. `user` is the id of the owner and only asked of viewers who see all studies.
    `review` is what the newest review says, or "none". `after` and `before` are keys of studies: see paging.Cursor.
    """

    q: str = ""
    task: str = ""
    status: str = ""
    outcome: str = ""
    label: str = ""
    review: str = ""
    user: int | None = None
    date_from: date | None = None
    date_to: date | None = None
    sort: str = "newest"
    after: str = ""
    before: str = ""

    @classmethod
    def from_args(cls, args: Mapping[str, str]) -> "StudyFilter":
        """The filter that query arguments ask for; an argument that makes no sense is left out."""
        label, cursor = args.get("label", ""), Cursor.from_args(args, KEY)
        return cls(
            q=args.get("q", "").replace("\0", "").strip()[:MAX_QUERY],
            task=_key(args.get("task", "")),
            status=_one_of(StudyStatus, args.get("status", "")),
            outcome=_one_of(models.Outcome, args.get("outcome", "")),
            label=label if all(WORD.fullmatch(part) for part in label.split(":", 1)) else "",
            review=_one_of(ReviewState, args.get("review", "")),
            user=_id(args.get("user", "")),
            date_from=_day(args.get("date_from", "")),
            date_to=_day(args.get("date_to", "")),
            sort=args.get("sort", "") if args.get("sort") in SORTS else "newest",
            after=cursor.after,
            before=cursor.before,
        )

    def to_args(self, **changes: object) -> dict[str, str]:
        """The query arguments of this filter with `changes`; what is empty or as by default is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)} | changes
        defaults = {field.name: field.default for field in fields(self)}
        return {name: str(value) for name, value in values.items() if value and value != defaults[name]}

    def list_args(self, **changes: object) -> dict[str, str]:
        """The query arguments of the whole list with `changes`, from its first page on."""
        return self.to_args(**{"after": "", "before": ""} | changes)

    @property
    def is_narrowed(self) -> bool:
        """Does it leave anything out?"""
        return bool(self.list_args(sort="newest"))


def list_studies(wanted: StudyFilter, viewer: User) -> Page:
    """The page of the studies that match, with owners and images loaded."""
    matched = _find(wanted, viewer)
    return read_page(
        _matching(wanted, viewer, matched),
        _order(wanted),
        Cursor(wanted.after, wanted.before),
        allowed=_own(viewer),
        options=LOADED,
        most_counted=matched.most_counted,
    )


def iter_studies(wanted: StudyFilter, viewer: User) -> Iterator[Study]:
    """All studies that match, with their analyses, in the filter's order, whatever its cursor: for exports."""
    return iter_rows(_matching(wanted, viewer, _find(wanted, viewer)), _order(wanted), EXPORTED)


def list_keys(wanted: StudyFilter, viewer: User, most: int) -> list[str]:
    """Keys of the first `most` studies that match, in the filter's order."""
    matched = iter_rows(_matching(wanted, viewer, _find(wanted, viewer)), _order(wanted))
    return [study.key for study in islice(matched, most)]


def list_owners() -> list[User]:
    """The users who have sent a study, for the filter of those who see all studies."""
    has_sent = exists().where(Study.owner_id == User.id, Study.deleted_at.is_(None))
    return list(db.session.scalars(select(User).where(has_sent).order_by(User.name, User.id)))


def get_study(key: str, viewer: User) -> Study:
    """The study with all that belongs to it. Raises NotFound if it is unknown, deleted or not for this viewer."""
    loading = (
        joinedload(Study.owner),
        selectinload(Study.images).selectinload(Image.analyses).selectinload(Analysis.findings),
        selectinload(Study.reviews).joinedload(Review.reviewer),
        selectinload(Study.reports).joinedload(Report.author),
    )
    study = db.session.scalar(_visible(viewer).where(Study.key == key).options(*loading))
    if study is None:
        raise NotFound()
    return study


def get_image(study_key: str, image_key: str, viewer: User) -> Image:
    """One image of a study that this viewer may see. Raises NotFound."""
    visible = _visible(viewer).where(Study.key == study_key).with_only_columns(Study.id)
    statement = select(Image).where(Image.key == image_key, Image.study_id.in_(visible))
    image = db.session.scalar(statement.options(selectinload(Image.analyses).selectinload(Analysis.findings)))
    if image is None:
        raise NotFound()
    return image


def _own(viewer: User, look: Look = indexed) -> Conditions:
    return [] if viewer.sees_all_studies else [look(Study.owner_id) == viewer.id]


def _visible(viewer: User, look: Look = indexed) -> Select[tuple[Study]]:
    return select(Study).where(look(Study.deleted_at).is_(None), *_own(viewer, look))


def _find(wanted: StudyFilter, viewer: User) -> Match:
    """What decides how the list is read: the search, else the filters if the list is not in the order of time, which is
    the order of every filter's index.
    """
    if wanted.q:
        return search.find_studies(wanted.q, viewer)
    if wanted.sort in BY_TIME or not wanted.is_narrowed:
        return ANY
    filtered = _visible(viewer).where(*_conditions(wanted, viewer, indexed))
    return match(filtered.with_only_columns(Study.id), Study.id, [])


def _matching(wanted: StudyFilter, viewer: User, matched: Match) -> Select[tuple[Study]]:
    """The studies that match. Few are looked up; many are read in the order of an index, that of a filter's if it is
    the order of time, else that of the list itself.
    """
    visible = _visible(viewer, unindexed if matched.is_by_id else indexed)
    look = unindexed if matched.is_by_id or wanted.sort not in BY_TIME else indexed
    return visible.where(*matched.conditions, *_conditions(wanted, viewer, look))


def _order(wanted: StudyFilter) -> Order:
    """The order that the filter asks for, which knows of the filter's days, or of its outcome, if it is by these."""
    order = SORTS[wanted.sort]
    if wanted.sort in BY_TIME:
        return order.within(*_days(wanted))
    return order.of_only(wanted.outcome) if wanted.sort == "outcome" else order


def _days(wanted: StudyFilter) -> tuple[datetime | None, datetime | None]:
    """From when to before when; None is no limit."""
    start = datetime.combine(wanted.date_from, time()) if wanted.date_from else None
    end = datetime.combine(wanted.date_to, time()) + timedelta(days=1) if wanted.date_to else None
    return start, end


def _conditions(wanted: StudyFilter, viewer: User, look: Look) -> Iterator[ColumnElement[bool]]:
    *label_task, label = wanted.label.split(":", 1)
    exact = (
        (Study.task, wanted.task),
        (Study.task, "".join(label_task)),
        (Study.lead_label, label),
        (Study.status, wanted.status),
        (Study.outcome, wanted.outcome),
        (Study.review_state, wanted.review),
        (Study.owner_id, wanted.user if viewer.sees_all_studies else None),
    )
    yield from (look(column) == value for column, value in exact if value)
    start, end = _days(wanted)
    if start and wanted.sort not in BY_TIME:
        yield look(Study.created_at) >= start
    if end and wanted.sort not in BY_TIME:
        yield look(Study.created_at) < end


def _key(text: str) -> str:
    return text if WORD.fullmatch(text) else ""


def _one_of(values: Iterable[str], text: str) -> str:
    return text if text in list(values) else ""


def _id(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None
    # The day after the last one cannot be told.
    return day if day and day < date.max else None
