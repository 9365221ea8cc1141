"""How good a picture is, 0 to 100, and in which respect: what the gate measures, before it says yes or no.

Each part is a monotone, piecewise linear function of one measurement: 0 at the limit at which the gate refuses, 50 at
the 5th percentile of the task's training images (of what may be too high, the 95th), 100 at their median and beyond.
The anchors stand in quality.json; `python -m models.training.quality` measures them.

sharpness: curvature over slope (gate.sharpness). exposure: the lowest of three, the brightest part (99th percentile of
grey), the darkest (5th), the spread of grey. framing: the share of the picture that is left without its border, times
the part of it that is no plain ground. size: the shorter side, from the smallest that is read to what the network
reads, by its logarithm. likeness: the distance of the features over its limit; none where no network was asked.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from models.gate import BLURRED_BELOW, BRIGHT_ABOVE, DARK_BELOW, FEWEST_PIXELS, FLAT_BELOW, grey_at_one_size, sharpness
from models.righting import Righted
from models.task import Quality, QualityPart, Task

ANCHORS = Path(__file__).with_name("quality.json")
# Where each measurement scores 0.
LIMITS = {
    "sharpness": BLURRED_BELOW,
    "brightest": DARK_BELOW,
    "darkest": BRIGHT_ABOVE,
    "spread": FLAT_BELOW,
    "framing": 0.0,
    "likeness": 1.0,
}
SMALLEST_SIDE = FEWEST_PIXELS**0.5
# Grey levels by which content differs from the ground along the edges.
GROUND = 16


def measure_picture(righted: Righted) -> dict[str, float]:
    """What is measured of a picture by name, in the units of the module; see LIMITS."""
    grey = grey_at_one_size(righted.pixels)
    top, left, bottom, right = righted.box
    return {
        "sharpness": sharpness(grey),
        "brightest": float(np.percentile(grey, 99)),
        "darkest": float(np.percentile(grey, 5)),
        "spread": float(grey.std()),
        "framing": (bottom - top) * (right - left) * _content_share(grey),
    }


def rate_quality(
    task: Task, righted: Righted, *, shown: tuple[int, int], read_side: int, distance: float | None
) -> Quality | None:
    """The quality of a picture for `task`; None for a task of which no anchors were measured.

    `shown`: height and width of the picture as sent, in pixels. `read_side`: pixels that the network reads of it.
    `distance`: of the features as a share of its limit; None where no network was asked.
    """
    anchors = read_anchors().get(task.name)
    if anchors is None:
        return None
    scores = {name: _score(name, value, anchors) for name, value in measure_picture(righted).items()}
    parts = {
        QualityPart.SHARPNESS: scores["sharpness"],
        QualityPart.EXPOSURE: min(scores["brightest"], scores["darkest"], scores["spread"]),
        QualityPart.FRAMING: scores["framing"],
        QualityPart.SIZE: _size_score(min(shown), read_side),
    }
    if distance is not None:
        parts[QualityPart.LIKENESS] = _score("likeness", distance, anchors)
    return Quality({part: round(score) for part, score in parts.items()})


@cache
def read_anchors() -> Mapping[str, Mapping[str, tuple[float, float]]]:
    """Task name -> measurement -> where it scores 50, and where 100."""
    return {
        task: {name: (fair, good) for name, (fair, good) in anchors.items()}
        for task, anchors in json.loads(ANCHORS.read_text(encoding="utf-8")).items()
    }


def _score(name: str, value: float, anchors: Mapping[str, tuple[float, float]]) -> float:
    points = np.array([LIMITS[name], *anchors[name]])
    # What is better when lower is turned round: interpolation wants rising places.
    sign = 1.0 if points[-1] >= points[0] else -1.0
    return float(np.interp(sign * value, np.maximum.accumulate(sign * points), (0.0, 50.0, 100.0)))


def _size_score(side: int, read_side: int) -> float:
    return float(np.clip(100 * np.log(side / SMALLEST_SIDE) / np.log(read_side / SMALLEST_SIDE), 0, 100))


def _content_share(grey: np.ndarray) -> float:
    """The share of the smallest rectangle that holds all that differs from the ground, the median along the edges."""
    edges = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    differs = cv2.morphologyEx(
        (np.abs(grey - np.median(edges)) > GROUND).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)
    )
    _, _, wide, tall = cv2.boundingRect(differs)
    return wide * tall / grey.size
