"""What the networks of all folds answered: raw logits, at home and abroad, in one file for each fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.calibration import calibrated
from models.task import Head, Task
from models.training.calibrate import served_logits
from models.training.manifest import MISSING, Example


@dataclass(frozen=True)
class Asked:
    """Images that one network was asked about: per head its logits [n, ...] and targets int [n]; per image the rest.

    `targets` are MISSING where a label is unknown, or where the network could not have learned it. `groups`, `origins`:
    str [n].
    """

    logits: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]
    groups: np.ndarray
    origins: np.ndarray

    def of(self, task: Task, head: Head) -> "HeadAsked":
        """The images with a known label of `head`; a specialist's head is asked as in serving."""
        known = self.targets[head.key] != MISSING
        logits = served_logits(task, head, self.logits)[known].astype(np.float64)
        return HeadAsked(
            head, logits, self.targets[head.key][known] % len(head.labels), self.groups[known], self.origins[known]
        )


@dataclass(frozen=True)
class HeadAsked:
    """One head: logits float [n, labels], right labels int [n], group and origin of each image, str [n]."""

    head: Head
    logits: np.ndarray
    truth: np.ndarray
    groups: np.ndarray
    origins: np.ndarray

    def probabilities(self, temperature: float) -> np.ndarray:
        """Float [n, labels] at this temperature."""
        return calibrated(self.logits, temperature)


@dataclass(frozen=True)
class FoldAnswers:
    """One network: its fold's name, its answers to its own validation images, and to those of the sources left out."""

    fold: str
    home: Asked
    abroad: Asked


def asked(examples: Sequence[Example], logits: dict[str, np.ndarray], unlearned: dict[str, list[int]]) -> Asked:
    """`unlearned`: head key -> labels (indices) of which the network saw too few images to be asked about them."""
    targets = {key: np.array([one.targets[key] for one in examples], np.int32) for key in logits}
    for key, labels in unlearned.items():
        targets[key][np.isin(targets[key], labels)] = MISSING
    groups, origins = ([getattr(one, name) for one in examples] for name in ("group", "origin"))
    return Asked(logits, targets, np.array(groups), np.array(origins))


def write_answers(path: Path, answers: FoldAnswers) -> None:
    """Logits as float16: finer than a third decimal of any probability."""
    arrays = {"fold": np.array(answers.fold)}
    for place, some in (("home", answers.home), ("abroad", answers.abroad)):
        arrays |= {f"{place}/logits/{key}": logits.astype(np.float16) for key, logits in some.logits.items()}
        arrays |= {f"{place}/targets/{key}": targets.astype(np.int16) for key, targets in some.targets.items()}
        arrays |= {f"{place}/groups": some.groups, f"{place}/origins": some.origins}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, allow_pickle=False, **arrays)


def read_answers(path: Path, task: Task) -> FoldAnswers:
    """What `write_answers` wrote of a network of `task`."""
    with np.load(path) as stored:
        home, abroad = (_read(stored, place, task) for place in ("home", "abroad"))
        return FoldAnswers(str(stored["fold"]), home, abroad)


def _read(stored: np.lib.npyio.NpzFile, place: str, task: Task) -> Asked:
    keys = [head.key for head in task.heads]
    return Asked(
        {key: stored[f"{place}/logits/{key}"].astype(np.float32) for key in keys},
        {key: stored[f"{place}/targets/{key}"].astype(np.int32) for key in keys},
        stored[f"{place}/groups"],
        stored[f"{place}/origins"],
    )
