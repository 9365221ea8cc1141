"""What codes of a DICOM header mean, in words."""

from collections.abc import Mapping

# (0008,0060) Modality, as it stands inside a sentence.
MODALITIES = {
    "CR": "a radiograph",
    "DX": "a radiograph",
    "RG": "a radiograph",
    "RF": "fluoroscopy",
    "XA": "an X-ray angiogram",
    "MR": "an MRI",
    "XC": "a photo",
    "DMS": "a dermoscopic image",
    "CT": "a CT",
    "MG": "a mammogram",
    "US": "an ultrasound image",
    "IVUS": "an ultrasound image from inside a vessel",
    "PT": "a PET image",
    "NM": "a nuclear medicine image",
    "ES": "an endoscopic image",
    "OP": "a photo of the eye",
    "OPT": "a tomogram of the eye",
    "OCT": "an optical coherence tomogram",
    "IO": "a dental radiograph",
    "PX": "a panoramic dental radiograph",
    "SM": "a microscopic slide",
    "GM": "a microscopic image",
    "BMD": "a bone density scan",
}
VIEWS = {
    "PA": "back to front (PA)",
    "AP": "front to back (AP)",
    "LL": "left lateral",
    "RL": "right lateral",
    "LAT": "lateral",
    "LATERAL": "lateral",
}
SIDES = {"L": "left", "R": "right", "B": "both"}
SEXES = {"F": "female", "M": "male", "O": "other"}
BURNED_IN = (
    "The file says that text is burned into the picture: it may show the patient's name, and whoever sees the picture "
    "sees it."
)
OTHER_PATIENT = "The file names the patient differently from the study: check that the image is of the right patient."


def modality_text(code: str) -> str:
    """What this code names, or the code itself where it is not known."""
    return MODALITIES.get(code, f"an image of modality {code}")


def code_text(code: str, words: Mapping[str, str]) -> str:
    """The word for a code, or the code itself in small letters."""
    return words.get(code, code.lower())
