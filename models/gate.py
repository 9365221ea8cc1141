"""Is this the kind of image that the task was made for? Asked before any finding.

Three tests in turn: is it a picture that shows anything (not too small, blank, dark, bright or blurred); does a small
network of its own, trained on every data set and on pictures that are none of them, take it for the task's modality;
and do the features that the task's network finds lie where those of its training images do.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from models.modality import MODALITY_TASK
from models.registry import all_tasks
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
# The brightest and the darkest parts: in all right images but one, 1 % of the pixels have 20 or more (films of fingers
# are dark), and in all, 5 % of the pixels have 200 or less (pale skin in dermoscopy is bright).
DARK_BELOW, BRIGHT_ABOVE = 20.0, 200.0
# Curvature over slope (see `_sharpness`): right images have 0.7 and more but for 0.5 % of bone films. Of validation
# images blurred by a Gaussian of 1.5 % of the shortest side, 97 to 100 % fall below.
BLURRED_BELOW = 0.7


@dataclass(frozen=True)
class GateVerdict:
    """`reason` is empty when the image may pass, else a sentence for the user.

    `suggested`: name of the task that reads the kind of image that this seems to be; "" if there is none.
    """

    reason: str
    suggested: str = ""

    @property
    def passed(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class Detection:
    """Which task reads an image whose task was left open. `task` is None when the gate cannot say; `reason` says why.

    `reason` is a sentence for the user, empty when there is a task.
    """

    task: Task | None
    reason: str


def check_quality(pixels: np.ndarray) -> GateVerdict:
    """Refuses uint8 RGB pixels [h, w, 3] that are too few, blank, too dark, overexposed or blurred."""
    height, width = pixels.shape[:2]
    if height * width < FEWEST_PIXELS:
        return GateVerdict(
            f"The image is too small to assess: {width} x {height} pixels. Send it in its full size, not a preview."
        )
    grey = _grey_at_one_size(pixels)
    if grey.std() < FLAT_BELOW:
        return GateVerdict("The image is blank or nearly so: there is nothing in it to assess. Send another one.")
    if np.percentile(grey, 99) < DARK_BELOW:
        return GateVerdict("The image is too dark to assess. Take it again in better light, or export it brighter.")
    if np.percentile(grey, 5) > BRIGHT_ABOVE:
        return GateVerdict("The image is overexposed: nearly all of it is white. Take it again with less light.")
    if _sharpness(grey) < BLURRED_BELOW:
        return GateVerdict(
            "The image is blurred. Take it again with the camera still and in focus, or export it larger."
        )
    return GateVerdict("")


def _grey_at_one_size(pixels: np.ndarray) -> np.ndarray:
    """Grey levels, float32, the shortest side QUALITY_SIDE long."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    # By halves as far as that goes: OpenCV is many times quicker with them than with other parts.
    while min(grey.shape) >= 2 * QUALITY_SIDE:
        grey = cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_AREA)
    height, width = grey.shape
    scale = QUALITY_SIDE / min(height, width)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(grey, (round(width * scale), round(height * scale)), interpolation=method).astype(np.float32)


def _sharpness(grey: np.ndarray) -> float:
    """Root mean square of the Laplacian over that of the gradient: above 1 for sharp images, near 0 for blurred ones.

    The variance of the Laplacian alone (Pech-Pacheco et al., ICPR 2000) falls with contrast, too, and would refuse pale
    skin; the ratio does not. One grey level is added to the gradient since smooth images consist of rounding steps.
    """
    laplacian = cv2.Laplacian(grey, cv2.CV_32F)
    down, across = np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1]
    return float(np.sqrt((laplacian**2).mean()) / (np.sqrt((down**2 + across**2).mean()) + 1))


def judge_modality(task: Task, probabilities: dict[str, float], thresholds: dict[str, float]) -> GateVerdict:
    """Whether the modality network takes the image for the task's kind.

    `probabilities` and `thresholds`: modality -> 0 to 1; the threshold of a modality was set on the validation split so
    that nearly all of its images pass. Passing also takes being the likeliest modality.
    """
    kind = _sure_kind(probabilities, thresholds)
    if kind == task.modality:
        return GateVerdict("")
    names = {label.key: label.name for label in MODALITY_TASK.labels}
    wanted = names[task.modality]
    fitting = _tasks_reading(kind)
    if not fitting:
        return GateVerdict(
            f"This does not look like {wanted}, the only kind that this task reads. Check the image and the task."
        )
    return GateVerdict(
        f"This looks like {names[kind]}, not like {wanted}. The task {fitting[0].title} reads such images.",
        suggested=fitting[0].name,
    )


def choose_task(probabilities: dict[str, float], thresholds: dict[str, float]) -> Detection:
    """The one task that reads the kind of image that this is; arguments as for `judge_modality`."""
    kind = _sure_kind(probabilities, thresholds)
    fitting = _tasks_reading(kind)
    if len(fitting) == 1:
        return Detection(fitting[0], "")
    if fitting:
        titles = " or ".join(task.title for task in fitting)
        return Detection(None, f"Several tasks read this kind of image. Choose {titles}.")
    if kind == Modality.NOT_MEDICAL:
        return Detection(None, "This is none of the kinds of image that Lumen reads. Check the image.")
    return Detection(None, "It is not clear which kind of image this is. Choose the task yourself.")


def _sure_kind(probabilities: dict[str, float], thresholds: dict[str, float]) -> str | None:
    """The likeliest modality if it reaches its threshold, else None."""
    likeliest = max(probabilities, key=lambda key: probabilities[key])
    return likeliest if probabilities[likeliest] >= thresholds[likeliest] else None


def _tasks_reading(modality: str | None) -> list[Task]:
    return [task for task in all_tasks() if task.modality == modality]


def judge_distance(network: ServingNetwork, features: np.ndarray) -> GateVerdict:
    """Whether the network's pooled features [channels] lie where those of its training images lie."""
    distance = network.card.distance
    if distance is None or network.reference.distance(features) <= distance.threshold:
        return GateVerdict("")
    return GateVerdict(
        "This image is too unlike those that the network learned from to be assessed. Check that it shows what the "
        "task asks for, or send a clearer one."
    )
