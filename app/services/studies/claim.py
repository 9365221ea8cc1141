"""Who analyses an image: a claim on its row, so that it is done once whoever is asked to, and finished if they die."""

import hashlib
from datetime import timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, Update, or_, select, update

from app.entities import Analysis, Image, ImageStatus, Study, StudyStatus, new_key, utc_now
from app.extensions import db
from app.services.storage import file_store
from app.services.studies.state import settle

# Who has not finished an image by then is taken to be dead. An analysis takes about a second.
LASTS = timedelta(minutes=5)
# As many heatmaps are stored of an image at most; tasks have fewer that are worth a look.
MAX_HEATMAPS = 8


class Claim(NamedTuple):
    """The right to store the result of an image, until somebody else takes it over."""

    image_id: int
    key: str


class Failure(NamedTuple):
    """Why an image could not be analysed: a FailureCode and its values."""

    code: str
    values: dict[str, str]


def take_claim(image_id: int) -> Claim | None:
    """Begin to analyse an image: received, failed, or left running by somebody who died. None where there is no
    need, and for an id that no image has.

    Compared and set in one statement: of many who ask at once, one gets the claim.
    """
    db.session.rollback()
    former = db.session.scalar(select(Image.claim).where(Image.id == image_id))
    db.session.rollback()
    if former is None:
        return None
    claim = Claim(image_id, new_key())
    taken = update(Image).where(Image.id == image_id, Image.claim == former, _is_free())
    values = {"status": ImageStatus.RUNNING, "claim": claim.key, "claimed_at": utc_now()} | _failure(None)
    if not _execute(taken.values(values)):
        db.session.rollback()
        return None
    # Before others can see the new claim: if this is interrupted, the former one is still there to be cleaned up.
    _delete_heatmaps(former)
    settle(image_id)
    db.session.commit()
    return claim


def finish_claim(claim: Claim, result: Analysis | Failure) -> bool:
    """Store what came of it, if the claim still holds; else leave no trace of it and answer False."""
    failure = result if isinstance(result, Failure) else None
    if failure:
        _delete_heatmaps(claim.key)
    status = ImageStatus.FAILED if failure else ImageStatus.DONE
    if not _execute(_held(claim).values({"status": status, "claim": "", "claimed_at": None} | _failure(failure))):
        db.session.rollback()
        _delete_heatmaps(claim.key)
        return False
    if failure is None:
        db.session.add(result)
    settle(claim.image_id)
    db.session.commit()
    return True


def give_up_claim(claim: Claim) -> None:
    """Let the image be as it was received, for whoever comes next."""
    db.session.rollback()
    if _execute(_held(claim).values(status=ImageStatus.RECEIVED, claim="", claimed_at=None)):
        _delete_heatmaps(claim.key)
        settle(claim.image_id)
    db.session.commit()


def list_waiting(with_failed: bool = False) -> list[int]:
    """Ids of the images that are to be analysed, the oldest first; those that failed only `with_failed`."""
    open_studies = [StudyStatus.WAITING, StudyStatus.RUNNING] + [StudyStatus.INCOMPLETE] * with_failed
    is_wanted = _is_free() if with_failed else _is_free() & (Image.status != ImageStatus.FAILED)
    waiting = select(Image.id).join(Image.study).where(Study.deleted_at.is_(None), Study.status.in_(open_studies))
    return list(db.session.scalars(waiting.where(is_wanted).order_by(Image.id)))


def heatmap_keys(claim: str) -> list[str]:
    """The keys under which heatmaps are stored: made from the claim, so that those of a dead worker are found."""
    texts = (f"{claim} {number}" for number in range(MAX_HEATMAPS if claim else 0))
    return [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]


def heatmap_names(claim: str) -> list[str]:
    """The names of all files that whoever holds this claim may have stored."""
    return [file_store().name_of(key, ".png") for key in heatmap_keys(claim)]


def _is_free() -> ColumnElement[bool]:
    is_dead = (Image.status == ImageStatus.RUNNING) & (Image.claimed_at < utc_now() - LASTS)
    return or_(Image.status.in_((ImageStatus.RECEIVED, ImageStatus.FAILED)), is_dead)


def _held(claim: Claim) -> Update:
    return update(Image).where(Image.id == claim.image_id, Image.claim == claim.key)


def _execute(statement: Update) -> bool:
    """Whether the statement changed the row."""
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    # SQLAlchemy's types do not tell that this is what an UPDATE answers.
    return cast("CursorResult[Any]", result).rowcount > 0


def _failure(failure: Failure | None) -> dict[str, object]:
    """The columns of an image that tell of its failure; of none, when it is None."""
    if failure is None:
        return {"failure_code": "", "failure_values": {}, "failure_text": "", "failed_at": None}
    return {"failure_code": failure.code, "failure_values": failure.values, "failed_at": utc_now()}


def _delete_heatmaps(claim: str) -> None:
    for name in heatmap_names(claim):
        file_store().delete(name)
