"""The networks as the tests iterate them: those that serve five tasks, the gate's own, and all that are registered."""

from dataclasses import replace

import pytest

import models
from models.gate import MODALITY_TASK
from models.task import Task

TASKS = models.all_tasks()
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
every_network = pytest.mark.parametrize("task", (*TASKS, MODALITY_TASK), ids=lambda task: task.name)
REGISTERED = [
    replace(task, network=name) for task in (*TASKS, MODALITY_TASK) for name in models.registered_networks(task)
]
every_registered_network = pytest.mark.parametrize("task", REGISTERED, ids=lambda task: f"{task.name}-{task.network}")

# Keras 3.15 copies its variables in a way that NumPy 2 deprecates, when it saves them: nothing of ours.
uses_keras = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


def specialists(task: Task, key: str) -> int:
    """How many specialists answer this head: 1 for a head of its own."""
    given = task.head(key).given
    return len(task.head(given).labels) if given else 1


def logit_count(task: Task) -> int:
    """How many logits the heads of a task have side by side."""
    return sum(specialists(task, head.key) * len(head.labels) for head in task.heads)
