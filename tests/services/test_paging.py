"""Pages of a list in both directions: nothing twice, nothing left out, whatever happens to the rows meanwhile."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from app.entities import Study, User
from app.extensions import db
from app.services import lookup, paging, studies
from app.services.paging import PER_PAGE, Page
from app.services.studies.find import StudyFilter
from app.services.studies.state import ORDER
from tests.actors import by
from tests.sending import make_study

START = datetime(2026, 1, 1)
NAMES = ("Ada", "ada", "Änne", "Béla", "", "Zoë", "Ada")
# None while a study is not done.
OUTCOMES = ("finding", "no_finding", "", "not_assessed", "inconclusive")
IN_ORDER = (*ORDER, "")


@pytest.fixture
def owner(make_user) -> User:
    return make_user()


@pytest.fixture
def many(owner) -> list[Study]:
    """Studies with equal times, names, outcomes and probabilities among them, and some without a probability."""
    chance = random.Random(7)
    made = []
    for number in range(3 * PER_PAGE + 5):
        outcome = chance.choice(OUTCOMES)
        answered = outcome not in ("", "not_assessed") or chance.random() < 0.2
        made.append(
            Study(
                owner_id=owner.id,
                task=chance.choice(("chest", "brain")),
                patient_name=chance.choice(NAMES),
                outcome=outcome,
                lead_probability=chance.choice((0.5, 0.75, 0.1 + 0.2)) if answered else None,
                created_at=START + timedelta(days=chance.randrange(number // 2 + 1)),
            )
        )
    db.session.add_all(made)
    db.session.commit()
    return made


def pages(wanted: StudyFilter, viewer: User, direction: str = "after") -> Iterator[Page]:
    """The page that is asked for and those that follow it, or that precede it."""
    while True:
        page = studies.list_studies(wanted, viewer)
        yield page
        following = page.next if direction == "after" else page.previous
        if not following:
            return
        wanted = StudyFilter.from_args(wanted.list_args(**{direction: following}))


def ids(found) -> list[int]:
    return [study.id for page in found for study in page.items]


def in_order(sort: str, made: list[Study]) -> list[int]:
    """What the database need not agree upon, the order of names in other letters, is left to it."""
    keys = {
        "newest": lambda study: (START - study.created_at, -study.id),
        "oldest": lambda study: (study.created_at, study.id),
        "outcome": lambda study: (
            IN_ORDER.index(study.outcome),
            1 if study.lead_probability is None else -study.lead_probability,
            -study.id,
        ),
    }
    return [study.id for study in sorted(made, key=keys[sort])]


@pytest.mark.parametrize("sort", ["newest", "oldest", "outcome"])
def test_every_row_comes_once_and_in_order(sort, owner, many):
    there = list(pages(StudyFilter(sort=sort), owner))
    assert ids(there) == in_order(sort, many)
    assert [len(page.items) for page in there] == [PER_PAGE, PER_PAGE, PER_PAGE, 5]


@pytest.mark.parametrize("sort", sorted(studies.SORTS))
def test_back_leads_over_the_same_pages(sort, owner, many):
    there = list(pages(StudyFilter(sort=sort), owner))
    assert sorted(ids(there)) == sorted(study.id for study in many)
    last = StudyFilter(sort=sort, after=there[-2].next)
    back = list(pages(last, owner, "before"))
    assert [ids([page]) for page in back] == [ids([page]) for page in reversed(there)]
    assert not back[-1].previous and back[-1].next == there[0].next


@pytest.mark.parametrize("sort", sorted(studies.SORTS))
def test_an_export_reads_the_same_rows_in_the_same_order(sort, owner, many, monkeypatch):
    monkeypatch.setattr(paging, "PORTION", 10)
    wanted = StudyFilter(sort=sort, task="chest", date_from=date(2026, 1, 3))
    listed = ids(pages(wanted, owner))
    assert listed and [study.id for study in studies.iter_studies(wanted, owner)] == listed


@pytest.mark.parametrize("sort", sorted(studies.SORTS))
def test_cursors_keep_to_the_filter(sort, owner, many):
    """Also a cursor at a row that is not of the list: before its first day, after its last one, of another task."""
    wanted = StudyFilter(sort=sort, task="chest", date_from=date(2026, 1, 5), date_to=date(2026, 1, 20))
    whole = ids(pages(StudyFilter(sort=sort), owner))
    matching_ids = {
        study.id
        for study in many
        if study.task == "chest" and datetime(2026, 1, 5) <= study.created_at < datetime(2026, 1, 21)
    }
    listed = [id_ for id_ in whole if id_ in matching_ids]
    assert len(listed) > 5 and ids(pages(wanted, owner)) == listed
    for study in many:
        place = whole.index(study.id)
        after = StudyFilter.from_args(wanted.list_args(after=study.key))
        before = StudyFilter.from_args(wanted.list_args(before=study.key))
        assert ids(pages(after, owner)) == [id_ for id_ in listed if whole.index(id_) > place]
        assert ids(reversed(list(pages(before, owner, "before")))) == [
            id_ for id_ in listed if whole.index(id_) < place
        ]


@pytest.mark.parametrize(("sort", "late"), [("newest", START + timedelta(days=400)), ("oldest", START)])
def test_rows_that_arrive_between_pages_hide_and_repeat_none(sort, late, owner, many):
    known = ids(pages(StudyFilter(sort=sort), owner))
    wanted, seen = StudyFilter(sort=sort), []
    for page in pages(wanted, owner):
        seen += ids([page])
        for _ in range(7):
            make_study(owner, at=late)
    assert [id_ for id_ in seen if id_ in known] == known
    assert len(seen) == len(set(seen))
    back = ids(reversed(list(pages(StudyFilter(sort=sort, before=page.items[-1].key), owner, "before"))))
    assert len(back) == len(set(back))
    assert [id_ for id_ in back if id_ in known] == known[:-1]


def test_rows_that_go_between_pages_hide_none(owner, many):
    first = studies.list_studies(StudyFilter(), owner)
    rest = ids(pages(StudyFilter(after=first.next), owner))
    for study in first.items:
        studies.delete_study(study=study, actor=by(owner))
    assert ids(pages(StudyFilter(after=first.next), owner)) == rest
    assert ids(pages(StudyFilter(), owner)) == rest


def test_a_page_at_the_end_is_empty_and_leads_nowhere(owner, many):
    last = list(pages(StudyFilter(), owner))[-1].items[-1]
    for wanted in (StudyFilter(after=last.key), StudyFilter(sort="oldest", before=last.key)):
        page = studies.list_studies(wanted, owner)
        assert (page.items, page.previous, page.next, page.is_first) == ([], "", "", False)


def test_the_first_page_counts(owner, many):
    page = studies.list_studies(StudyFilter(), owner)
    assert (page.count.number, page.count.is_exact) == (len(many), True)
    assert studies.list_studies(StudyFilter(after=page.next), owner).count is None


@pytest.mark.parametrize("few", [0, 3, 1000])
@pytest.mark.parametrize("sort", sorted(studies.SORTS))
def test_a_search_finds_the_same_whether_many_match_or_few(few, sort, owner, make_user, monkeypatch):
    monkeypatch.setattr(lookup, "FEW", few)
    for number in range(PER_PAGE + 10):
        make_study(owner, patient_name=f"{'Ada' if number % 3 else 'Béla'} Öz", task=("chest", "brain")[number % 2])
    make_study(make_user(), patient_name="Ada Öz")
    wanted = StudyFilter(q="oz ada", sort=sort, task="chest")
    found = ids(pages(wanted, owner))
    expected = [study.id for study in db.session.query(Study).filter_by(owner_id=owner.id, task="chest")
                if study.patient_name == "Ada Öz"]  # fmt: skip
    assert len(found) == len(expected) and set(found) == set(expected)
    assert ids(pages(StudyFilter(q="oz", sort=sort), owner)) == ids(pages(StudyFilter(sort=sort), owner))
