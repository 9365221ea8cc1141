"""Which tasks are measured."""

import models
from bench.effort import Effort


def chosen_tasks(effort: Effort) -> list[models.Task]:
    """The tasks that `effort` names, all if it names none, in the order of the upload page."""
    return [task for task in models.all_tasks() if not effort.tasks or task.name in effort.tasks]


def words(task: models.Task) -> str:
    """A task with the number of forward passes that it makes: `chest (1 view)`."""
    views = len(models.get_card(task).tta_views)
    return f"{task.name} ({'1 view' if views == 1 else f'{views} views'})"
