"""Each reason for which a file is refused has its sentence, and each format its entry."""

import re
import string

import pytest

import models
from app.wording.files import ACCEPTED_TYPES, UNREADABLE, accepted_formats, unreadable_text
from models import UnreadableCode

# Values as the decoders give them.
VALUES = {
    "unknown_format": {"formats": ["JPEG", "PNG", "TIFF"]},
    "unsupported_kind": {"format": "JPEG", "kind": "lossless"},
    "too_many_frames": {"limit": 32},
    "too_many_parts": {"part": "scans", "limit": 2_000},
    "too_many_pixels": {"limit": 40},
    "too_long": {"width": 12_000, "height": 40, "limit": 10_000},
    "too_small": {"width": 31, "height": 31, "limit": 32},
    "too_narrow": {"limit": 8},
    "no_picture": {"kind": "a structured report"},
    "transfer_syntax": {"name": "JPEG Extended (Process 2 and 4), 12 bits"},
    "decoder_missing": {"format": "HEIC", "package": "pillow-heif"},
    "decoder_too_slow": {"limit": 20},
}


@pytest.mark.parametrize("code", UnreadableCode)
def test_every_code_has_whole_sentences_with_its_values(code):
    values = VALUES.get(code, {})
    placeholders = {name for _, name, _, _ in string.Formatter().parse(UNREADABLE[code]) if name}
    assert placeholders <= set(values)
    assert re.fullmatch(r"[A-Z][^{}\n]+\.", unreadable_text(code, values))


def test_lists_and_numbers_are_written_as_people_write_them():
    assert "JPEG, PNG or TIFF" in unreadable_text(UnreadableCode.UNKNOWN_FORMAT, VALUES["unknown_format"])
    assert "2,000 scans" in unreadable_text(UnreadableCode.TOO_MANY_PARTS, VALUES["too_many_parts"])


def test_what_is_accepted_is_what_is_read():
    parts = ACCEPTED_TYPES.split(",")
    read = [known for known in models.FORMATS if known.is_installed]
    assert parts == [part for known in read for part in (known.media_type, *known.suffixes)]
    assert len(parts) == len(set(parts))
    assert all(known.name in accepted_formats() for known in read)
