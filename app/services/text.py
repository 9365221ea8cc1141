"""Text that people type, and names of their files: cleaned before it is stored."""

import re
import unicodedata

MAX_FILE_NAME = 255
# Overrides of the writing direction can make a name read as another one.
DIRECTION_CONTROLS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean_line(text: str) -> str:
    """One line of text: control characters and direction overrides dropped, blanks in a row made one."""
    visible = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    return " ".join(DIRECTION_CONTROLS.sub("", visible).split())


def clean_text(text: str) -> str:
    """Text of several lines, each cleaned as clean_line does."""
    return "\n".join(clean_line(line) for line in text.splitlines()).strip()


def clean_file_name(name: str) -> str:
    """The last part of a file name, one line, cut in the middle to 255 characters; only ever shown, never opened."""
    last = clean_line(name.replace("\\", "/").rsplit("/", 1)[-1]) or "image"
    return last if len(last) <= MAX_FILE_NAME else f"{last[: MAX_FILE_NAME - 21]}…{last[-20:]}"
