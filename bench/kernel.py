"""One image, already decoded, to probabilities and heatmaps: Lumen, its interpreter alone, and Keras.

All on the same weights and the same picture. Keras runs in a process of its own, with all cores; Lumen has one thread.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from functools import partial

import models
from bench.bare import BareNetwork
from bench.effort import Effort
from bench.keras_kernel import CASCADE, PREDICT
from bench.machine import ROOT
from bench.opened import open_gate
from bench.pictures import small_pixels
from bench.selection import chosen_tasks, words
from bench.table import Row, Target, ratio, row
from bench.timing import milliseconds

PART = "Kernel"
# A task that was once a cascade is held against that, the others against one predict of their own network.
FASTER_THAN_PREDICT = Target(15, is_floor=True)
FASTER_THAN_CASCADE = Target(5, is_floor=True)
NEAR_THE_INTERPRETER = Target(1.5)


def measure(effort: Effort) -> list[Row]:
    """Rows of every task: times of all sides, then their ratios."""
    tasks = chosen_tasks(effort)
    lumen = measure_lumen(tasks, effort.calls)
    keras = measure_keras(tasks, effort.peer_calls)
    return [line for task in tasks for line in _rows(task, lumen[task.name], keras[task.name])]


def measure_lumen(tasks: list[models.Task], repeats: int) -> dict[str, dict[str, list[float]]]:
    """Task name -> milliseconds of `predict`, and of `interpreter`: the forward passes that a prediction makes, the
    gate's and the task's, with nothing around them. `network` are those of the task alone."""
    pixels = small_pixels()
    gate = BareNetwork(models.MODALITY_TASK, pixels)
    measured = {}
    with open_gate():
        for task in tasks:
            bare = BareNetwork(task, pixels)
            predict = partial(models.predict, task, pixels)
            times = milliseconds({"predict": predict, "network": bare.invoke, "gate": gate.invoke}, repeats)
            times["interpreter"] = [sum(pair) for pair in zip(times["network"], times.pop("gate"), strict=True)]
            measured[task.name] = times
    return measured


def measure_keras(tasks: list[models.Task], repeats: int) -> dict[str, dict[str, list[float]]]:
    """Task name -> milliseconds of what bench/keras_kernel.py measures, in a process of its own."""
    command = [sys.executable, "-m", "bench.keras_kernel", "--repeats", str(repeats), *(task.name for task in tasks)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _rows(task: models.Task, lumen: dict[str, list[float]], keras: dict[str, list[float]]) -> list[Row]:
    name = words(task)
    predict = row(PART, f"{name}: Lumen", "ms", lumen["predict"])
    bare = row(PART, f"{name}: bare interpreter, gate and task", "ms", lumen["interpreter"])
    alone = row(PART, f"{name}: bare interpreter, task alone", "ms", lumen["network"])
    sides = {side: row(PART, f"{name}: {side}", "ms", times) for side, times in keras.items()}
    return [
        predict,
        bare,
        alone,
        *sides.values(),
        ratio(PART, f"{name}: Lumen over the bare interpreter, gate and task", predict, bare, NEAR_THE_INTERPRETER),
        ratio(PART, f"{name}: Lumen over the bare interpreter, task alone", predict, alone),
        *(
            ratio(PART, f"{name}: {side} over Lumen", slower, predict, _target(side, sides))
            for side, slower in sides.items()
        ),
    ]


def _target(side: str, sides: Iterable[str]) -> Target | None:
    if side == CASCADE:
        return FASTER_THAN_CASCADE
    return FASTER_THAN_PREDICT if side == PREDICT and CASCADE not in sides else None
