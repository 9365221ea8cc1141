"""From where on the gate refuses: limits of its heads, from validation images as they came."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.calibration import calibrated
from models.card import Calibration
from models.modality import ASKED_OF, MODALITY_TASK, ODD_HEADS, usual_labels
from models.task import Head, Modality
from models.training.manifest import Example, read_manifest

# At most this share of the right validation images of a task is refused by each head.
STOPPED_SHARE = 0.005
# No limit is higher: what is rather usual than odd is not refused.
HIGHEST = 0.5
# No type of image has to be surer than that: on validation a higher threshold refused no more images of other types.
SUREST_KIND = 0.9
# Validation images that are odd as they came, by eye on the images that the network found the least usual: negatives of
# radiographs. They are no right images, and set no limit of their head. Two exposures on one radiograph and text on
# photos of injuries are not counted as odd: the tasks learned from many such images, and may not refuse them all.
BY_EYE = Path(__file__).with_name("odd_by_eye.csv")


def with_limits(calibration: Calibration, logits: Mapping[str, np.ndarray], examples: list[Example]) -> Calibration:
    """The calibration of the gate's network with its limits, and no threshold of a type above SUREST_KIND.

    `logits`: head key -> [n, labels] of that network on the n validation examples.
    """
    kinds = calibration.heads[MODALITY_TASK.primary]
    capped = replace(kinds, thresholds={key: min(value, SUREST_KIND) for key, value in kinds.thresholds.items()})
    temperatures = {key: head.temperature for key, head in calibration.heads.items()}
    return replace(
        calibration,
        heads=calibration.heads | {MODALITY_TASK.primary: capped},
        limits=odd_limits(logits, examples, temperatures),
    )


def odd_limits(
    logits: Mapping[str, np.ndarray], examples: list[Example], temperatures: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Head key -> type of image -> probability of the usual labels below which such a picture is refused.

    Altered pictures, whose type is no target, play no part, and none those that are odd by eye.
    """
    kinds = np.array([example.targets[MODALITY_TASK.primary] for example in examples])
    limits: dict[str, dict[str, float]] = {}
    for head in ODD_HEADS:
        probabilities = calibrated(logits[head.key], temperatures[head.key])
        is_right = ~np.array([str(example.path).endswith(odd_paths(head.key)) for example in examples])
        limits[head.key] = {
            label.key: _limit(_usual(head, Modality(label.key), probabilities)[is_right & (kinds == index)])
            for index, label in enumerate(MODALITY_TASK.labels)
            if label.key in ASKED_OF[head.key]
        }
    return limits


def odd_paths(head: str) -> tuple[str, ...]:
    """Folder and path of each validation image that is odd by eye in what this head asks."""
    return tuple(f"/{row['folder']}/{row['path']}" for row in read_manifest(BY_EYE) if row["head"] == head)


def _usual(head: Head, kind: Modality, probabilities: np.ndarray) -> np.ndarray:
    """The probability [n] that nothing is odd, of [n, labels]."""
    usual = usual_labels(head, kind)
    columns = [index for index, label in enumerate(head.labels) if label.key in usual]
    return np.asarray(probabilities[:, columns].sum(axis=1))


def _limit(usual: np.ndarray) -> float:
    """Such that at most STOPPED_SHARE of these probabilities [n] lie below it; HIGHEST at most.

    Rounded down to three digits that count: a sharp network's limits are small.
    """
    if not len(usual):
        return 0.0
    edge = float(np.sort(usual)[math.floor(STOPPED_SHARE * len(usual))])
    edge = min(edge, HIGHEST)
    if edge <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(edge)) - 2)
    return round(math.floor(edge / step) * step, 12)
