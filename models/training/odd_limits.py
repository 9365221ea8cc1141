"""From where on a picture is refused as odd: limits of the gate's heads, from validation images as they came."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models.calibration import HeadCard, calibrated
from models.modality import ASKED_OF, MODALITY_TASK, ODD_HEADS
from models.training.manifest import Example, read_manifest

# At most this share of the right validation images of a task is refused by each head.
STOPPED_SHARE = 0.005
# No limit is higher: where the usual is as probable as that, nothing is odd.
HIGHEST = 0.95
# Validation images that are odd as they came, by eye on the images that the network found the least usual: negatives
# and two pictures in one. They are no right images, and set no limit of their head. Text on photos of injuries is not
# counted as odd here: the task learned from many such pictures of the web, and may not refuse them all.
BY_EYE = Path(__file__).with_name("odd_by_eye.csv")


def odd_limits(
    logits: Mapping[str, np.ndarray], examples: list[Example], heads: Mapping[str, HeadCard]
) -> dict[str, dict[str, float]]:
    """Head key -> type of image -> probability of the head's usual label below which such a picture is refused.

    `logits`: head key -> [n, labels] of the gate's network on the n validation examples. Altered pictures, whose type
    is no target, play no part, and none those that are odd by eye.
    """
    kinds = np.array([example.targets[MODALITY_TASK.primary] for example in examples])
    limits: dict[str, dict[str, float]] = {}
    for head in ODD_HEADS:
        usual = calibrated(logits[head.key], heads[head.key].temperature)[:, 0]
        is_right = ~np.array([str(example.path).endswith(odd_paths(head.key)) for example in examples])
        limits[head.key] = {
            label.key: _limit(usual[is_right & (kinds == index)])
            for index, label in enumerate(MODALITY_TASK.labels)
            if label.key in ASKED_OF[head.key]
        }
    return limits


def odd_paths(head: str) -> tuple[str, ...]:
    """Folder and path of each validation image that is odd by eye in what this head asks."""
    return tuple(f"/{row['folder']}/{row['path']}" for row in read_manifest(BY_EYE) if row["head"] == head)


def _limit(usual: np.ndarray) -> float:
    """Such that at most STOPPED_SHARE of these probabilities [n] lie below it; HIGHEST at most, rounded down."""
    if not len(usual):
        return 0.0
    edge = float(np.sort(usual)[math.floor(STOPPED_SHARE * len(usual))])
    return math.floor(min(edge, HIGHEST) * 10_000) / 10_000
