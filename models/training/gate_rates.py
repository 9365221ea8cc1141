"""How often the whole gate (quality, modality and distance test) of each task refuses what it should and should not."""

from collections.abc import Iterable

import numpy as np
from tqdm import tqdm

from models.gate import GateVerdict, check_quality, judge_distance
from models.imaging import prepare
from models.inference import ask_gate, judge_righted
from models.measures import GateSet, Measure
from models.modality import MODALITY_TASK
from models.registry import all_tasks
from models.righting import trim
from models.runtime import get_network, run_views
from models.task import Modality, Task
from models.training.datasets import load_examples
from models.training.manifest import MISSING, read_upload
from models.training.measuring import measure_refusals
from models.training.synthetic import to_grey


def gate_rates(split: str) -> dict[str, dict[GateSet, Measure]]:
    """Task name -> the share that its gate refuses of each set of images of this split."""
    examples = [
        example
        for example in load_examples(MODALITY_TASK, splits=(split,))
        # What was altered is of no type to the gate: models/training/odd_rates.py measures it.
        if example.targets[MODALITY_TASK.primary] != MISSING
    ]
    refused = np.zeros((len(examples), len(all_tasks())), bool)
    refused_grey = np.zeros_like(refused)
    coloured = np.zeros(len(examples), bool)
    for row, example in enumerate(tqdm(examples, desc="asking the gates")):
        pixels = read_upload(example)
        grey = to_grey(pixels)
        coloured[row] = bool((grey != pixels).any())
        refused[row] = refusals(all_tasks(), pixels)
        refused_grey[row] = refusals(all_tasks(), grey) if coloured[row] else refused[row]
    keys = [label.key for label in MODALITY_TASK.labels]
    kinds = np.array([keys[example.targets[MODALITY_TASK.primary]] for example in examples])
    groups = np.array([example.group for example in examples])

    def rates(column: int, task: Task) -> dict[GateSet, Measure]:
        right, not_medical = kinds == task.modality, kinds == Modality.NOT_MEDICAL
        other = ~right & ~not_medical
        chosen = {
            GateSet.RIGHT_KIND: (refused, right),
            GateSet.OTHER_KIND: (refused, other),
            GateSet.OTHER_KIND_GREY: (refused_grey, other & coloured),
            GateSet.NOT_MEDICAL: (refused, not_medical),
        }
        return {
            images: measure_refusals(answers[rows, column], groups[rows])
            for images, (answers, rows) in chosen.items()
            if rows.any()
        }

    return {task.name: rates(column, task) for column, task in enumerate(all_tasks())}


def refusals(tasks: Iterable[Task], pixels: np.ndarray) -> list[bool]:
    """Whether each task's gate refuses uint8 RGB pixels; the gate's network is asked once for all."""
    righted = trim(pixels)
    if not check_quality(righted.pixels).passed:
        return [True for _ in tasks]
    answers = ask_gate(righted.pixels)
    return [not _passes(task, judge_righted(task, righted, answers)) for task in tasks]


def _passes(task: Task, verdict: GateVerdict) -> bool:
    if not verdict.passed or verdict.righted is None:
        return False
    network = get_network(task)
    features = run_views(network, prepare(verdict.righted.pixels, network.card.spec)).features
    return judge_distance(network, features).passed
