"""Finds studies by the beginning of a word of the patient's name or reference, or of a file name.

What stands within a word is not looked for: no index could answer that, and every name would be read each time.
"""

import unicodedata
from collections.abc import Iterable, Iterator

from sqlalchemy import exists, select

from app.entities import MAX_TERM, SearchTerm, Study, User
from app.services.lookup import NOTHING, Match, begins_with, match

# A name of more words is found by the first ones.
MAX_WORDS = 8
# Letters that Unicode does not take apart, as people without them on their keyboard write them.
PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})


def find_studies(text: str, viewer: User) -> Match:
    """The studies that `text` finds. The list has to keep to the viewer's rights: of many, all are found."""
    beginning = fold(text)[:MAX_TERM]
    if not beginning:
        return NOTHING
    begins = begins_with(SearchTerm.term, beginning)
    ids = select(SearchTerm.study_id).distinct().where(begins)
    if not viewer.sees_all_studies:
        ids = ids.where(SearchTerm.owner_id == viewer.id)
    return match(ids, Study.id, [exists().where(SearchTerm.study_id == Study.id, begins)])


def make_terms(study: Study) -> list[SearchTerm]:
    """The rows by which a search will find a new study."""
    names = [image.original_name for image in study.images]
    texts = terms(study.patient_name or "", study.patient_reference or "", names)
    return [SearchTerm(term=text, owner_id=study.owner_id) for text in sorted(texts)]


def terms(patient_name: str, patient_reference: str, file_names: Iterable[str]) -> set[str]:
    """Every text whose beginning finds a study: its name and reference from each of their words on, its file names."""
    texts = {*_turns(fold(patient_name)), *_turns(fold(patient_reference)), *map(fold, file_names)}
    return {text[:MAX_TERM].rstrip() for text in texts} - {""}


def fold(text: str) -> str:
    """Words as they are compared: no capitals, accents or punctuation, one blank in between."""
    letters = unicodedata.normalize("NFKD", text.casefold()).translate(PLAIN)
    bare = (letter for letter in letters if not unicodedata.combining(letter))
    kept = (letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in bare)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def _turns(text: str) -> Iterator[str]:
    """A text from each of its words on, those before it last: "ada lovelace", "lovelace ada"."""
    words = text.split()[:MAX_WORDS]
    for start in range(len(words)):
        yield " ".join(words[start:] + words[:start])
