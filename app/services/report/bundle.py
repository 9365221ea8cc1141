"""The reports of many studies in one ZIP, made and sent one after the other: no more than one is ever held."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from app.entities import User, utc_now
from app.errors import AppError, RefusedSelection
from app.extensions import db
from app.services import audit, studies
from app.services.actor import Actor
from app.services.report.issue import current_report, read_report
from app.services.studies.find import StudyFilter

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Each takes up to 150 ms when it has to be made; a download should not keep a thread of the server for minutes.
MAX_STUDIES = 200
LEFT_OUT = "not-included.txt"


class Member(NamedTuple):
    """One file of a ZIP; `modified_at` is naive UTC."""

    name: str
    modified_at: datetime
    data: bytes


def choose_studies(wanted: StudyFilter, viewer: User) -> list[str]:
    """Keys of the studies that match, in the filter's order. Raises RefusedSelection for none or too many."""
    keys = studies.list_keys(wanted, viewer, most=MAX_STUDIES + 1)
    if not keys:
        raise RefusedSelection("No study matches, so there is no report to download. Remove a filter.")
    if len(keys) > MAX_STUDIES:
        raise RefusedSelection(
            f"One download holds the reports of at most {MAX_STUDIES} studies, and more match. "
            "Narrow the search, for example to some days."
        )
    return keys


def zip_reports(*, keys: Sequence[str], actor: Actor) -> Iterator[bytes]:
    """A ZIP with the current report of each of these studies, in portions; made for streaming.

    A report is issued where there is none, or where the study has changed since. A study without a report (deleted
    meanwhile, or its file damaged) does not cost the others theirs: the last file of the ZIP names it.
    """
    audit.record("report.export", actor=actor, detail=_count(keys))
    db.session.commit()
    return zip_stream(_members(keys, actor, actor.require_user().id))


def zip_stream(members: Iterable[Member]) -> Iterator[bytes]:
    """The bytes of a ZIP of `members`, each given out before the next is asked for."""
    sent = _Outbox()
    with zipfile.ZipFile(sent, "w") as archive:
        for member in members:
            facts = zipfile.ZipInfo(member.name, member.modified_at.timetuple()[:6])
            # Compressed, if barely: readers of streams know where a stored file ends only from what comes after it.
            archive.writestr(facts, member.data, zipfile.ZIP_DEFLATED, compresslevel=1)
            yield sent.take()
    yield sent.take()


def _members(keys: Sequence[str], actor: Actor, user_id: int) -> Iterator[Member]:
    # Streamed when the request has ended, and its database session, to which its user belonged, with it.
    actor = actor.as_user(db.session.get_one(User, user_id))
    left_out = []
    for key in keys:
        try:
            yield _report(key, actor)
        except AppError as error:
            left_out.append(f"Study {key}: {error.message}\n")
    if left_out:
        yield Member(LEFT_OUT, utc_now(), "".join(left_out).encode())


def _report(key: str, actor: Actor) -> Member:
    study = studies.get_study(key, actor.require_user())
    report = current_report(study=study, actor=actor)
    # Of a patient nothing: time and task help to find a study, the document id makes the name unique.
    name = f"{study.created_at:%Y%m%d-%H%M%S}-{study.task}-{report.key}.pdf"
    member = Member(name, report.created_at, read_report(report))
    # A slow download must not keep a transaction open.
    db.session.rollback()
    return member


def _count(keys: Sequence[str]) -> str:
    return "1 study" if len(keys) == 1 else f"{len(keys)} studies"


class _Outbox(io.RawIOBase):
    """What a ZIP is written to: keeps the bytes until they are taken, and cannot go back."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """All that was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
