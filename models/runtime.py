"""Compiled networks in this process: loaded once, hash-checked, warmed, guarded by a pool.

LiteRT interpreters are not safe for threads: each is lent to one caller at a time. Loaded before the web server forks,
they answer in every worker and the workers share the weights.
"""

import hashlib
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from models.card import Card
from models.card_file import NetworkUnavailable, read_card
from models.deployment import NetworkId, current_deployment
from models.distance import FEATURES, Reference, read_reference
from models.task import Task
from models.tta import TTA_VIEWS

MODEL, GRAPH, GRAPH_FACTS = "model.keras", "graph.tflite", "graph.json"
# One interpreter of one thread for each network and process: with as many workers as cores, more only wait for each
# other and hold more memory.
INTERPRETERS = 1
THREADS = 1

# A batch as `pixels` -> the graph's outputs by name.
Runner = Callable[..., dict[str, np.ndarray]]


@dataclass(frozen=True)
class NetworkOutputs:
    """What one forward pass gives: float32 logits [k], maps [h, w, k], features [channels]; heads side by side in k."""

    logits: np.ndarray
    maps: np.ndarray
    features: np.ndarray


class ServingNetwork:
    """One compiled network, its card, and the interpreters of this process.

    `reference`: where the features of its training images lie; None for a network without that test.
    """

    def __init__(self, card: Card, graph: Path, reference: Reference | None) -> None:
        self.card = card
        self.reference = reference
        self._idle: queue.LifoQueue[Runner] = queue.LifoQueue()
        for _ in range(INTERPRETERS):
            self._idle.put(_interpreter(graph))

    def run(self, batch: np.ndarray) -> NetworkOutputs:
        """One forward pass of float32 [1, h, w, 3] in 0 to 255; waits while all interpreters are busy."""
        with self._lent() as runner:
            outputs = runner(pixels=batch)
        return NetworkOutputs(outputs["logits"][0], outputs["maps"][0], outputs["features"][0])

    def warm(self) -> None:
        """Run once on grey, so that no user's first image pays for lazy set-up."""
        spec = self.card.spec
        self.run(np.full((1, spec.height, spec.width, 3), 127.0, np.float32))

    @contextmanager
    def _lent(self) -> Iterator[Runner]:
        runner = self._idle.get()
        try:
            yield runner
        finally:
            self._idle.put(runner)


class AnsweringNetwork(Protocol):
    """What `run_views` needs of a network."""

    @property
    def card(self) -> Card: ...

    def run(self, batch: np.ndarray) -> NetworkOutputs: ...


def run_views(network: AnsweringNetwork, batch: np.ndarray) -> NetworkOutputs:
    """Mean logits, maps (turned back, so that they fit the original) and features over the card's views.

    `batch`: float32 [1, h, w, 3] in 0 to 255.
    """
    views = [TTA_VIEWS[name] for name in network.card.tta_views]
    outputs = [network.run(np.ascontiguousarray(view(batch))) for view in views]
    return NetworkOutputs(
        logits=np.mean([one.logits for one in outputs], axis=0),
        maps=np.mean([view(one.maps) for view, one in zip(views, outputs, strict=True)], axis=0),
        features=np.mean([one.features for one in outputs], axis=0),
    )


def file_sha256(path: Path) -> str:
    """64 hexadecimal digits, in lower case. Raises OSError where the file cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _interpreter(graph: Path) -> Runner:
    # By its path: the file is mapped into memory, where all workers share it.
    interpreter = Interpreter(model_path=str(graph), num_threads=THREADS)
    interpreter.allocate_tensors()
    return interpreter.get_signature_runner()


def _load(task: Task, network_id: NetworkId) -> ServingNetwork:
    card, folder = read_card(task, network_id), network_id.folder
    advice = "An administrator compiles it with `make compile`."
    try:
        facts = json.loads((folder / GRAPH_FACTS).read_text(encoding="utf-8"))
        compiled, trained = file_sha256(folder / GRAPH), file_sha256(folder / MODEL)
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise NetworkUnavailable(
            f"The network of {task.title} is not compiled: {missing} is missing. {advice}"
        ) from None
    except ValueError:
        raise NetworkUnavailable(f"{GRAPH_FACTS} of {task.title} cannot be read. {advice}") from None
    if trained != card.sha256:
        raise NetworkUnavailable(f"The network file of {task.title} is not the one that its card describes.")
    made_from = (facts.get("model_sha256"), facts.get("precision"), facts.get("graph_sha256"))
    if made_from != (card.sha256, card.precision, compiled):
        raise NetworkUnavailable(f"The compiled graph of {task.title} does not match its network. {advice}")
    network = ServingNetwork(card, folder / GRAPH, _reference(task, card, folder / FEATURES))
    network.warm()
    return network


def _reference(task: Task, card: Card, path: Path) -> Reference | None:
    if card.distance is None:
        return None
    try:
        sha256 = file_sha256(path)
    except FileNotFoundError:
        raise NetworkUnavailable(f"The reference features of {task.title} are missing: {path.name}.") from None
    if sha256 != card.distance.sha256:
        raise NetworkUnavailable(f"The reference features of {task.title} are not those that its card describes.")
    return read_reference(path)


_loaded: dict[Path, ServingNetwork] = {}
_lock = threading.Lock()


def get_network(task: Task, network: NetworkId | None = None) -> ServingNetwork:
    """A network of `task`, by default the one that serves, loaded on first use.

    Raises NetworkUnavailable with the reason.
    """
    wanted = network or current_deployment().network_of(task)
    with _lock:
        if wanted.folder not in _loaded:
            _loaded[wanted.folder] = _load(task, wanted)
        return _loaded[wanted.folder]


def unload_networks() -> None:
    """Forget every loaded network: for tests that change files under the weights folder."""
    with _lock:
        _loaded.clear()
