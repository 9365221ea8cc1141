"""By which words a study is found."""

import pytest

from app.entities import SearchTerm
from app.extensions import db
from app.services import studies
from app.services.studies import search
from tests.actors import by
from tests.fakes import picture
from tests.sending import make_study


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ada  Lovelace", "ada lovelace"),
        ("Özil, Änne", "ozil anne"),
        ("O'Brien-Smith", "o brien smith"),
        ("STRASSE Straße", "strasse strasse"),
        ("Łukasz Sørensen Yılmaz İnci", "lukasz sorensen yilmaz inci"),
        ("MRN-0012/7", "mrn 0012 7"),
        ("IMG_0001.JPG", "img 0001 jpg"),
        ("Ｆｕｌｌ １２", "full 12"),
        ("Владимир", "владимир"),
        ("山田 太郎", "山田 太郎"),
        ("김민준", "김민준"),
        ("नमस्ते", "नमसते"),
        ("🩻 % _ \\", ""),
        ("", ""),
    ],
)
def test_capitals_accents_and_punctuation_do_not_count(text, folded):
    assert search.fold(text) == folded == search.fold(folded)


def test_names_and_references_are_found_from_each_of_their_words_on():
    assert search.terms("Ada King Lovelace", "MRN-5", ["left_knee.png", "left knee.PNG"]) == {
        "ada king lovelace", "king lovelace ada", "lovelace ada king", "mrn 5", "5 mrn", "left knee png",
    }  # fmt: skip
    assert search.terms("", "", []) == set()


def test_terms_have_a_length_and_a_number():
    terms = search.terms("x" * 120, "a b c d e f g h i j k l", ["y" * 255])
    assert max(map(len, terms)) == 64
    assert len(terms) == 1 + search.MAX_WORDS + 1


def test_a_study_is_found_as_soon_as_it_is_sent(make_user, networks):
    owner = make_user()
    study, _ = studies.submit_study(
        actor=by(owner), task="chest", uploads=[studies.Upload("Knee 1.jpg", picture())], patient_name="Ada Lovelace"
    )
    found = {(term.study_id, term.owner_id, term.term) for term in db.session.query(SearchTerm)}
    assert found == {(study.id, owner.id, term) for term in ("ada lovelace", "lovelace ada", "knee 1 jpg")}


def test_letters_beyond_the_first_planes_are_compared_as_well(make_user):
    owner = make_user()
    for name in ("𠮷田", "𠮷川", "吉田"):
        make_study(owner, patient_name=name, file_names=())
    found = search.find_studies("𠮷", owner)
    assert len(db.session.query(SearchTerm).all()) == 3
    assert len(found.conditions[0].right.value) == 2
