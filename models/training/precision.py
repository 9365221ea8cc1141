"""What smaller weights cost in serving: python -m models.training.precision TASK [--use int8]

Compiles the network that serves TASK with float32, float16 and int8 weights (dynamic range: weights as 8-bit integers,
activations quantised as they come; Jacob et al., CVPR 2018, arXiv:1712.05877), runs each graph on the validation images
and prints its size, its time for one view, and for each head the AUC, how that differs from float32, and the largest
change of a probability. `--use` writes the choice into the card, for `compile` to obey, unless the AUC of some head
falls by more than 0.002. Calibration stays that of float32; `evaluate` measures what then serves.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.calibration import calibrated
from models.card import PRECISIONS, Card, card_path, read_card
from models.imaging import prepare
from models.inference import split_heads
from models.runtime import MODEL, ServingNetwork, network_folder
from models.task import Task
from models.training.calibrate import head_answers, milliseconds
from models.training.compile import compile_graph
from models.training.datasets import Example, load_examples, read_upload, training_task
from models.training.metrics import macro_auc
from models.training.store import load_network
from models.views import run_views

MAY_LOSE = 0.002


@dataclass(frozen=True)
class Cost:
    """One precision: bytes of the graph, milliseconds of one view, and head key -> probabilities [n, labels], AUC."""

    size: int
    milliseconds: float
    probabilities: dict[str, np.ndarray]
    aucs: dict[str, float]


def measure(task: Task, card: Card, graph: Path, examples: list[Example]) -> Cost:
    """The cost of a compiled graph of the network that `card` describes."""
    network = ServingNetwork(card, graph, None)
    raw = [
        run_views(network, prepare(read_upload(example), card.spec)).logits
        for example in tqdm(examples, desc=graph.stem)
    ]
    logits = {head.key: values for head, values in split_heads(task, np.array(raw))}
    probabilities, aucs = {}, {}
    for head in task.heads:
        own, truth = head_answers(task, head, logits, examples)
        probabilities[head.key] = calibrated(own, card.heads[head.key].temperature)
        aucs[head.key] = macro_auc(probabilities[head.key], truth)
    batch = np.full((1, card.spec.height, card.spec.width, 3), 127.0, np.float32)
    return Cost(graph.stat().st_size, milliseconds(lambda: network.run(batch)), probabilities, aucs)


def measure_all(task: Task) -> dict[str, Cost]:
    """Precision -> its cost, on the validation images."""
    card, model = read_card(task), load_network(network_folder(task) / MODEL)
    examples = load_examples(task, splits=("val",), exclude=card.facts["training"]["excluded"])
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for precision in PRECISIONS:
            graph = Path(folder) / f"{precision}.tflite"
            graph.write_bytes(compile_graph(model, task, precision))
            found[precision] = measure(task, card, graph, examples)
    return found


def loss(exact: Cost, smaller: Cost) -> float:
    """How much AUC the head loses that loses most."""
    return max(exact.aucs[key] - smaller.aucs[key] for key in exact.aucs)


def show(found: dict[str, Cost]) -> None:
    exact = found["float32"]
    for precision, cost in found.items():
        print(f"{precision:8} {cost.size / 1e6:6.1f} MB {cost.milliseconds:7.1f} ms")
        for key, auc in cost.aucs.items():
            moved = np.abs(cost.probabilities[key] - exact.probabilities[key]).max()
            print(f"  {key:14} AUC {auc:.4f} ({auc - exact.aucs[key]:+.4f}), probabilities move by up to {moved:.4f}")


def use(task: Task, precision: str) -> None:
    """Write the choice into the card; `compile` makes the graph anew."""
    path = card_path(task)
    card = json.loads(path.read_text(encoding="utf-8")) | {"precision": precision}
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.precision", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name, or `modality` for the gate's network")
    parser.add_argument("--use", choices=PRECISIONS, help="serve with these weights from now on")
    options = parser.parse_args(arguments)
    task = training_task(options.task)
    found = measure_all(task)
    show(found)
    if options.use is None:
        return
    lost = loss(found["float32"], found[options.use])
    if lost > MAY_LOSE:
        raise SystemExit(
            f"{options.use} is not used: the AUC of a head falls by {lost:.4f}, and {MAY_LOSE} is allowed."
        )
    use(task, options.use)
    print(f"{card_path(task)} says {options.use}. Next: python -m models.training.compile {task.name}")


if __name__ == "__main__":
    main()
