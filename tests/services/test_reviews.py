import pytest

from app.entities import AuditEvent, Review
from app.errors import Forbidden
from app.extensions import db
from app.services.studies.review import InvalidReview, record_review, review_labels
from tests.actors import by
from tests.sending import make_study


@pytest.fixture
def study(make_user):
    return make_study(make_user())


def test_each_review_is_a_new_row_and_the_finding_stays(study, make_user):
    reviewer = make_user("reviewer")
    record_review(study=study, agrees=True, actor=by(reviewer))
    record_review(study=study, agrees=False, correct_label="normal", comment=" An artefact. ", actor=by(reviewer))
    db.session.expire_all()
    assert [(row.agrees, row.correct_label, row.comment) for row in study.reviews] == [
        (True, "", ""),
        (False, "normal", "An artefact."),
    ]
    assert (study.outcome, study.lead_label) == ("finding", "pneumonia")
    assert db.session.query(AuditEvent).filter_by(action="review.create", object_key=study.key).count() == 2


def test_a_comment_alone_may_say_what_is_wrong(study, make_user):
    assert record_review(study=study, agrees=False, comment="Foreign body.", actor=by(make_user("admin"))).id


@pytest.mark.parametrize(
    "facts",
    [
        {"agrees": False},
        {"agrees": False, "comment": " \n "},
        {"agrees": False, "correct_label": "pneumonia"},
        {"agrees": False, "correct_label": "glioma"},
        {"agrees": True, "correct_label": "normal"},
        {"agrees": True, "comment": "x" * 2001},
    ],
)
def test_refuses_what_contradicts_itself(facts, study, make_user):
    with pytest.raises(InvalidReview):
        record_review(study=study, **facts, actor=by(make_user("reviewer")))
    assert db.session.query(Review).count() == 0


def test_the_likeliest_answer_may_be_called_right_when_nothing_was_decided(make_user):
    study = make_study(make_user(), outcome="inconclusive")
    assert record_review(study=study, agrees=False, correct_label="pneumonia", actor=by(make_user("reviewer"))).id


def test_clinicians_do_not_review(study):
    with pytest.raises(Forbidden):
        record_review(study=study, agrees=True, actor=by(study.owner))


def test_a_task_that_is_gone_offers_no_answers(make_user):
    assert review_labels(make_study(make_user(), task="palm_reading")) == ()
