"""The networks as the tests iterate them: those that serve five tasks, the gate's own, and all that are registered."""

from pathlib import Path

import pytest

import models
from models.deployment import NetworkId, current_deployment, served_tasks
from models.task import Task

TASKS = models.all_tasks()
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
every_network = pytest.mark.parametrize("task", served_tasks(), ids=lambda task: task.name)
REGISTERED = [
    (task, NetworkId(task.name, name)) for task in served_tasks() for name in models.registered_networks(task)
]
every_registered_network = pytest.mark.parametrize(
    ("task", "network"), REGISTERED, ids=[f"{network.task}-{network.name}" for _, network in REGISTERED]
)

# Keras 3.15 copies its variables in a way that NumPy 2 deprecates, when it saves them: nothing of ours.
uses_keras = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


def network_folder(task: Task) -> Path:
    """The folder of the network that serves `task`."""
    return current_deployment().network_of(task).folder


def specialists(task: Task, key: str) -> int:
    """How many specialists answer this head: 1 for a head of its own."""
    condition = task.head(key).conditioned_on
    return len(task.head(condition).labels) if condition else 1


def logit_count(task: Task) -> int:
    """How many logits the heads of a task have side by side."""
    return sum(specialists(task, head.key) * len(head.labels) for head in task.heads)
