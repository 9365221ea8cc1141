"""Why a file was refused, in words: whole sentences that name the rule and say what to do."""

from collections.abc import Mapping
from typing import Any

from models import FORMATS, UnreadableCode

_READ = [known for known in FORMATS if known.is_installed]
# What an upload form says that it takes; the server goes by a file's content, not by these.
ACCEPTED_TYPES = ",".join(part for known in _READ for part in (known.media_type, *known.suffixes))

UNREADABLE = {
    UnreadableCode.EMPTY: "The file is empty. Choose the image again.",
    UnreadableCode.UNKNOWN_FORMAT: "The file is not a {formats} image, whatever its name says.",
    UnreadableCode.UNSUPPORTED_KIND: (
        "The file is a {format} image of a type that is not supported ({kind}). Export it as an 8-bit JPEG or PNG."
    ),
    UnreadableCode.DAMAGED: "The image is damaged or incomplete. Export it again and upload the new file.",
    UnreadableCode.INCOMPLETE: (
        "The image is incomplete: a part of it is missing. Export it again and upload the new file."
    ),
    UnreadableCode.SEVERAL_PICTURES: (
        "Files with several pictures or an animation are not accepted. Send one picture in each file."
    ),
    UnreadableCode.TOO_MANY_FRAMES: (
        "The file has more than {limit} pages. Send its pages in several files of at most {limit} pages."
    ),
    UnreadableCode.TOO_MANY_PARTS: (
        "The file is built of more than {limit:,} {part}, which no camera or scanner writes. Export the image again."
    ),
    UnreadableCode.TOO_MANY_PIXELS: "The image has more than {limit} megapixels. Export it smaller.",
    UnreadableCode.TOO_LONG: (
        "The image is {width} x {height} pixels; its longest side may be {limit:,} pixels. Export it smaller."
    ),
    UnreadableCode.TOO_SMALL: (
        "The image is {width} x {height} pixels; each side must be at least {limit} pixels. Export it larger."
    ),
    UnreadableCode.TOO_NARROW: (
        "The image is a strip; the long side may be at most {limit} times the short one. Send the whole picture."
    ),
    UnreadableCode.NOT_FINITE: ("The image holds values that are no numbers. Export it again as an 8-bit JPEG or PNG."),
    UnreadableCode.NO_PICTURE: (
        "The DICOM file holds no picture but {kind}. Send the images of the examination themselves."
    ),
    UnreadableCode.DICOMDIR: (
        "This is a DICOMDIR, the list of the files on a disc, and no image. Send the image files that lie beside it."
    ),
    UnreadableCode.TRANSFER_SYNTAX: (
        "The pixels of the DICOM file are coded in a way that cannot be read here ({name}). Have the archive send it "
        "uncompressed, or as JPEG 2000, JPEG-LS or RLE."
    ),
    UnreadableCode.DECODER_MISSING: (
        "{format} images cannot be read on this server. Export the image as a JPEG or PNG, "
        "or ask the administrator to install {package}."
    ),
    UnreadableCode.DECODER_CRASHED: "The image could not be decoded. Export it again and upload the new file.",
    UnreadableCode.DECODER_TOO_SLOW: (
        "Decoding the image took longer than {limit} seconds and was stopped. Export it again, or smaller."
    ),
    UnreadableCode.DECODER_TOO_LARGE: (
        "Decoding the image took more memory than is allowed. Export it again, or smaller."
    ),
}


def unreadable_text(code: UnreadableCode, values: Mapping[str, Any]) -> str:
    """The sentence for a code of `models.UnreadableImage` and the values that came with it."""
    words = {name: _listed(value) if isinstance(value, list) else value for name, value in values.items()}
    return UNREADABLE[code].format(**words)


def accepted_formats() -> str:
    """The formats that are read, in words."""
    return _listed([known.name for known in _READ])


def _listed(names: list[str]) -> str:
    """JPEG, PNG or TIFF."""
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
