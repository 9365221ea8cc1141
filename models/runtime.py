"""Compiled networks in this process: loaded once, hash-checked, warmed, guarded by a pool.

LiteRT interpreters are not safe for threads: each is lent to one caller at a time. Loaded before the web server forks,
they answer in every worker and the workers share the weights.
"""

import hashlib
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from models.card import WEIGHTS, Card, NetworkUnavailable, read_card
from models.distance import FEATURES, Reference, read_reference
from models.task import Task

MODEL, GRAPH, GRAPH_FACTS = "model.keras", "graph.tflite", "graph.json"
# One interpreter of one thread for each network and process: with as many workers as cores, more only wait for each
# other and hold more memory.
INTERPRETERS = 1
THREADS = 1


@dataclass(frozen=True)
class RawOutput:
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
        self._idle: queue.LifoQueue = queue.LifoQueue()
        for _ in range(INTERPRETERS):
            self._idle.put(_interpreter(graph))

    def run(self, batch: np.ndarray) -> RawOutput:
        """One forward pass of float32 [1, h, w, 3] in 0 to 255; waits while all interpreters are busy."""
        with self._lent() as runner:
            found = runner(pixels=batch)
        return RawOutput(logits=found["logits"][0], maps=found["maps"][0], features=found["features"][0])

    def warm(self) -> None:
        """Run once on grey, so that no user's first image pays for lazy set-up."""
        spec = self.card.spec
        self.run(np.full((1, spec.height, spec.width, 3), 127.0, np.float32))

    @contextmanager
    def _lent(self) -> Iterator:
        runner = self._idle.get()
        try:
            yield runner
        finally:
            self._idle.put(runner)


def network_folder(task: Task) -> Path:
    """The folder of the network that serves `task`."""
    return WEIGHTS / task.name / task.network


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _interpreter(graph: Path):
    # By its path: the file is mapped into memory, where all workers share it.
    interpreter = Interpreter(model_path=str(graph), num_threads=THREADS)
    interpreter.allocate_tensors()
    return interpreter.get_signature_runner()


def _load(task: Task) -> ServingNetwork:
    card, folder = read_card(task), network_folder(task)
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
        found = file_sha256(path)
    except FileNotFoundError:
        raise NetworkUnavailable(f"The reference features of {task.title} are missing: {path.name}.") from None
    if found != card.distance.sha256:
        raise NetworkUnavailable(f"The reference features of {task.title} are not those that its card describes.")
    return read_reference(path)


_loaded: dict[Path, ServingNetwork] = {}
_lock = threading.Lock()


def get_network(task: Task) -> ServingNetwork:
    """The serving network of `task`, loaded on first use; raises NetworkUnavailable with the reason."""
    folder = network_folder(task)
    with _lock:
        if folder not in _loaded:
            _loaded[folder] = _load(task)
        return _loaded[folder]


def unload_networks() -> None:
    """Forget every loaded network: for tests that change files under the weights folder."""
    with _lock:
        _loaded.clear()
