"""Whose images these are: what their headers say, held against each other and against the form."""

from collections.abc import Iterable, Iterator

from app.entities import Acquisition, Study
from app.services.studies.files import Picture, RefusedFile, Upload


def of_one_patient(study: Study, pictures: Iterable[tuple[Upload, Picture]]) -> Iterator[tuple[Upload, Picture]]:
    """The same pictures; what the form left empty of name and reference is filled in from the first header.

    Raises RefusedFile where the headers of two images name different patients: a study is of one.
    """
    first: Acquisition | None = None
    for upload, picture in pictures:
        header = picture.row.acquisition
        if header and (header.patient_id or header.patient_name):
            if first is None:
                first = header
                study.patient_name = study.patient_name or header.patient_name
                study.patient_reference = study.patient_reference or header.patient_id
            elif _are_two(first, header):
                raise RefusedFile(
                    upload,
                    "Its header names another patient than the images before it. A study is of one patient: send the "
                    "images of each by themselves.",
                )
        yield upload, picture


def _are_two(one: Acquisition, other: Acquisition) -> bool:
    """Whether two headers name different patients; by their identifiers, or by name where one has none."""
    if one.patient_id and other.patient_id:
        return one.patient_id != other.patient_id
    return bool(one.patient_name and other.patient_name) and one.patient_name != other.patient_name
