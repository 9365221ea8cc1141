"""What reviewers say of a study. Each word is a new row; the finding is never edited."""

import models
from app.entities import Review, ReviewState, Study, StudyStatus, User
from app.errors import AppError, Forbidden
from app.extensions import db
from app.services import audit
from app.services.actor import Actor
from app.services.text import clean_text

MAX_COMMENT = 2000
# Outcomes with one answer, which a reviewer can only agree with or replace.
DECIDED = (models.Outcome.FINDING, models.Outcome.NO_FINDING)


class InvalidReview(AppError):
    """The review contradicts itself or says too little."""

    def __init__(self, message: str) -> None:
        super().__init__(422, "Review not saved", message)


def may_review(user: User) -> bool:
    """Who sees the studies of all may: reviewers and administrators."""
    return user.sees_all_studies


def is_reviewable(study: Study) -> bool:
    """Is there a result to agree with, or not? While an image is not done, the study has none."""
    return study.status == StudyStatus.DONE


def review_labels(study: Study) -> tuple[models.Label, ...]:
    """The answers that a reviewer may call right: those of the task's primary head."""
    try:
        return models.get_task(study.task).labels
    except models.UnknownTask:
        return ()


def record_review(*, study: Study, agrees: bool, correct_label: str = "", comment: str = "", actor: Actor) -> Review:
    """Add a review. Who disagrees says which label is right, or comments why.

    `correct_label`: key of one of `review_labels`, "" for none. `comment`: at most MAX_COMMENT characters. Raises
    Forbidden, and InvalidReview for a review that contradicts itself or of a study without a result.
    """
    reviewer = actor.require_user()
    if not may_review(reviewer):
        raise Forbidden("Only reviewers and administrators review studies.")
    comment = clean_text(comment)
    _check(study, agrees, correct_label, comment)
    review = Review(reviewer_id=reviewer.id, agrees=agrees, correct_label=correct_label, comment=comment)
    study.reviews.append(review)
    study.review_state = ReviewState.AGREED if agrees else ReviewState.DISAGREED
    audit.record("review.create", actor=actor, object_key=study.key)
    db.session.commit()
    return review


def _check(study: Study, agrees: bool, correct_label: str, comment: str) -> None:
    if not is_reviewable(study):
        raise InvalidReview("This study has no result yet. First try again the images that have not been analysed.")
    if correct_label and correct_label not in {label.key for label in review_labels(study)}:
        raise InvalidReview("Choose one of the labels offered.")
    if len(comment) > MAX_COMMENT:
        raise InvalidReview(f"The comment is longer than {MAX_COMMENT:,} characters. Shorten it.")
    if agrees and correct_label:
        raise InvalidReview("Choose a correct label only if you disagree.")
    if not agrees and not (correct_label or comment):
        raise InvalidReview("Choose the correct label, or say in the comment why you disagree.")
    if correct_label == study.lead_label and study.outcome in DECIDED and correct_label:
        raise InvalidReview("This is the label that the network gave. Agree with it, or choose another one.")
