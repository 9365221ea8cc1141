"""What a file's header says of an image, held against the task before any pixel is looked at.

Only what contradicts the task refuses: headers are filled in by people and by devices, and often not at all. Codes are
those of DICOM (PS3.3, C.7.3.1.1.1; PS3.16, Annex L); one that is not listed contradicts nothing.
"""

from dataclasses import dataclass

from models.reason import Reason, ReasonCode, Value
from models.registry import all_tasks
from models.task import Modality, Task

_RADIOGRAPHS = frozenset({Modality.BONE_XRAY, Modality.CHEST_XRAY})
_PHOTOS = frozenset({Modality.CLINICAL_PHOTO, Modality.DERMOSCOPY, Modality.LESION_PHOTO})
# (0008,0060) Modality -> the types of image that it may be.
TYPES: dict[str, frozenset[Modality]] = {
    **dict.fromkeys(("CR", "DX", "RG", "RF", "XA"), _RADIOGRAPHS),
    "MR": frozenset({Modality.BRAIN_MRI}),
    "XC": _PHOTOS,
    "DMS": frozenset({Modality.DERMOSCOPY}),
    **dict.fromkeys(
        ("CT", "MG", "US", "IVUS", "PT", "NM", "ES", "OP", "OPT", "OCT", "IO", "PX", "SM", "GM", "BMD"), frozenset()
    ),
}
# Part of the body -> (0018,0015) Body Part Examined.
PARTS: dict[str, frozenset[str]] = {
    "head": frozenset({"HEAD", "BRAIN", "SKULL", "HEADNECK", "PITUITARY", "SELLA", "ORBIT", "FACE", "CEREBELLUM"}),
    "chest": frozenset({"CHEST", "THORAX", "LUNG", "LUNGS", "CHESTABDOMEN"}),
    "limb": frozenset(
        {
            "HAND", "FINGER", "THUMB", "WRIST", "FOREARM", "ELBOW", "ARM", "HUMERUS", "UPPERARM", "SHOULDER",
            "CLAVICLE", "SCAPULA", "FOOT", "TOE", "ANKLE", "CALCANEUS", "LEG", "LOWERLEG", "KNEE", "PATELLA", "FEMUR",
            "THIGH", "HIP", "PELVIS", "EXTREMITY", "UPPERLIMB", "LOWERLIMB", "RADIUS", "ULNA", "TIBIA", "FIBULA",
        }
    ),
    "other": frozenset(
        {
            "ABDOMEN", "BREAST", "CSPINE", "TSPINE", "LSPINE", "SPINE", "SSPINE", "COCCYX", "SACRUM", "NECK", "HEART",
            "LIVER", "KIDNEY", "BLADDER", "PROSTATE", "UTERUS", "COLON", "JAW", "MANDIBLE", "TOOTH", "TEETH",
        }
    ),
}  # fmt: skip
EXPECTED_PARTS: dict[Modality, str] = {
    Modality.BRAIN_MRI: "head",
    Modality.CHEST_XRAY: "chest",
    Modality.BONE_XRAY: "limb",
}
# (0018,5101) View Position from the side.
LATERAL = frozenset({"LL", "RL", "LAT", "LATERAL"})


@dataclass(frozen=True)
class Header:
    """What a file says of how it was taken: DICOM's codes in capitals, "" where it says nothing."""

    modality: str = ""
    body_part: str = ""
    view_position: str = ""


NO_HEADER = Header()


def check_header(task: Task, header: Header) -> tuple[Reason | None, str]:
    """Why an image with this header is not for `task`, and the name of one that reads such images; None and "" if none.

    The reason's values are codes of DICOM and modalities, as models.reason says.
    """
    values: dict[str, Value] = {"expected": task.modality.value}
    types = TYPES.get(header.modality)
    if types is not None and task.modality not in types:
        fitting = [other for other in all_tasks() if other.modality in types]
        suggested = fitting[0].name if len(fitting) == 1 else ""
        return Reason(ReasonCode.HEADER_MODALITY, {**values, "modality": header.modality}), suggested
    part = next((name for name, codes in PARTS.items() if header.body_part.replace(" ", "") in codes), "")
    if part and EXPECTED_PARTS.get(task.modality, part) != part:
        return Reason(ReasonCode.HEADER_BODY_PART, {**values, "body_part": header.body_part}), ""
    if task.modality is Modality.CHEST_XRAY and header.view_position in LATERAL:
        return Reason(ReasonCode.LATERAL_VIEW, {"view_position": header.view_position}), ""
    return None, ""
