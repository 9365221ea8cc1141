"""What Lumen keeps of a DICOM header: these elements and no others. All else in a file is dropped with it."""

import math
from collections.abc import Callable
from datetime import date
from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

MOST_LETTERS = 120
MOST_OF_UID = 64


def read_acquisition(elements: Dataset) -> dict[str, Any]:
    """Key -> what the file says of it, as text or numbers; keys of which it says nothing are left out.

    Dates are ISO 8601, names as `spoken_name`, `spacing` is the millimetres from row to row and column to column,
    `burned_in` whether text is burned into the pixels.
    """
    found = {key: read(elements) for key, read in _KEPT.items()}
    return {key: value for key, value in found.items() if value not in (None, "")}


def spoken_name(name: PersonName | str) -> str:
    """A name as lists show it, family name first: "Yamada, Tarou (山田, 太郎)".

    Behind the alphabetic form stands the ideographic one, or the phonetic one where there is only that.
    """
    name = name if isinstance(name, PersonName) else PersonName(str(name))
    forms = [_in_order(str(form)) for form in (name.alphabetic, name.ideographic, name.phonetic)]
    first, *others = [form for form in forms if form] or [""]
    return f"{first} ({others[0]})" if others else first


def _in_order(form: str) -> str:
    """One form of a name, family^given^middle^prefix^suffix."""
    family, given, middle, prefix, suffix = (*(part.strip() for part in form.split("^")), *[""] * 5)[:5]
    rest = " ".join(part for part in (prefix, given, middle, suffix) if part)
    return ", ".join(part for part in (family, rest) if part)


def _text(keyword: str, most: int = MOST_LETTERS) -> Callable[[Dataset], str]:
    return lambda elements: _clean(elements.get(keyword), most)


def _code(keyword: str, most: int) -> Callable[[Dataset], str]:
    return lambda elements: _clean(elements.get(keyword), most).upper()


def _clean(value: object, most: int) -> str:
    """One line without control characters; of several values the first."""
    if value is None:
        return ""
    if isinstance(value, MultiValue):
        value = next(iter(value), "")
    return "".join(letter for letter in str(value) if letter.isprintable()).strip()[:most]


def _name(elements: Dataset) -> str:
    return _clean(spoken_name(elements.get("PatientName") or ""), MOST_LETTERS)


def _date(keyword: str) -> Callable[[Dataset], str]:
    def read(elements: Dataset) -> str:
        # Some write 2004.01.19, as the standard once did.
        digits = str(elements.get(keyword) or "").replace(".", "").strip()
        try:
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()
        except ValueError:
            return ""

    return read


def _spacing(elements: Dataset) -> list[float] | None:
    """Only of what was measured in the patient or at the detector."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        try:
            tall, wide = (float(one) for one in elements.get(keyword))
        except (TypeError, ValueError):
            continue
        if all(math.isfinite(one) and one > 0 for one in (tall, wide)):
            return [tall, wide]
    return None


def _side(elements: Dataset) -> str:
    return next((side for side in (_code(key, 1)(elements) for key in _SIDES) if side in ("L", "R", "B")), "")


def _burned_in(elements: Dataset) -> bool | None:
    return {"YES": True, "NO": False}.get(_code("BurnedInAnnotation", 3)(elements))


_SIDES = ("ImageLaterality", "FrameLaterality", "Laterality")
_KEPT: dict[str, Callable[[Dataset], Any]] = {
    "patient_name": _name,
    "patient_id": _text("PatientID", 64),
    "patient_birth_date": _date("PatientBirthDate"),
    "patient_sex": _code("PatientSex", 16),
    "study_uid": _text("StudyInstanceUID", MOST_OF_UID),
    "series_uid": _text("SeriesInstanceUID", MOST_OF_UID),
    "instance_uid": _text("SOPInstanceUID", MOST_OF_UID),
    "class_uid": _text("SOPClassUID", MOST_OF_UID),
    "accession_number": _text("AccessionNumber", 64),
    "modality": _code("Modality", 16),
    "body_part": _code("BodyPartExamined", 64),
    "view_position": _code("ViewPosition", 32),
    "side": _side,
    "study_date": _date("StudyDate"),
    "manufacturer": _text("Manufacturer"),
    "device": _text("ManufacturerModelName"),
    "spacing": _spacing,
    "burned_in": _burned_in,
}
