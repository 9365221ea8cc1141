from datetime import date

import pytest

from app.entities import AuditEvent, Study
from app.errors import Forbidden, NotFound
from app.extensions import db
from app.services import paging, studies
from app.services.studies.find import StudyFilter
from tests.actors import by
from tests.sending import make_study


def test_a_filter_survives_its_address():
    wanted = StudyFilter(
        q="50% ä", task="chest", outcome="finding", label="chest:normal", review="agreed", user=3,
        date_from=date(2026, 1, 2), date_to=date(2026, 2, 3), sort="oldest", after="0" * 32, before="f" * 32,
    )  # fmt: skip
    assert StudyFilter.from_args(wanted.to_args()) == wanted


def test_an_empty_filter_has_no_arguments():
    assert StudyFilter.from_args({}) == StudyFilter()
    assert StudyFilter().to_args() == {}
    assert not StudyFilter(sort="oldest", after="0" * 32).is_narrowed
    assert StudyFilter(q="a").is_narrowed


def test_changes_replace_arguments():
    wanted = StudyFilter(q="a", after="0" * 32)
    assert wanted.to_args(q="", task="chest") == {"task": "chest", "after": "0" * 32}
    assert wanted.list_args(task="chest") == {"q": "a", "task": "chest"}
    assert wanted.list_args(before="f" * 32) == {"q": "a", "before": "f" * 32}


def test_unknown_deleted_and_not_yours_look_the_same(make_user):
    owner, stranger = make_user(), make_user()
    kept, deleted = make_study(owner), make_study(owner)
    studies.delete_study(study=deleted, actor=by(owner))
    messages = set()
    for key, viewer in [(kept.key, stranger), (deleted.key, owner), ("0" * 32, owner), ("", owner), ("x" * 999, owner)]:
        with pytest.raises(NotFound) as refusal:
            studies.get_study(key, viewer)
        messages.add(str(refusal.value))
    assert len(messages) == 1


def test_owners_reviewers_and_admins_get_it(make_user):
    owner = make_user()
    study = make_study(owner)
    for viewer in (owner, make_user("reviewer"), make_user("admin")):
        assert studies.get_study(study.key, viewer) is study
        assert studies.get_image(study.key, study.images[0].key, viewer) is study.images[0]


def test_images_of_others_and_of_other_studies_are_not_found(make_user):
    owner = make_user()
    study, other = make_study(owner), make_study(owner)
    for study_key, viewer in [(other.key, owner), (study.key, make_user())]:
        with pytest.raises(NotFound):
            studies.get_image(study_key, study.images[0].key, viewer)


def test_deleting_keeps_the_rows_and_is_recorded(make_user):
    owner = make_user()
    study = make_study(owner, patient_name="Ada Example")
    studies.delete_study(study=study, actor=by(owner, "192.0.2.7"))
    assert db.session.query(Study).one().deleted_by_id == owner.id
    event = db.session.query(AuditEvent).one()
    assert (event.action, event.object_key, event.address) == ("study.delete", study.key, "192.0.2.7")
    assert studies.list_studies(StudyFilter(), owner).items == []
    assert list(studies.iter_studies(StudyFilter(), owner)) == []
    assert studies.list_owners() == []


@pytest.mark.parametrize("role", ["clinician", "reviewer"])
def test_others_do_not_delete(role, make_user):
    study = make_study(make_user())
    with pytest.raises(Forbidden):
        studies.delete_study(study=study, actor=by(make_user(role)))
    assert db.session.query(Study).one().deleted_at is None


def test_exports_come_in_portions_and_in_order(make_user, monkeypatch):
    monkeypatch.setattr(paging, "PORTION", 3)
    owner = make_user()
    names = [make_study(owner, patient_name=f"P{number}").patient_name for number in range(8)]
    assert [study.patient_name for study in studies.iter_studies(StudyFilter(sort="oldest"), owner)] == names


def test_keys_are_the_first_of_the_list_whatever_the_cursor(make_user):
    owner, other = make_user(), make_user()
    made = [make_study(owner, patient_name=f"Ada {number}") for number in (3, 1, 2)]
    make_study(other, patient_name="Ada 0")
    by_name = [made[1].key, made[2].key, made[0].key]
    wanted = StudyFilter(q="ada", sort="patient", after=made[2].key)
    assert studies.list_keys(wanted, owner, most=2) == by_name[:2]
    assert studies.list_keys(wanted, owner, most=9) == by_name


def test_lists_each_owner_once(make_user):
    one, other = make_user(name="B"), make_user(name="A")
    make_user(name="without studies")
    for owner in (one, one, other):
        make_study(owner)
    assert studies.list_owners() == [other, one]
