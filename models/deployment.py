"""Which network serves each task: decided once, when the process first asks, from the environment.

A task file declares the network that serves by default. LUMEN_NETWORKS="fracture=resnet50 chest=cnn" chooses others
that are registered; the network of the gate is no task's and cannot be chosen.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from models.modality import MODALITY_TASK
from models.registry import all_tasks
from models.task import Task

CHOICE = "LUMEN_NETWORKS"
WEIGHTS = Path(__file__).parent / "weights"
CARD = "card.json"


class UnfitChoice(ValueError):
    """LUMEN_NETWORKS cannot be followed; the message says what may be chosen."""


@dataclass(frozen=True)
class NetworkId:
    """The name of one trained network: the task that it answers, and its name among the networks of that task."""

    task: str
    name: str

    @property
    def folder(self) -> Path:
        """Where its weights, its card and what belongs to them lie."""
        return WEIGHTS / self.task / self.name

    @property
    def card_path(self) -> Path:
        """Where its card lies; the network is registered when it does."""
        return self.folder / CARD


@dataclass(frozen=True)
class Deployment:
    """`networks`: task name -> the network that serves it, for every task and for the gate."""

    networks: Mapping[str, NetworkId]

    def network_of(self, task: Task) -> NetworkId:
        """The network that serves `task`; for a task that is not served (trained only) the one that it declares."""
        return self.networks.get(task.name) or NetworkId(task.name, task.default_network)


def served_tasks() -> tuple[Task, ...]:
    """The tasks that users are offered, and then the gate's own."""
    return (*all_tasks(), MODALITY_TASK)


def registered_networks(task: Task) -> tuple[str, ...]:
    """The names of the networks of `task` that have a card, in alphabetical order: those that can be made to serve."""
    return tuple(sorted(path.parent.name for path in (WEIGHTS / task.name).glob(f"*/{CARD}")))


@cache
def current_deployment() -> Deployment:
    """What this process serves, by LUMEN_NETWORKS as it stood when this was first asked. Raises UnfitChoice."""
    return read_deployment(os.environ.get(CHOICE, ""))


def read_deployment(choice: str) -> Deployment:
    """The declared network of each task, or the one that `choice`, pairs such as "chest=cnn", names instead.

    Raises UnfitChoice for a pair that names no registered network, and where a task is named twice.
    """
    declared = {task.name: NetworkId(task.name, task.default_network) for task in served_tasks()}
    return Deployment(MappingProxyType(declared | _chosen(choice.split(), all_tasks())))


def _chosen(pairs: list[str], tasks: Iterable[Task]) -> dict[str, NetworkId]:
    registered = {
        f"{task.name}={name}": NetworkId(task.name, name) for task in tasks for name in registered_networks(task)
    }
    for pair in pairs:
        if pair not in registered:
            raise UnfitChoice(
                f"{CHOICE} holds {pair!r}. It takes pairs of a task and one of its registered networks, with spaces "
                f"between; registered are {', '.join(registered)}."
            )
    chosen = {registered[pair].task: registered[pair] for pair in pairs}
    if len(chosen) < len(pairs):
        raise UnfitChoice(f"{CHOICE} names a task twice in {' '.join(pairs)!r}. Choose one network for each.")
    return chosen
