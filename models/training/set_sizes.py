"""What closing prediction sets upwards costs: python -m models.training.set_sizes TASK [--predictions FILE] ...

Prints a Markdown table of coverage (share of images whose right label is in the set) and mean number of labels in the
set of each head: of the conformal set, which the thresholds alone make, and of the set that the decision makes of it
(models/decision.py). It scores the images of `--split`, or reads the answers from `--predictions`, a file that
`evaluate --predictions` wrote with the network that serves TASK.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.calibration import HeadCard
from models.card_file import NetworkUnavailable, read_card
from models.decision import conformal_set, prediction_set
from models.decoders.errors import UnreadableImage
from models.task import Head, OperatingPoint, Task
from models.training import metrics
from models.training.datasets import load_examples
from models.training.manifest import SPLITS
from models.training.predictions import UnfitPredictions, read_predictions
from models.training.recipes import training_task
from models.training.scoring import head_scores, score_images

COLUMNS = (
    "Head", "Images", "Coverage before", "after", "Mean set size before", "after", "of it not excluded",
    "Out of order before",
)  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """One head on n images: the right labels' indices int [n], calibrated probabilities float [n, labels]."""

    truth: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True)
class SetSizes:
    """Coverage (0 to 1) and mean number of labels of the sets of n images, before and after closing upwards.

    `not_excluded`: mean number of these labels that are not excluded rather than possible. `out_of_order`: share of
    images (0 to 1) whose conformal set holds a label but not one that is more probable.
    """

    n: int
    coverage: tuple[float, float]
    size: tuple[float, float]
    not_excluded: float
    out_of_order: float


def set_sizes(head: Head, calibration: HeadCard, answers: Answers) -> SetSizes:
    """The sets of one head with the thresholds of its card."""
    balanced = calibration.operating_points[OperatingPoint.BALANCED]
    before = np.array([conformal_set(head, p, calibration.thresholds) for p in answers.probabilities])
    sets = [prediction_set(head, p, calibration.thresholds, balanced) for p in answers.probabilities]
    after = np.array([one.members for one in sets])
    rows = np.arange(len(answers.truth))
    return SetSizes(
        n=len(rows),
        coverage=(metrics.share(before[rows, answers.truth]), metrics.share(after[rows, answers.truth])),
        size=(metrics.mean_set_size(before), metrics.mean_set_size(after)),
        not_excluded=metrics.mean_set_size(np.array([one.not_excluded for one in sets])),
        out_of_order=metrics.share(_out_of_order(before, answers.probabilities)),
    )


def _out_of_order(in_set: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Bool [n]: a label is in the set and one that is more probable is not; both arguments [n, labels]."""
    most_outside = np.where(in_set, -1.0, probabilities).max(axis=1)
    least_inside = np.where(in_set, probabilities, 2.0).min(axis=1)
    return most_outside > least_inside


def scored_answers(task: Task, split: str) -> dict[str, Answers]:
    """Head key -> what the network that serves `task` answers to the images of `split`, scored now."""
    images = score_images(task, load_examples(task, splits=(split,)))
    scores = {head.key: head_scores(head, images) for head in task.heads}
    return {key: Answers(one.truth, one.probabilities) for key, one in scores.items() if len(one.truth)}


def stored_answers(task: Task, path: Path) -> dict[str, Answers]:
    """Head key -> answers out of a file of predictions; raises UnfitPredictions if another network gave them."""
    stored = read_predictions(path)
    if (stored.task, stored.sha256) != (task.name, read_card(task).sha256):
        raise UnfitPredictions(f"{path} holds the answers of another network than the one that serves {task.title}.")
    return {key: Answers(one.truth, one.probabilities) for key, one in stored.heads.items()}


def markdown(task: Task, answers: dict[str, Answers]) -> str:
    """The table, one line for each head of which labels are known."""
    card = read_card(task)
    rows = [_row(head, set_sizes(head, card.heads[head.key], answers[head.key])) for head in _known(task, answers)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (COLUMNS, ("---",) * len(COLUMNS), *rows))


def _known(task: Task, answers: dict[str, Answers]) -> list[Head]:
    return [head for head in task.heads if head.key in answers]


def _row(head: Head, sizes: SetSizes) -> tuple[str, ...]:
    numbers = (*sizes.coverage, *sizes.size, sizes.not_excluded, sizes.out_of_order)
    return (head.title, str(sizes.n), *(f"{number:.3f}" for number in numbers))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.set_sizes", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name, or `modality` for the gate's network")
    parser.add_argument("--split", choices=SPLITS, default="val", help="score the images of this split (default: val)")
    parser.add_argument("--predictions", type=Path, help="read the answers from this file instead")
    options = parser.parse_args(arguments)
    task = training_task(options.task)
    try:
        stored = options.predictions
        print(markdown(task, stored_answers(task, stored) if stored else scored_answers(task, options.split)))
    except (UnfitPredictions, UnreadableImage, NetworkUnavailable) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
