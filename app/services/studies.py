"""Finds stored studies. Every read goes through the viewer's rights: own studies, or all for reviewers and admins."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.entities import Analysis, Image, Report, Review, Study, User, utc_now
from app.errors import Forbidden, NotFound
from app.extensions import db
from app.services import audit
from app.services.paging import Page, like_pattern, page_number, paginate

SORTS = {
    "newest": (Study.created_at.desc(), Study.id.desc()),
    "oldest": (Study.created_at.asc(), Study.id.asc()),
    "patient": (Study.patient_name.asc(), Study.id.desc()),
    "outcome": (Study.outcome.asc(), Study.lead_probability.desc(), Study.id.desc()),
}
OUTCOMES = ("finding", "no_finding", "inconclusive", "not_assessed", "failed", "pending")
KEY = re.compile(r"[a-z0-9_]{1,40}")
MAX_QUERY = 120
PORTION = 200


@dataclass(frozen=True)
class StudyFilter:
    """What the history looks for; empty means anything. `label` is `task:label`, or a label of any task.

    Dates are UTC days, both included. `user` is the id of the owner and only asked of viewers who see all studies.
    """

    q: str = ""
    task: str = ""
    outcome: str = ""
    label: str = ""
    user: int | None = None
    date_from: date | None = None
    date_to: date | None = None
    sort: str = "newest"
    page: int = 1

    @classmethod
    def from_args(cls, args: Mapping[str, str]) -> "StudyFilter":
        """The filter that query arguments ask for; an argument that makes no sense is left out."""
        label = args.get("label", "")
        return cls(
            q=args.get("q", "").replace("\0", "").strip()[:MAX_QUERY],
            task=_key(args.get("task", "")),
            outcome=args.get("outcome", "") if args.get("outcome") in OUTCOMES else "",
            label=label if all(KEY.fullmatch(part) for part in label.split(":", 1)) else "",
            user=_id(args.get("user", "")),
            date_from=_day(args.get("date_from", "")),
            date_to=_day(args.get("date_to", "")),
            sort=args.get("sort", "") if args.get("sort") in SORTS else "newest",
            page=page_number(args.get("page")),
        )

    def to_args(self, **changes: object) -> dict[str, str]:
        """The query arguments of this filter with `changes`; what is empty or as by default is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)} | changes
        defaults = {field.name: field.default for field in fields(self)}
        return {name: str(value) for name, value in values.items() if value and value != defaults[name]}

    @property
    def is_narrowed(self) -> bool:
        """Does it leave anything out?"""
        return bool(self.to_args(sort="newest", page=1))


def list_studies(wanted: StudyFilter, viewer: User, page: int | None = None) -> Page:
    """One page of the studies that match, with owners and images loaded. `page` overrides the filter's own."""
    statement = _matching(wanted, viewer).options(joinedload(Study.owner), selectinload(Study.images))
    return paginate(statement, wanted.page if page is None else page)


def iter_studies(wanted: StudyFilter, viewer: User) -> Iterator[Study]:
    """All studies that match, in the filter's order, fetched in portions: for exports."""
    ids = list(db.session.scalars(_matching(wanted, viewer).with_only_columns(Study.id)))
    for start in range(0, len(ids), PORTION):
        portion = ids[start : start + PORTION]
        statement = select(Study).where(Study.id.in_(portion))
        statement = statement.options(joinedload(Study.owner), selectinload(Study.images))
        yield from sorted(db.session.scalars(statement), key=lambda study: portion.index(study.id))


def list_keys(wanted: StudyFilter, viewer: User, most: int) -> list[str]:
    """Keys of the first `most` studies that match, in the filter's order."""
    return list(db.session.scalars(_matching(wanted, viewer).with_only_columns(Study.key).limit(most)))


def list_owners() -> list[User]:
    """The users who have sent a study, for the filter of those who see all studies."""
    owners = select(Study.owner_id).where(Study.deleted_at.is_(None))
    return list(db.session.scalars(select(User).where(User.id.in_(owners)).order_by(User.name, User.id)))


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


def may_delete(study: Study, user: User) -> bool:
    return user.is_admin or user.id == study.owner_id


def delete_study(*, study: Study, by: User, address: str = "") -> None:
    """Hide the study everywhere; rows and files stay until they are purged. Raises Forbidden."""
    if not may_delete(study, by):
        raise Forbidden("Only the user who sent a study, or an administrator, may delete it.")
    study.deleted_at = utc_now()
    study.deleted_by_id = by.id
    audit.record("study.delete", user=by, object_key=study.key, address=address)
    db.session.commit()


def _visible(viewer: User) -> Select[tuple[Study]]:
    statement = select(Study).where(Study.deleted_at.is_(None))
    return statement if viewer.sees_all_studies else statement.where(Study.owner_id == viewer.id)


def _matching(wanted: StudyFilter, viewer: User) -> Select[tuple[Study]]:
    return _visible(viewer).where(*_conditions(wanted, viewer)).order_by(*SORTS[wanted.sort])


def _conditions(wanted: StudyFilter, viewer: User) -> Iterator[ColumnElement[bool]]:
    if wanted.q:
        yield _mentions(wanted.q)
    if wanted.task:
        yield Study.task == wanted.task
    if wanted.outcome:
        yield Study.outcome == wanted.outcome
    if wanted.label:
        *task, label = wanted.label.split(":", 1)
        yield Study.lead_label == label
        yield from (Study.task == name for name in task)
    if wanted.user and viewer.sees_all_studies:
        yield Study.owner_id == wanted.user
    if wanted.date_from:
        yield Study.created_at >= datetime.combine(wanted.date_from, time())
    if wanted.date_to:
        yield Study.created_at < datetime.combine(wanted.date_to, time()) + timedelta(days=1)


def _mentions(text: str) -> ColumnElement[bool]:
    # SQLite's LIKE knows upper and lower case of ASCII letters only; other names are tried as people write them.
    variants = {text} if text.isascii() else {text, text.lower(), text.upper(), text.title()}
    patterns = [like_pattern(variant) for variant in sorted(variants)]
    columns = (Study.patient_name, Study.patient_reference)
    return or_(
        *(column.like(pattern, escape="\\") for column in columns for pattern in patterns),
        Study.images.any(or_(*(Image.original_name.like(pattern, escape="\\") for pattern in patterns))),
    )


def _key(text: str) -> str:
    return text if KEY.fullmatch(text) else ""


def _id(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None
    # The day after the last one cannot be told.
    return day if day and day < date.max else None
