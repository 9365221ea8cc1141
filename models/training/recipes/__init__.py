"""One recipe for each network that is trained: every module here declares one RECIPE. A new task adds its own file."""

import importlib
import pkgutil

from models.task import Task
from models.training.recipe import Recipe


def find_recipes() -> dict[str, Recipe]:
    """Task name -> recipe, of every module in this folder."""
    modules = (importlib.import_module(f"{__name__}.{one.name}") for one in pkgutil.iter_modules(__path__))
    return {module.RECIPE.task.name: module.RECIPE for module in modules}


RECIPES = find_recipes()


def training_task(name: str) -> Task:
    """The task of this name: a clinical one, or one that is trained alike and offered to nobody (the gate's, `xray`).

    Raises SystemExit, with the names that there are, for any other.
    """
    if name not in RECIPES:
        raise SystemExit(f"There is no recipe of {name!r} in models/training/recipes. There are {', '.join(RECIPES)}.")
    return RECIPES[name].task
