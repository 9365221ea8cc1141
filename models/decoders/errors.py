"""Why a file is no acceptable image: a code with values. Sentences are made in `app/wording/files.py`."""

from enum import StrEnum


class UnreadableCode(StrEnum):
    """The rule that a file breaks; behind each the values that come with it."""

    EMPTY = "empty"
    UNKNOWN_FORMAT = "unknown_format"  # formats
    UNSUPPORTED_KIND = "unsupported_kind"  # format, kind
    DAMAGED = "damaged"
    INCOMPLETE = "incomplete"
    SEVERAL_PICTURES = "several_pictures"
    TOO_MANY_FRAMES = "too_many_frames"  # limit
    TOO_MANY_PARTS = "too_many_parts"  # part, limit
    TOO_MANY_PIXELS = "too_many_pixels"  # limit, in megapixels
    TOO_LONG = "too_long"  # width, height, limit
    TOO_SMALL = "too_small"  # width, height, limit
    TOO_NARROW = "too_narrow"  # limit
    NOT_FINITE = "not_finite"
    NO_PICTURE = "no_picture"  # kind
    DICOMDIR = "dicomdir"
    TRANSFER_SYNTAX = "transfer_syntax"  # name
    DECODER_MISSING = "decoder_missing"  # format, package
    DECODER_CRASHED = "decoder_crashed"
    DECODER_TOO_SLOW = "decoder_too_slow"  # limit, in seconds
    DECODER_TOO_LARGE = "decoder_too_large"


class UnreadableImage(ValueError):
    """These bytes are no acceptable image.

    `code`: the rule that they break. `values`: numbers and names of that rule, JSON scalars or lists of them. As text:
    the same in plain English, for logs and commands.
    """

    def __init__(self, code: UnreadableCode, **values: int | str | list[str]) -> None:
        super().__init__(code, values)
        self.code = code
        self.values = values

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.values.items())
        return f"The image cannot be read: {self.code.replace('_', ' ')}{f' ({told})' if told else ''}."


class DecodersUnavailable(RuntimeError):
    """No decoding process comes up: a fault of the installation, and none of the file. The server's log says why."""


class DecodersBusy(RuntimeError):
    """Every decoding process has work, and none came free in time. Try again after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"All decoders are busy; try again in {retry_after} seconds")
        self.retry_after = retry_after
