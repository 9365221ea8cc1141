"""Finds the tasks: every module in models/tasks declares one TASK. A new task is one new file there.

The file names the network that serves its task, unless the environment chooses another one of its registered networks:
LUMEN_NETWORKS="fracture=resnet50 chest=cnn". The network of the gate is no task's and cannot be chosen.
"""

import importlib
import os
import pkgutil
from dataclasses import replace
from functools import cache

from models import tasks
from models.card import registered_networks
from models.task import Task

CHOICE = "LUMEN_NETWORKS"
# The order of the upload page; a task that is not named here follows in alphabetical order.
_FIRST = ("injury", "skin_lesion", "fracture", "chest", "brain")


class UnknownTask(LookupError):
    """No task of this name is declared."""


class UnfitChoice(ValueError):
    """LUMEN_NETWORKS cannot be followed; the message says what may be chosen."""


@cache
def all_tasks() -> tuple[Task, ...]:
    """Every declared task with the network that serves it, in the order in which a user is offered them.

    Raises UnfitChoice.
    """
    found = {
        module.name: importlib.import_module(f"models.tasks.{module.name}").TASK
        for module in pkgutil.iter_modules(tasks.__path__)
    }
    declared = tuple(found[name] for name in sorted(found, key=_position))
    chosen = _chosen_networks(declared)
    return tuple(replace(task, network=chosen[task.name]) if task.name in chosen else task for task in declared)


def get_task(name: str) -> Task:
    """The task of this name; raises UnknownTask, whose message names those that exist, and UnfitChoice."""
    for task in all_tasks():
        if task.name == name:
            return task
    raise UnknownTask(f"There is no task {name!r}. Known tasks: {', '.join(task.name for task in all_tasks())}.")


def _chosen_networks(declared: tuple[Task, ...]) -> dict[str, str]:
    """Task name -> network, for the tasks that LUMEN_NETWORKS names; raises UnfitChoice."""
    pairs = os.environ.get(CHOICE, "").split()
    registered = {f"{task.name}={name}": (task.name, name) for task in declared for name in registered_networks(task)}
    for pair in pairs:
        if pair not in registered:
            raise UnfitChoice(
                f"{CHOICE} holds {pair!r}. It takes pairs of a task and one of its registered networks, with spaces "
                f"between; registered are {', '.join(registered)}."
            )
    chosen = dict(registered[pair] for pair in pairs)
    if len(chosen) < len(pairs):
        raise UnfitChoice(f"{CHOICE} names a task twice in {' '.join(pairs)!r}. Choose one network for each.")
    return chosen


def _position(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)
