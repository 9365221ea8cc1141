"""Why an image was answered as it was, and what was done to it: a code with values.

Words for people are made where they are shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Scalar = str | int | float
Value = Scalar | list[str] | list[float]


class ReasonCode(StrEnum):
    """What a `Reason` says; behind each the keys of its values.

    Labels, heads, tasks and modalities stand by their keys, probabilities and thresholds in 0 to 1, lists with the most
    probable label first. `measured` and `limit` are in the unit of the test in models/gate.py.
    """

    # The header of a file contradicts the task; `modality`, `body_part` and `view_position` are codes of DICOM.
    HEADER_MODALITY = "header_modality"  # expected: modality; modality
    HEADER_BODY_PART = "header_body_part"  # expected: modality; body_part
    LATERAL_VIEW = "lateral_view"  # view_position

    # The gate refuses an image.
    TOO_SMALL = "too_small"  # width, height: pixels; fewest: pixels of the smallest image allowed
    BLANK = "blank"  # measured, limit
    TOO_DARK = "too_dark"  # measured, limit
    OVEREXPOSED = "overexposed"  # measured, limit
    BLURRED = "blurred"  # measured, limit
    OTHER_MODALITY = "other_modality"  # expected, seen: modalities; task: one that reads the modality seen
    UNEXPECTED_MODALITY = "unexpected_modality"  # expected: modality
    HEAD_CT = "head_ct"  # expected: modality
    LESION_PHOTO = "lesion_photo"  # expected: modality
    UNLIKE_TRAINING = "unlike_training"  # measured, limit
    # Of the right type, but not as it should be (models/modality.py says of which types what is asked).
    TURNED = "turned"  # turned: label of the head
    INVERTED = "inverted"
    TWO_PICTURES = "two_pictures"  # layout: label of the head
    SCREEN_PHOTO = "screen_photo"
    DRAWN_ON = "drawn_on"
    MARKER_COVERS = "marker_covers"

    # No task is found for an image.
    SEVERAL_TASKS = "several_tasks"  # tasks: all that read its modality
    NO_TASK = "no_task"
    UNCLEAR_MODALITY = "unclear_modality"

    # A head is decided, or not.
    ONE_LABEL = "one_label"  # head, label
    NO_LABEL = "no_label"  # head
    BETWEEN_THRESHOLDS = "between_thresholds"  # head, label, probability; low, high: the edges of the band
    SEVERAL_LABELS = "several_labels"  # head, labels
    NOT_EXCLUDED = "not_excluded"  # head, labels: the possible ones; not_excluded, and their probabilities, thresholds


class RightingCode(StrEnum):
    """What was done to a picture before it was read; behind each the keys of its values.

    `kept`: share of the picture's area that was read, 0 to 1.
    """

    TRIMMED = "trimmed"  # kept
    ROUND_FIELD = "round_field"  # kept
    INVERTED_BACK = "inverted_back"


@dataclass(frozen=True)
class Reason:
    """`code`: a ReasonCode or RightingCode. `values`: its keys and numbers, as JSON can hold them; never a sentence."""

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)
