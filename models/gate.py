"""Is this the type of image that the task is for, and as it should be? Asked before any finding.

Four tests in turn: is it a picture that shows anything (not too small, blank, dark, bright or blurred); does a small
network of its own, trained on every data set and on pictures that are none of them, take it for the task's modality,
and for nothing odd (turned, inverted, two in one, photographed off a screen, drawn upon); and do the features that the
task's network finds lie where those of its training images do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from models.modality import ASKED_OF, INVERTED, MODALITY_TASK, ODD_HEADS, Marks, usual_labels
from models.reason import Reason, ReasonCode, Value
from models.registry import all_tasks
from models.righting import Righted
from models.runtime import ServingNetwork
from models.task import Modality, Task

# Quality is measured in grey levels (0 to 255) of the image at one size, so that the numbers mean the same for all.
# Each threshold lies beyond nearly all of the 13,000 training and 1,900 validation images of the tasks, right ones
# however soft or dark: together they refuse 0.3 % of the validation images of bones, and none of any other kind.
QUALITY_SIDE = 96
# The smallest image that any network learned from has 75 x 75 pixels.
FEWEST_PIXELS = 75 * 75
# Standard deviation below which there is no picture: a covered lens, an empty scan. The flattest right one has 5.
FLAT_BELOW = 4.5
# The brightest and the darkest parts: in all right images but one, 1 % of the pixels have 20 or more (radiographs of
# fingers are dark), and in all, 5 % of the pixels have 200 or less (pale skin in dermoscopy is bright).
DARK_BELOW, BRIGHT_ABOVE = 20.0, 200.0
# Curvature over slope (see `sharpness`): right images have 0.7 and more but for 0.5 % of bone radiographs. Of
# validation images blurred by a Gaussian of 1.5 % of the shortest side, 97 to 100 % fall below.
BLURRED_BELOW = 0.7
# From this probability on, light and dark are exchanged back unasked; below it an inverted picture is refused.
SURELY_INVERTED = 0.95
# Types that no task reads and that have a reason of their own.
NAMED_KINDS = {Modality.HEAD_CT: ReasonCode.HEAD_CT, Modality.LESION_PHOTO: ReasonCode.LESION_PHOTO}


@dataclass(frozen=True)
class GateVerdict:
    """`reason` is None when the image may pass, else why it may not.

    `suggested`: name of the task that reads the type of image that this seems to be; "" if there is none. `righted`:
    what is to be read of the picture; None where that was not asked.
    """

    reason: Reason | None = None
    suggested: str = ""
    righted: Righted | None = field(default=None, compare=False)

    @property
    def passed(self) -> bool:
        """Whether the image goes on to the network."""
        return self.reason is None


PASSED = GateVerdict()


@dataclass(frozen=True)
class Detection:
    """Which task reads an image whose task was left open; None when the gate cannot say, and `reason` says why."""

    task: Task | None
    reason: Reason | None = None


@dataclass(frozen=True)
class GateAnswers:
    """What the gate's own network says of one picture, calibrated; all probabilities are 0 to 1.

    `kinds`: modality -> probability. `thresholds`: modality -> set on validation so that nearly all images of it reach
    it. `odd`: key of each other head -> label -> probability. `limits`: head -> modality -> probability of the head's
    usual label below which a picture of that type is refused as odd.
    """

    kinds: Mapping[str, float]
    thresholds: Mapping[str, float]
    odd: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def check_quality(pixels: np.ndarray) -> GateVerdict:
    """Refuses uint8 RGB pixels [h, w, 3] that are too few, blank, too dark, overexposed or blurred.

    The reason holds what was measured and the limit: pixels, grey levels (0 to 255) or, for blur, the ratio of
    `sharpness`.
    """
    height, width = pixels.shape[:2]
    if height * width < FEWEST_PIXELS:
        values = {"width": width, "height": height, "fewest": FEWEST_PIXELS}
        return GateVerdict(Reason(ReasonCode.TOO_SMALL, values))
    grey = grey_at_one_size(pixels)
    if (spread := grey.std()) < FLAT_BELOW:
        return _refused(ReasonCode.BLANK, spread, FLAT_BELOW)
    if (brightest := np.percentile(grey, 99)) < DARK_BELOW:
        return _refused(ReasonCode.TOO_DARK, brightest, DARK_BELOW)
    if (darkest := np.percentile(grey, 5)) > BRIGHT_ABOVE:
        return _refused(ReasonCode.OVEREXPOSED, darkest, BRIGHT_ABOVE)
    if (sharp := sharpness(grey)) < BLURRED_BELOW:
        return _refused(ReasonCode.BLURRED, sharp, BLURRED_BELOW)
    return PASSED


def _refused(code: ReasonCode, measured: float, limit: float) -> GateVerdict:
    return GateVerdict(Reason(code, {"measured": float(measured), "limit": limit}))


def grey_at_one_size(pixels: np.ndarray) -> np.ndarray:
    """Grey levels, float32, the shortest side QUALITY_SIDE long."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    # By halves as far as that goes: OpenCV is many times quicker with them than with other parts.
    while min(grey.shape) >= 2 * QUALITY_SIDE:
        grey = cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_AREA)
    height, width = grey.shape
    scale = QUALITY_SIDE / min(height, width)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(grey, (round(width * scale), round(height * scale)), interpolation=method).astype(np.float32)


def sharpness(grey: np.ndarray) -> float:
    """Root mean square of the Laplacian over that of the gradient: above 1 for sharp images, near 0 for blurred ones.

    The variance of the Laplacian alone (Pech-Pacheco et al., ICPR 2000) falls with contrast, too, and would refuse pale
    skin; the ratio does not. One grey level is added to the gradient since smooth images consist of rounding steps.
    """
    laplacian = cv2.Laplacian(grey, cv2.CV_32F)
    down, across = np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1]
    return float(np.sqrt((laplacian**2).mean()) / (np.sqrt((down**2 + across**2).mean()) + 1))


def judge(task: Task, answers: GateAnswers) -> GateVerdict:
    """Whether the gate's network takes the picture for the task's kind and for nothing odd.

    What is odd is told first, of what looks like the task's kind: an altered picture is also less surely of it.
    """
    likeliest = max(answers.kinds, key=lambda key: answers.kinds[key])
    oddity = find_oddity(task.modality, answers) if likeliest == task.modality else None
    return GateVerdict(oddity) if oddity else judge_modality(task, answers.kinds, answers.thresholds)


def find_oddity(kind: Modality, answers: GateAnswers) -> Reason | None:
    """Why a picture of this kind is refused as odd; None if it is not. Of several oddities it is the surest."""
    usual = {
        head.key: sum(answers.odd[head.key][label] for label in usual_labels(head, kind))
        for head in ODD_HEADS
        if kind in ASKED_OF[head.key]
    }
    odd = {head: share for head, share in usual.items() if share < answers.limits[head][kind]}
    return _odd_reason(kind, min(odd, key=lambda key: odd[key]), answers) if odd else None


def is_surely_inverted(answers: GateAnswers) -> bool:
    """Whether light and dark may be exchanged back without asking."""
    return answers.odd.get("inverted", {}).get(INVERTED, 0.0) >= SURELY_INVERTED


def _odd_reason(kind: Modality, head: str, answers: GateAnswers) -> Reason:
    usual = usual_labels(MODALITY_TASK.head(head), kind)
    shares = {label: share for label, share in answers.odd[head].items() if label not in usual}
    label = max(shares, key=lambda key: shares[key])
    match head:
        case "turned":
            return Reason(ReasonCode.TURNED, {"turned": label})
        case "layout":
            return Reason(ReasonCode.TWO_PICTURES, {"layout": label})
        case "inverted":
            return Reason(ReasonCode.INVERTED)
        case "capture":
            return Reason(ReasonCode.SCREEN_PHOTO)
    return Reason(ReasonCode.MARKER_COVERS if label == Marks.COVERING else ReasonCode.DRAWN_ON)


def judge_modality(task: Task, probabilities: Mapping[str, float], thresholds: Mapping[str, float]) -> GateVerdict:
    """Whether the modality network takes the image for the task's kind.

    `probabilities` and `thresholds`: modality -> 0 to 1; the threshold of a modality was set on the validation split so
    that nearly all of its images pass. Passing also takes being the likeliest modality.
    """
    kind = _sure_kind(probabilities, thresholds)
    if kind == task.modality:
        return PASSED
    values: dict[str, Value] = {"expected": task.modality.value}
    if kind in NAMED_KINDS:
        return GateVerdict(Reason(NAMED_KINDS[Modality(kind)], values))
    fitting = _tasks_reading(kind)
    if kind is None or not fitting:
        return GateVerdict(Reason(ReasonCode.UNEXPECTED_MODALITY, values))
    values |= {"seen": kind, "task": fitting[0].name}
    return GateVerdict(Reason(ReasonCode.OTHER_MODALITY, values), suggested=fitting[0].name)


def choose_task(probabilities: Mapping[str, float], thresholds: Mapping[str, float]) -> Detection:
    """The one task that reads the type of image that this is; arguments as for `judge_modality`."""
    kind = _sure_kind(probabilities, thresholds)
    fitting = _tasks_reading(kind)
    if len(fitting) == 1:
        return Detection(fitting[0])
    if fitting:
        return Detection(None, Reason(ReasonCode.SEVERAL_TASKS, {"tasks": [task.name for task in fitting]}))
    if kind is not None:
        return Detection(None, Reason(ReasonCode.NO_TASK))
    return Detection(None, Reason(ReasonCode.UNCLEAR_MODALITY))


def _sure_kind(probabilities: Mapping[str, float], thresholds: Mapping[str, float]) -> str | None:
    """The key of the likeliest modality if it reaches its threshold, else None."""
    likeliest = max(probabilities, key=lambda key: probabilities[key])
    return likeliest if probabilities[likeliest] >= thresholds[likeliest] else None


def _tasks_reading(modality: str | None) -> list[Task]:
    return [task for task in all_tasks() if task.modality == modality]


def judge_distance(network: ServingNetwork, features: np.ndarray) -> GateVerdict:
    """Whether the network's pooled features, float32 [channels], lie where those of its training images lie.

    A network without that test lets every image pass.
    """
    share, limit = distance_share(network, features), network.card.distance
    if share is None or limit is None or share <= 1:
        return PASSED
    return _refused(ReasonCode.UNLIKE_TRAINING, share * limit.threshold, limit.threshold)


def distance_share(network: ServingNetwork, features: np.ndarray) -> float | None:
    """How far the features lie from those of training images, as a share of what is allowed; None without that test."""
    if network.card.distance is None or network.reference is None:
        return None
    return float(network.reference.distance(features)) / network.card.distance.threshold
