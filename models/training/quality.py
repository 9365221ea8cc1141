"""Measure the anchors of the quality score: python -m models.training.quality

Writes models/quality.json for all tasks: percentiles of their training images (models/quality.py says which), and of
likeness, which the network has learned to make small on those, of the validation images. To be run again when a task's
images or its network change.
"""

import json

import numpy as np
from tqdm import tqdm

from models.gate import distance_share
from models.imaging import prepare
from models.quality import ANCHORS, LIMITS, measure_picture
from models.registry import all_tasks
from models.righting import trim
from models.runtime import get_network, run_views
from models.task import Task
from models.training.datasets import load_examples
from models.training.manifest import Example, read_upload

SEED, MOST_TRAINING, MOST_VALIDATION = 20261126, 800, 200
# Percentiles at which what is better when higher scores 50 and 100; of the others their mirror images.
FAIR, GOOD = 5, 50


def task_anchors(task: Task) -> dict[str, list[float]]:
    """Measurement -> where it scores 50, and where 100, of this task."""
    examples = _some(load_examples(task, splits=("train",)), MOST_TRAINING)
    measured = [measure_picture(trim(read_upload(one))) for one in tqdm(examples, desc=f"{task.name}, training")]
    columns = {name: np.array([one[name] for one in measured]) for name in measured[0]}
    validation = _some(load_examples(task, splits=("val",)), MOST_VALIDATION)
    columns["likeness"] = np.array([_distance(task, one) for one in tqdm(validation, desc=f"{task.name}, validation")])
    return {name: _percentiles(values, LIMITS[name]) for name, values in columns.items()}


def _percentiles(values: np.ndarray, limit: float) -> list[float]:
    lower_is_better = limit > np.median(values)
    at = (100 - FAIR, GOOD) if lower_is_better else (FAIR, GOOD)
    return [round(float(value), 3) for value in np.percentile(values, at)]


def _distance(task: Task, example: Example) -> float:
    network = get_network(task)
    features = run_views(network, prepare(trim(read_upload(example)).pixels, network.card.spec)).features
    share = distance_share(network, features)
    if share is None:
        raise SystemExit(f"The network of {task.title} has no distance test: run models.training.distance first.")
    return share


def _some(examples: list[Example], most: int) -> list[Example]:
    return [examples[index] for index in np.random.default_rng(SEED).permutation(len(examples))[:most]]


def main() -> None:
    anchors = {task.name: task_anchors(task) for task in all_tasks()}
    ANCHORS.write_text(json.dumps(anchors, indent=1) + "\n", encoding="utf-8")
    print(f"Wrote {ANCHORS}.")


if __name__ == "__main__":
    main()
