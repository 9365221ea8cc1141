"""What one network answered to each image of a split, kept in a file to be compared with another network's answers."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.card_file import read_card
from models.task import Task
from models.training.scoring import ImageScore, head_scores


class UnfitPredictions(ValueError):
    """This file does not hold predictions, or not those that are needed; the message says which."""


@dataclass(frozen=True)
class HeadPredictions:
    """One head on n images: their paths and groups, the right labels' indices int [n], probabilities [n, labels]."""

    labels: tuple[str, ...]
    paths: tuple[str, ...]
    groups: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True)
class Predictions:
    """All heads of the network `version` (`sha256` of its model.keras) on one split of a task's images."""

    task: str
    version: str
    sha256: str
    split: str
    heads: dict[str, HeadPredictions]


def write_predictions(path: Path, task: Task, images: list[ImageScore], split: str) -> None:
    """Write the calibrated probabilities of every image whose label is known, whatever the gate said."""
    card = read_card(task)
    heads = {}
    for head in task.heads:
        scores = head_scores(head, images)
        heads[head.key] = {
            "labels": [label.key for label in head.labels],
            "images": [
                {
                    "path": "/".join(example.path.parts[-3:]),
                    "group": example.group,
                    "truth": int(truth),
                    "probabilities": [round(float(value), 6) for value in probabilities],
                }
                for example, truth, probabilities in zip(
                    scores.examples, scores.truth, scores.probabilities, strict=True
                )
            ],
        }
    facts = {"task": task.name, "version": card.version, "sha256": card.sha256, "split": split, "heads": heads}
    path.write_text(json.dumps(facts) + "\n", encoding="utf-8")


def read_predictions(path: Path) -> Predictions:
    """What `write_predictions` wrote; raises UnfitPredictions for anything else."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Predictions(
            facts["task"],
            facts["version"],
            facts["sha256"],
            facts["split"],
            {key: _head(stored) for key, stored in facts["heads"].items() if stored["images"]},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnfitPredictions(
            f"{path} holds no predictions ({error!r}). Write them by `evaluate TASK --split val --predictions {path}`."
        ) from None


def _head(stored: dict) -> HeadPredictions:
    images = stored["images"]
    return HeadPredictions(
        labels=tuple(stored["labels"]),
        paths=tuple(image["path"] for image in images),
        groups=np.array([image["group"] for image in images]),
        truth=np.array([image["truth"] for image in images]),
        probabilities=np.array([image["probabilities"] for image in images]),
    )
