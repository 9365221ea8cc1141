"""Finds the tasks: every module in models/tasks declares one TASK. A new task is one new file there."""

import importlib
import pkgutil
from functools import cache

from models import tasks
from models.task import Task

# The order of the upload page; a task that is not named here follows in alphabetical order.
_FIRST = ("injury", "skin_lesion", "fracture", "chest", "brain")


class UnknownTask(LookupError):
    """No task of this name is declared."""


@cache
def all_tasks() -> tuple[Task, ...]:
    """Every declared task, in the order in which a user is offered them."""
    names = (module.name for module in pkgutil.iter_modules(tasks.__path__))
    return tuple(importlib.import_module(f"models.tasks.{name}").TASK for name in sorted(names, key=_position))


def get_task(name: str) -> Task:
    """The task of this name. Raises UnknownTask, whose message names those that exist."""
    for task in all_tasks():
        if task.name == name:
            return task
    raise UnknownTask(f"There is no task {name!r}. Known tasks: {', '.join(task.name for task in all_tasks())}.")


def _position(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)
