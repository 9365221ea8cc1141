"""The audit of a trained network for shortcuts, kept in weights/<task>/<network>/audit.json.

models/training/audit.py writes it. "chance" is the balanced accuracy of a guess. All but the first part speak of the
primary head.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum

from models.deployment import NetworkId, current_deployment
from models.measures import Measure, MeasureSet
from models.records import from_json, to_json
from models.task import Task

AUDIT = "audit.json"


class Change(StrEnum):
    """Fixed changes of an image that leave the answer of a reader as it is, or that a reader would send back."""

    NONE = "none"
    BLURRED = "blurred"
    HALF_RESOLUTION = "half_resolution"
    JPEG_30 = "jpeg_30"
    SQUEEZED = "squeezed"
    CROPPED = "cropped"
    FRAMED = "framed"
    DARKER = "darker"
    BRIGHTER = "brighter"
    LESS_CONTRAST = "less_contrast"
    WARM = "warm"
    GREY = "grey"
    INVERTED = "inverted"
    MIRRORED = "mirrored"
    SIDE_MARKER = "side_marker"
    TEXT = "text"
    WHITE_FRAME = "white_frame"
    ROUND_FIELD = "round_field"
    SIDEWAYS = "sideways"
    TWO_VIEWS = "two_views"


@dataclass(frozen=True)
class Cue:
    """One superficial cue: trees on it `alone`, and the balanced accuracy that trees on all cues lose without it."""

    cue: str
    alone: tuple[Measure, ...]
    drop: float


@dataclass(frozen=True)
class Baseline:
    """Trees on all superficial cues (`measures`) beside the `network` on the same images.

    The trees learned from `trained_on` images.
    """

    chance: float
    trained_on: int
    measures: tuple[Measure, ...]
    cues: tuple[Cue, ...]
    network: tuple[Measure, ...] = ()


@dataclass(frozen=True)
class Probe:
    """How well the sources (name -> images) of some images can be told from the features of the network."""

    chance: float
    sources: dict[str, int]
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class SourceProbes:
    """A probe over all images and one within each label that several sources share; `column`: of the manifest."""

    column: str
    overall: Probe | None
    labels: dict[str, Probe]


@dataclass(frozen=True)
class AlteredImages:
    """What users would get for images changed in one way, and how right the network is, whatever the gate says."""

    change: Change
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class CopiedSplit:
    """Of the `n` images of the split `split`, `copied` have a copy among those of `other`, turned or mirrored or not.

    `in_use`: how many still have one when the images known as copies are left out of training and validation.
    """

    split: str
    other: str
    n: int
    copied: int
    in_use: int


@dataclass(frozen=True)
class Copies:
    """What a search for copies (models/training/copies.py) found in the data sets on the day `searched`."""

    searched: str
    splits: tuple[CopiedSplit, ...]


@dataclass(frozen=True)
class Heatmaps:
    """How far the maps of the labels that the network puts first can be believed (models/training/heatmaps.py).

    `cells`: height and width of a map.
    """

    cells: tuple[int, int]
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Audit:
    """All that the audit of the network whose model.keras has `sha256` found on the images of `split`.

    `tiny_image_baseline`: head key -> what needs no understanding of disease. `datasets`: name of a data set -> how
    right the network is there, in all and on each label's images.
    """

    created: str
    sha256: str
    split: str
    tiny_image_baseline: dict[str, Baseline]
    source_classifier: SourceProbes
    datasets: dict[str, MeasureSet] = field(default_factory=dict)
    altered_images: tuple[AlteredImages, ...] = ()
    copies: Copies | None = None
    heatmaps: Heatmaps | None = None


def read_audit(task: Task, network: NetworkId | None = None) -> Audit | None:
    """The audit of a network of `task`, by default of the one that serves; None if it was not audited.

    Raises UnfitRecord for a file that is no audit.
    """
    path = (network or current_deployment().network_of(task)).folder / AUDIT
    return from_json(Audit, json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def encode_audit(audit: Audit) -> str:
    """The audit as the text of its file."""
    return json.dumps(to_json(audit), indent=1) + "\n"
