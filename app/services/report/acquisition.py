"""What a DICOM header told of an image, in words."""

from app.entities import Acquisition, Study
from app.services.report.content import Fact
from app.wording import dicom


def acquisition_facts(header: Acquisition | None) -> tuple[Fact, ...]:
    """What is known of how the image was taken, in the order in which a clinician asks; empty without a header."""
    if header is None:
        return ()
    born = f"born {header.patient_birth_date.isoformat()}" if header.patient_birth_date else ""
    patient = [header.patient_name, header.patient_id, born, dicom.code_text(header.patient_sex, dicom.SEXES)]
    told = (
        ("patient", "Patient in the file", ", ".join(part for part in patient if part)),
        ("modality", "Type", dicom.modality_text(header.modality) if header.modality else ""),
        ("body_part", "Part of the body", header.body_part.lower()),
        ("view_position", "View", dicom.code_text(header.view_position, dicom.VIEWS)),
        ("side", "Side", dicom.code_text(header.side, dicom.SIDES)),
        ("study_date", "Taken on", header.study_date.isoformat() if header.study_date else ""),
        ("accession_number", "Accession number", header.accession_number),
        ("device", "Device", " ".join(part for part in (header.manufacturer, header.device) if part)),
    )
    return tuple(Fact(key, title, text) for key, title, text in told if text)


def acquisition_notices(header: Acquisition | None, study: Study) -> tuple[str, ...]:
    """What a reader has to know of the header before the answer, in sentences."""
    if header is None:
        return ()
    notices = []
    if header.burned_in:
        notices.append(dicom.BURNED_IN)
    other_name = header.patient_name and header.patient_name != study.patient_name
    if (header.patient_id and header.patient_id != study.patient_reference) or other_name:
        notices.append(dicom.OTHER_PATIENT)
    return tuple(notices)
