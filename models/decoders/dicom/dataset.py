"""A DICOM file opened: its elements, after the checks that stand before any pixel is decoded."""

import io

from pydicom import Dataset, config, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.uid import UID

from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.limits import MAX_FRAMES, check_frames

# A wrong value in an element that nobody asks for must not cost the picture.
config.settings.reading_validation_mode = config.IGNORE

PHOTOMETRIC = (
    "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT",
)  # fmt: skip
_DIRECTORY = UID("1.2.840.10008.1.3.10")
# Objects that describe pictures, or hold samples that are none: (0008,0060) -> what it is, in words.
NO_PICTURE = {
    "SR": "a structured report",
    "KO": "a selection of key images",
    "PR": "a presentation state",
    "DOC": "a document",
    "SEG": "a segmentation",
    "REG": "a registration",
    "FID": "fiducials",
    "RTDOSE": "a radiation dose",
    "RTPLAN": "a radiotherapy plan",
    "RTSTRUCT": "a set of radiotherapy contours",
    "RTRECORD": "a radiotherapy record",
    "AU": "sound",
    "ECG": "an ECG",
    "HD": "haemodynamic curves",
    "PLAN": "a plan",
}
# Sequences at the top that are part of how samples become grey: modality LUT, VOI LUT.
_TABLES = (0x00283000, 0x00283010)


def open_dataset(data: bytes) -> Dataset:
    """The elements of a file that holds pictures of at most 16 bits, within all limits of size.

    Raises UnreadableImage: with a code of its own for a file that holds no picture, and for one of a transfer syntax
    that is not known. Whatever else is wrong with it raises what pydicom raises.
    """
    dataset = dcmread(io.BytesIO(data))
    syntax = getattr(dataset.file_meta, "TransferSyntaxUID", None)
    if syntax is None:
        raise UnreadableImage(UnreadableCode.DAMAGED)
    _check_has_picture(dataset)
    if not syntax.is_transfer_syntax:
        raise UnreadableImage(UnreadableCode.TRANSFER_SYNTAX, name=str(syntax))
    _check_samples(dataset)
    frames = frame_count(dataset)
    check_frames([(int(dataset.Columns), int(dataset.Rows))] * frames)
    if not syntax.is_encapsulated:
        _check_length(dataset, frames)
    return dataset


def frame_count(dataset: Dataset) -> int:
    """How many pictures the file says that it holds. Raises UnreadableImage for a count that is none."""
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
    except (TypeError, ValueError) as error:
        raise UnreadableImage(UnreadableCode.DAMAGED) from error
    if frames < 1:
        raise UnreadableImage(UnreadableCode.DAMAGED)
    if frames > MAX_FRAMES:
        raise UnreadableImage(UnreadableCode.TOO_MANY_FRAMES, limit=MAX_FRAMES)
    return frames


def frame_elements(dataset: Dataset, index: int) -> Dataset:
    """The elements of the picture at this place: those of the file, and over them those of its functional groups.

    Enhanced objects keep there, for all frames or for each, what older ones have at the top (PS3.3, C.7.6.16).
    """
    elements = Dataset()
    # Tables in it are in the file's order of bytes.
    elements.file_meta = dataset.file_meta
    elements.update({element.tag: element for element in dataset if element.VR != "SQ" or element.tag in _TABLES})
    shared, each = dataset.get("SharedFunctionalGroupsSequence"), dataset.get("PerFrameFunctionalGroupsSequence")
    groups = [*(shared or [])[:1], *(each or [])[index : index + 1]]
    for group in groups:
        for macro in group:
            if macro.VR == "SQ" and macro.value:
                elements.update({element.tag: element for element in macro.value[0]})
    return elements


def _check_has_picture(dataset: Dataset) -> None:
    if dataset.file_meta.get("MediaStorageSOPClassUID") == _DIRECTORY:
        raise UnreadableImage(UnreadableCode.DICOMDIR)
    modality = str(dataset.get("Modality", "")).strip().upper()
    if modality in NO_PICTURE or "PixelData" not in dataset:
        raise UnreadableImage(UnreadableCode.NO_PICTURE, kind=NO_PICTURE.get(modality, "other data"))


def _check_samples(dataset: Dataset) -> None:
    bits, photometric = dataset.BitsAllocated, str(dataset.PhotometricInterpretation)
    if bits not in (8, 16):
        raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="DICOM", kind=f"{bits} bits for each sample")
    if photometric not in PHOTOMETRIC:
        raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="DICOM", kind=photometric)


def _check_length(dataset: Dataset, frames: int) -> None:
    """Raises UnreadableImage where pixels that are not compressed are fewer, or far more, than the header says."""
    stored = dataset.get_item("PixelData")
    if isinstance(stored, RawDataElement) and stored.length != len(stored.value or b""):
        raise UnreadableImage(UnreadableCode.INCOMPLETE)
    samples = frames * dataset.Rows * dataset.Columns * dataset.SamplesPerPixel
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        samples = samples * 2 // 3
    expected, found = samples * dataset.BitsAllocated // 8, len(dataset.PixelData)
    if found < expected:
        raise UnreadableImage(UnreadableCode.INCOMPLETE)
    if found >= 2 * expected:
        raise UnreadableImage(UnreadableCode.DAMAGED)
