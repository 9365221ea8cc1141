"""The history: whose studies, which of them, in which order, on how many pages, and as CSV."""

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import event

from app.entities import Study
from app.extensions import db
from app.services import studies
from tests.actors import by
from tests.sending import make_study

pytestmark = pytest.mark.usefixtures("networks")


@pytest.fixture
def names(clinician):
    """names(q=..., task=...): the patients that the history lists, in its order."""

    def names(client=clinician, **args) -> list[str]:
        rows = list(csv.DictReader(io.StringIO(client.get("/studies.csv", query_string=args).text.lstrip("\ufeff"))))
        page = client.get("/studies", query_string=args)
        assert page.status_code == 200
        assert all(row["patient_name"] in page.text for row in rows[:25])
        return [row["patient_name"] for row in rows]

    return names


def patients_on(page: str) -> list[str]:
    """The patients of the list on a page, in its order."""
    return re.findall(r'<a href="/studies/[0-9a-f]{32}">([^<]+)</a>', page)


def link(page: str, rel: str) -> str:
    """Where the pager leads; "" if it does not."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return html.unescape(found.group(1)) if found else ""


def follow(client, address: str, rel: str) -> Iterator[str]:
    """The page at an address, and those that its links lead to, one after the other."""
    while address:
        page = client.get(address).text
        yield page
        address = link(page, rel)


def test_without_studies_it_invites_to_the_first(clinician):
    page = clinician.get("/studies").text
    assert "No studies yet" in page
    assert "Nothing matches" not in page


def test_when_nothing_matches_it_says_so_and_clears(clinician):
    make_study(clinician.user, patient_name="Ada")
    page = clinician.get("/studies?q=zzz").text
    assert "Nothing matches" in page
    assert "Clear all filters" in page
    assert "No studies yet" not in page


def test_clinicians_see_their_own_and_reviewers_and_admins_all(clinician, sign_in, reviewer, admin, names):
    make_study(clinician.user, patient_name="Ada")
    make_study(sign_in().user, patient_name="Grace")
    assert names() == ["Ada"]
    assert names(client=reviewer) == names(client=admin) == ["Grace", "Ada"]
    assert "Sent by" not in clinician.get("/studies").text
    assert clinician.user.name in reviewer.get("/studies").text


def test_the_user_filter_is_for_those_who_see_all(clinician, sign_in, reviewer, names):
    other = sign_in()
    make_study(clinician.user, patient_name="Ada")
    make_study(other.user, patient_name="Grace")
    assert names(client=reviewer, user=other.user.id) == ["Grace"]
    assert names(user=other.user.id) == ["Ada"]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ada", ["Ada Lovelace"]),
        ("LOVE", ["Ada Lovelace"]),
        ("MRN-5", ["Grace Hopper"]),
        ("left_knee", ["Grace Hopper"]),
        ("leftXknee", []),
        ("ada love", ["Ada Lovelace"]),
        ("Lovelace, Ada", ["Ada Lovelace"]),
        ("lace", []),
        ("5", ["Grace Hopper"]),
        ("mrn-6", []),
        ("knee", []),
        ("100%", ["100% Sure"]),
        ("sure", ["100% Sure"]),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("özil", ["Özil, Änne"]),
        ("ÄNNE", ["Özil, Änne"]),
        ("ozil anne", ["Özil, Änne"]),
        ("' OR 1=1--", []),
        ("1;DROP TABLE studies", []),
        ("x" * 5000, []),
        ("a\0da", ["Ada Lovelace"]),
    ],
)
def test_finds_by_patient_and_file_name(q, found, clinician, names):
    """J01: what looks like SQL or like a pattern is only text."""
    make_study(clinician.user, patient_name="Ada Lovelace")
    make_study(
        clinician.user, patient_name="Grace Hopper", patient_reference="MRN-5", file_names=("a.png", "left_knee.png")
    )
    make_study(clinician.user, patient_name="100% Sure")
    make_study(clinician.user, patient_name="Özil, Änne")
    assert names(q=q) == found


def test_filters_by_task_outcome_label_and_day(clinician, names):
    make_study(clinician.user, patient_name="A", at=datetime(2026, 1, 1, 23, 59, 59, 999999))
    make_study(clinician.user, patient_name="B", at=datetime(2026, 1, 2))
    make_study(clinician.user, patient_name="C", at=datetime(2026, 1, 3), task="fracture", lead_label="normal")
    make_study(clinician.user, patient_name="D", at=datetime(2026, 1, 4), lead_label="normal", outcome="no_finding")
    assert names(task="fracture") == ["C"]
    assert names(outcome="no_finding") == ["D"]
    assert names(label="normal") == ["D", "C"]
    assert names(label="chest:normal") == ["D"]
    assert names(date_from="2026-01-02") == ["D", "C", "B"]
    assert names(date_to="2026-01-01") == ["A"]
    assert names(date_from="2026-01-02", date_to="2026-01-02") == ["B"]
    assert names(task="chest", label="chest:pneumonia", date_to="2026-01-02") == ["B", "A"]


def test_filters_by_what_the_newest_review_says(clinician, reviewer, names):
    for name, words in (("A", []), ("B", [True]), ("C", [True, False]), ("D", [False, True])):
        study = make_study(clinician.user, patient_name=name)
        for agrees in words:
            studies.record_review(study=study, agrees=agrees, comment="Seen.", actor=by(reviewer.user))
    assert names(review="none") == ["A"]
    assert names(review="agreed") == names(client=reviewer, review="agreed") == ["D", "B"]
    assert names(review="disagreed") == ["C"]
    assert "Review: Disagreed" in clinician.get("/studies?review=disagreed").text


def test_sorts_by_an_allow_list(clinician, names):
    make_study(clinician.user, patient_name="B", outcome="finding", lead_probability=0.7)
    make_study(clinician.user, patient_name="C", outcome="inconclusive")
    make_study(clinician.user, patient_name="A", outcome="finding", lead_probability=0.9)
    assert names() == ["A", "C", "B"]
    assert names(sort="oldest") == ["B", "C", "A"]
    assert names(sort="patient") == ["A", "B", "C"]
    assert names(sort="outcome") == ["A", "B", "C"]
    assert names(sort="password_hash") == names(sort="1;DROP") == ["A", "C", "B"]


def test_sorts_outcomes_from_what_needs_a_look_to_what_has_no_answer(clinician, names):
    make_study(clinician.user, patient_name="A", outcome="not_assessed", lead_label="", lead_probability=None)
    for name, status in (("F", "incomplete"), ("P", "waiting")):
        make_study(clinician.user, patient_name=name, status=status)
    for name, outcome, probability in (("N", "no_finding", 0.9), ("I", "inconclusive", 0.5), ("M", "finding", 0.6)):
        make_study(clinician.user, patient_name=name, outcome=outcome, lead_probability=probability)
    assert names(sort="outcome") == ["M", "I", "N", "A", "P", "F"]


NONSENSE = {
    "page": ["-1", "2", "x"],
    "after": ["", "0", "-1", "1e309", "9" * 400, "f" * 32, "F" * 32, "١" * 32, "0" * 31 + "\0", "' OR 1=1--"],
    "before": ["", "0", "9" * 400, "f" * 32, "x" * 32, "0" * 33, "../" * 10 + "00"],
    "review": ["reviewed", "' OR 1=1--", "x" * 5000],
    "user": ["-1", str(2**63), "9" * 400, "NaN", "١٢", "1 OR 1=1"],
    "date_from": ["9999-99-99", "0000-00-00", "2026-13-01", "20260101", "yesterday", "٢٠٢٦-٠١-٠١"],
    "date_to": ["9999-99-99", "9999-12-31", "0000-00-00", "2026-02-30", "'"],
    "task": ["' OR 1=1--", "x" * 5000, "<script>"],
    "outcome": ["' OR 1=1--", "password"],
    "label": ["' OR 1=1--", ":", "a:b:c", "a:", "%"],
    "sort": ["password", "created_at;DROP TABLE studies"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NONSENSE.items() for value in values])
def test_arguments_that_make_no_sense_are_left_out(name, value, clinician, reviewer, names):
    """J01, J11"""
    make_study(clinician.user, patient_name="Ada")
    assert names(**{name: value}) == names(client=reviewer, **{name: value}) == ["Ada"]
    assert "<script>" not in clinician.get("/studies", query_string={name: value}).text.replace("<script type", "")


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 73471*61837 }}"])
def test_words_of_users_are_only_words(words, clinician):
    """J02, J03: in names, file names and in the search itself."""
    make_study(clinician.user, patient_name=words, patient_reference=words, file_names=(words,))
    page = clinician.get("/studies", query_string={"q": words}).text
    assert "1 study found" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert str(73471 * 61837) not in page


def test_what_finds_nothing_says_what_could_be_found(clinician):
    make_study(clinician.user, patient_name="Ada Lovelace")
    page = clinician.get("/studies?q=lace").text
    assert "which finds beginnings only" in page and 'value="lace"' in page
    page = clinician.get("/studies?status=incomplete").text
    assert "No study fits these filters" in page and "beginnings only" not in page


def test_goes_through_pages_and_keeps_the_filter(clinician):
    for number in range(60):
        make_study(clinician.user, patient_name=f"Patient {number:02}", outcome="finding")
    make_study(clinician.user, patient_name="Another", status="incomplete")
    pages = list(follow(clinician, "/studies?outcome=finding&sort=oldest", "next"))
    assert [patients_on(page) for page in pages] == [
        [f"Patient {number:02}" for number in numbers] for numbers in (range(25), range(25, 50), range(50, 60))
    ]
    assert "60 studies found" in pages[0]
    assert link(pages[0], "prev") == ""
    assert link(pages[0], "next").startswith("/studies?after=")
    assert link(pages[0], "next").endswith("&outcome=finding&sort=oldest")
    back = list(follow(clinician, link(pages[1], "next"), "prev"))
    assert [patients_on(page) for page in back] == [patients_on(page) for page in reversed(pages)]
    assert link(back[-1], "prev") == ""
    assert '<a class="button" href="/studies?outcome=finding&amp;sort=oldest">First page</a>' in back[-1]


def test_a_page_on_its_way_says_from_when_its_studies_are(clinician):
    for hour in range(24):
        for minute in (0, 30):
            make_study(clinician.user, at=datetime(2026, 2, 3, hour, minute))
    newest = clinician.get("/studies").text
    assert "48 studies" in newest and ">Newest<" not in newest
    older = clinician.get(link(newest, "next")).text
    assert re.sub("<[^>]+>", "", older).count("Sent 3 Feb 2026, 11:00 UTC to 3 Feb 2026, 00:00 UTC") == 1
    assert '<a class="button" href="/studies">Newest</a>' in older
    assert "48 studies" not in older


def test_counts_no_further_than_is_quick(clinician):
    for _ in range(25):
        make_study(clinician.user)
    older = {"owner_id": clinician.user.id, "task": "chest", "created_at": datetime(2020, 1, 1)}
    db.session.execute(db.insert(Study), [older] * 975)
    db.session.commit()
    assert re.search(r'role="status">\s*1,000 studies', clinician.get("/studies").text)
    make_study(clinician.user)
    assert re.search(r'role="status">\s*More than 1,000 studies', clinician.get("/studies").text)


def test_a_page_whose_studies_are_gone_leads_back(clinician):
    """The back button, or an old address, after everything that followed was deleted."""
    kept = make_study(clinician.user, patient_name="Ada")
    page = clinician.get(f"/studies?after={kept.key}&task=chest").text
    assert "No more studies" in page and 'href="/studies?task=chest"' in page
    assert "Ada" in clinician.get("/studies?task=chest").text


def test_the_place_beside_a_deleted_study_is_kept(clinician):
    for number in range(40):
        make_study(clinician.user, patient_name=f"Patient {number:02}")
    second = link(clinician.get("/studies").text, "next")
    before = patients_on(clinician.get(second).text)
    last_of_first_page = db.session.query(Study).filter_by(patient_name="Patient 15").one()
    clinician.post(f"/studies/{last_of_first_page.key}/delete")
    assert patients_on(clinician.get(second).text) == before


def test_no_cursor_shows_what_is_not_ones_own(clinician, sign_in):
    """Z01: the key of another's study tells nothing, not even where in one's own list it would be."""
    for number in range(30):
        make_study(clinician.user, patient_name=f"Mine {number:02}", at=datetime(2026, 1, 1 + number))
    other = make_study(sign_in().user, patient_name="Theirs", at=datetime(2026, 1, 15, 12))
    first = clinician.get("/studies").text
    for direction in ("after", "before"):
        page = clinician.get(f"/studies?{direction}={other.key}").text
        assert "Theirs" not in page
        assert patients_on(page) == patients_on(first) and "30 studies" in page


def test_active_filters_are_shown_and_each_can_be_cleared(clinician):
    make_study(clinician.user, patient_name="Ada")
    page = clinician.get("/studies?q=Ada&outcome=finding&label=chest:pneumonia&date_from=2020-01-01&page=1").text
    for words in ("Search: Ada", "Outcome: Finding", "Label: Pneumonia", "From 2020-01-01 (UTC)"):
        assert words in page
    assert 'href="/studies?q=Ada&amp;label=chest:pneumonia&amp;date_from=2020-01-01"' in page


def test_long_names_are_cut_and_whole_in_the_title(clinician):
    name = "Maximiliane " * 9
    make_study(clinician.user, patient_name=name.strip())
    page = clinician.get("/studies").text
    assert f'title="{name.strip()}"' in page
    assert "…" in page


def test_asks_the_database_a_fixed_number_of_questions(app, clinician):
    def queries() -> int:
        asked = []

        def count(*_args) -> None:
            asked.append(1)

        event.listen(db.engine, "before_cursor_execute", count)
        assert clinician.get("/studies").status_code == 200
        event.remove(db.engine, "before_cursor_execute", count)
        return len(asked)

    make_study(clinician.user)
    few = queries()
    for _ in range(20):
        make_study(clinician.user, file_names=("a.png", "b.png"))
    assert queries() == few


# CSV


def test_the_export_has_what_is_filtered_in_full(clinician):
    for number in range(30):
        make_study(
            clinician.user, patient_name=f"Patient {number:02}", note="first\nsecond", file_names=("a.png", "b.png")
        )
    make_study(clinician.user, patient_name="Another", outcome="inconclusive")
    listed = clinician.get("/studies?outcome=finding&sort=oldest").text
    further = clinician.get(link(listed, "next")).text
    response = clinician.get(html.unescape(re.search(r'href="(/studies\.csv[^"]*)"', further).group(1)))
    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="lumen-studies-')
    assert response.text.startswith("\ufeffstudy,created_utc,")
    rows = list(csv.DictReader(io.StringIO(response.text.lstrip("\ufeff"))))
    assert [row["patient_name"] for row in rows] == [f"Patient {number:02}" for number in range(30)]
    assert rows[0]["probability"] == "0.8000"
    assert rows[0]["files"] == "a.png; b.png"
    assert rows[0]["note"] == "first\nsecond"
    assert datetime.fromisoformat(rows[0]["created_utc"]).tzinfo is not None


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_the_export_is_a_formula(start, clinician):
    formula = f"{start}HYPERLINK(1)"
    make_study(clinician.user, patient_name=formula, patient_reference=formula, note=formula, file_names=(formula,))
    text = clinician.get("/studies.csv").text.lstrip("\ufeff")
    row = next(csv.DictReader(io.StringIO(text, newline="")))
    for column in ("patient_name", "patient_reference", "note", "files"):
        assert row[column] == f"'{formula}"


def test_nobody_signed_in_gets_no_list(client, clinician):
    make_study(clinician.user, patient_name="Ada")
    for path in ("/studies", "/studies.csv"):
        response = client.get(path)
        assert response.status_code == 302
        assert "Ada" not in response.text
