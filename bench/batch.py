"""Many images one after the other in one process: models.predict against the interpreters alone."""

import time
from collections.abc import Callable
from itertools import cycle, islice

import cv2
import numpy as np

import models
from bench.bare import BareNetwork
from bench.effort import Effort
from bench.opened import open_gate
from bench.pictures import small_pixels
from bench.selection import chosen_tasks, words
from bench.table import Row, Target, row

PART = "Batch"
PICTURES = 8
ROUNDS = 10
SHARE_OF_THE_INTERPRETER = Target(70, is_floor=True)


def measure(effort: Effort) -> list[Row]:
    """Rows of every task: images a second of both loops, on one core, and the share that is left."""
    pictures = [small_pixels(seed) for seed in range(PICTURES)]
    images = max(1, effort.calls // ROUNDS)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with open_gate():
            return [line for task in chosen_tasks(effort) for line in _rows(task, pictures, images)]
    finally:
        cv2.setNumThreads(threads)


def _rows(task: models.Task, pictures: list[np.ndarray], images: int) -> list[Row]:
    gate, bare = BareNetwork(models.MODALITY_TASK, pictures[0]), BareNetwork(task, pictures[0])

    def invoke(_pixels: np.ndarray) -> None:
        gate.invoke()
        bare.invoke()

    def predict(pixels: np.ndarray) -> None:
        models.predict(task, pixels)

    predict(pictures[0])
    pairs = [(_per_second(predict, pictures, images), _per_second(invoke, pictures, images)) for _ in range(ROUNDS)]
    predicted, alone = zip(*pairs, strict=True)
    shares = [100 * mine / least for mine, least in pairs]
    name = words(task)
    return [
        row(PART, f"{name}: loop over models.predict", "images/s", predicted),
        row(PART, f"{name}: loop over the bare interpreter, gate and task", "images/s", alone),
        row(PART, f"{name}: share of the bare interpreter", "%", shares, SHARE_OF_THE_INTERPRETER),
    ]


def _per_second(action: Callable[[np.ndarray], None], pictures: list[np.ndarray], images: int) -> float:
    start = time.perf_counter()
    for pixels in islice(cycle(pictures), images):
        action(pixels)
    return images / (time.perf_counter() - start)
