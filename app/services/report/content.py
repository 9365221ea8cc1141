"""The shape of a report: all words and numbers of one study, once. The result page and the PDF render the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models import Outcome

RESEARCH_USE = (
    "Lumen is for research and decision support. It is not a medical device and its output is not a diagnosis: "
    "a qualified clinician decides."
)

# A question beside the primary one shows so many answers at once, unless it has few.
LEADING, SHORT = 3, 5


@dataclass(frozen=True)
class LabelLine:
    """One label as a bar and a number. `probability` is calibrated, 0 to 1; `decision` is a models.Decision.

    `threshold`: the probability below which the label is ruled out; None when the card that says so is gone.
    """

    key: str
    name: str
    note: str
    probability: float
    decision: str
    threshold: float | None = None


@dataclass(frozen=True)
class HeadSection:
    """One question to the network with all its labels, the most probable first."""

    key: str
    title: str
    note: str
    reason: str
    is_primary: bool
    lines: tuple[LabelLine, ...]

    @property
    def not_excluded(self) -> tuple[LabelLine, ...]:
        """The lines that stand apart, under those of the possible labels: what must not be missed."""
        return tuple(line for line in self.lines if line.decision == "not_excluded")

    @property
    def leading(self) -> tuple[LabelLine, ...]:
        """The lines to show at once: all of the primary question or a short one, else the three most probable."""
        lines = self._without_not_excluded
        return lines if self.is_primary or len(self.lines) <= SHORT else lines[:LEADING]

    @property
    def others(self) -> tuple[LabelLine, ...]:
        """The lines that `leading` and `not_excluded` leave."""
        return self._without_not_excluded[len(self.leading) :]

    @property
    def groups(self) -> tuple[tuple[LabelLine, ...], ...]:
        """The lines to show at once in groups: what is not excluded under what is possible and above the unlikely."""
        if not self.not_excluded:
            return (self.leading,)
        possible = tuple(line for line in self.leading if line.decision != "unlikely")
        unlikely = tuple(line for line in self.leading if line.decision == "unlikely")
        return tuple(group for group in (possible, self.not_excluded, unlikely) if group)

    @property
    def has_thresholds(self) -> bool:
        """Whether the bars can be marked with their thresholds."""
        return any(line.threshold is not None for line in self.lines)

    @property
    def _without_not_excluded(self) -> tuple[LabelLine, ...]:
        return tuple(line for line in self.lines if line not in self.not_excluded)


@dataclass(frozen=True)
class Step:
    """One question on the way to the result, as a clinician would ask it, and its short answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Fact:
    """One fact with its title; `key` names it for programs."""

    key: str
    title: str
    text: str


@dataclass(frozen=True)
class Heatmap:
    """The label that a stored heatmap of an image speaks for: its key and its name."""

    label: str
    name: str


@dataclass(frozen=True)
class QualityPart:
    """One respect of the quality of an image, in words, and its score of 100."""

    key: str
    name: str
    score: int


@dataclass(frozen=True)
class QualitySection:
    """How good an image is: `text` in a line, `score` of 100, and its parts."""

    text: str
    score: int
    parts: tuple[QualityPart, ...]


@dataclass(frozen=True)
class ImageSection:
    """One image: what was sent, what came of it. `sections` is empty when the image was not assessed or is not done.

    `steps`: of a task with several questions, all answers in brief in the order of the task; else empty.
    `page`: from 1 within a file of several pages, else 0. `is_final`: whether all images of the study are done.
    `heatmaps`: those that there are, the most probable label's first. `suggested_task`: name of the task that the gate
    offered for the image instead; "" if none. `reason_code` and `reason_values`: what `reason` is made from, as in
    models.Reason; empty where only the text was stored. `quality`: None where it was not measured. `righted`: what was
    done to the image before it was read, in sentences; `righted_codes` the models.RightingCode of each. `acquisition`:
    what its DICOM header told; `notices`: what a reader has to know of that before the answer, in sentences.
    """

    key: str
    original_name: str
    sha256: str
    width: int
    height: int
    status: str
    outcome: str
    headline: str
    reason: str
    steps: tuple[Step, ...]
    sections: tuple[HeadSection, ...]
    heatmaps: tuple[Heatmap, ...]
    suggested_task: str
    analysed_at: datetime | None
    timings_ms: dict[str, float]
    page: int = 0
    is_final: bool = True
    reason_code: str = ""
    reason_values: Mapping[str, Any] = field(default_factory=dict)
    quality: QualitySection | None = None
    righted: tuple[str, ...] = ()
    righted_codes: tuple[str, ...] = ()
    acquisition: tuple[Fact, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """The outcome, or the status while there is none."""
        return self.outcome or self.status

    @property
    def tone(self) -> str:
        """The state whose colour it is shown in: while another image of the study is not done, none is shown green."""
        return Outcome.NOT_ASSESSED if self.outcome == Outcome.NO_FINDING and not self.is_final else self.state

    @property
    def primary(self) -> HeadSection | None:
        """The section that decided the outcome; None when the image was not assessed."""
        return next((section for section in self.sections if section.is_primary), None)


@dataclass(frozen=True)
class MeasureLine:
    """One measured number with its 95 % interval and the number of images that it is of."""

    name: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class NetworkSection:
    """Which network answered and how good it was measured to be. `note` says why when there are no `measures`.

    `measures` are of the primary head as a whole, `label_measures` of the one answer `label` that was given, both on
    the test split. `elsewhere`: of sources that networks like it had never seen; empty where that was not measured.
    """

    name: str
    version: str
    sha256: str
    trained_on: tuple[str, ...]
    measures: tuple[MeasureLine, ...]
    label: str = ""
    label_measures: tuple[MeasureLine, ...] = ()
    elsewhere: tuple[MeasureLine, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class ReviewLine:
    """One review. `correct_label`: the name of the right label where the reviewer named another one, else ""."""

    reviewer: str
    reviewed_at: datetime
    agrees: bool
    correct_label: str
    comment: str


@dataclass(frozen=True)
class ReportContent:
    """Everything that a result page or a report says of one study. Times are naive UTC.

    `task_detected`: whether the gate detected the task from the images; else the sender chose it.
    """

    study_key: str
    institution: str
    task: str
    task_title: str
    task_detected: bool
    question: str
    created_at: datetime
    sent_by: str
    patient_name: str
    patient_reference: str
    note: str
    status: str
    outcome: str
    headline: str
    reason: str
    images: tuple[ImageSection, ...]
    network: NetworkSection | None
    intended_use: str
    limitations: tuple[str, ...]
    reviews: tuple[ReviewLine, ...]
    # Position of the image that decides the outcome; None while an image is not done.
    lead_position: int | None = None
    statement: str = RESEARCH_USE

    @property
    def state(self) -> str:
        """The outcome, or the status while there is none."""
        return self.outcome or self.status

    @property
    def lead_image(self) -> ImageSection | None:
        """The image that decides the outcome; None while an image is not done."""
        return None if self.lead_position is None else self.images[self.lead_position]
