"""What smaller weights cost in serving: python -m models.training.precision TASK [--use int8]

Compiles the network that serves TASK with float32, float16 and int8 weights (dynamic range: weights as 8-bit integers,
activations quantised as they come; Jacob et al., CVPR 2018, arXiv:1712.05877), runs each graph on the validation images
and prints its size, its time for one view, and for each head the AUC, how that differs from float32, and the largest
change of a probability. `--use` writes the choice into the card, for `compile` to obey, unless the AUC of some head
falls by more than 0.002. Calibration stays that of float32; `evaluate` measures what then serves.
"""

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.calibration import calibrated
from models.card import PRECISIONS, Card
from models.card_file import load_card, read_card, write_card
from models.deployment import current_deployment
from models.imaging import prepare
from models.inference import split_heads
from models.runtime import MODEL, ServingNetwork, run_views
from models.task import Task
from models.training.calibrate import head_answers
from models.training.compile import compile_graph
from models.training.datasets import load_examples
from models.training.manifest import Example, read_upload
from models.training.metrics import macro_auc
from models.training.recipes import training_task
from models.training.store import load_network
from models.training.timing import milliseconds

MAX_REGRESSION = 0.002


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
        served, truth = head_answers(task, head, logits, examples)
        probabilities[head.key] = calibrated(served, card.heads[head.key].temperature)
        aucs[head.key] = macro_auc(probabilities[head.key], truth)
    batch = np.full((1, card.spec.height, card.spec.width, 3), 127.0, np.float32)
    return Cost(graph.stat().st_size, milliseconds(lambda: network.run(batch)), probabilities, aucs)


def measure_all(task: Task) -> dict[str, Cost]:
    """Precision -> its cost, on the validation images."""
    card, model = read_card(task), load_network(current_deployment().network_of(task).folder / MODEL)
    examples = load_examples(task, splits=("val",), exclude=card.training.excluded)
    costs = {}
    with tempfile.TemporaryDirectory() as folder:
        for precision in PRECISIONS:
            graph = Path(folder) / f"{precision}.tflite"
            graph.write_bytes(compile_graph(model, task, precision))
            costs[precision] = measure(task, card, graph, examples)
    return costs


def loss(exact: Cost, smaller: Cost) -> float:
    """How much AUC the head loses that loses most."""
    return max(exact.aucs[key] - smaller.aucs[key] for key in exact.aucs)


def show(costs: dict[str, Cost]) -> None:
    """Print the cost of each precision, and how far it moves what each head says."""
    exact = costs["float32"]
    for precision, cost in costs.items():
        print(f"{precision:8} {cost.size / 1e6:6.1f} MB {cost.milliseconds:7.1f} ms")
        for key, auc in cost.aucs.items():
            moved = np.abs(cost.probabilities[key] - exact.probabilities[key]).max()
            print(f"  {key:14} AUC {auc:.4f} ({auc - exact.aucs[key]:+.4f}), probabilities move by up to {moved:.4f}")


def use(task: Task, precision: str) -> None:
    """Write the choice into the card; `compile` makes the graph anew."""
    path = current_deployment().network_of(task).card_path
    write_card(path, replace(load_card(path), precision=precision))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.precision", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name, or `modality` for the gate's network")
    parser.add_argument("--use", choices=PRECISIONS, help="serve with these weights from now on")
    options = parser.parse_args(arguments)
    task = training_task(options.task)
    costs = measure_all(task)
    show(costs)
    if options.use is None:
        return
    lost = loss(costs["float32"], costs[options.use])
    if lost > MAX_REGRESSION:
        raise SystemExit(
            f"{options.use} is not used: the AUC of a head falls by {lost:.4f}, and {MAX_REGRESSION} is allowed."
        )
    use(task, options.use)
    print(f"The card of {task.name} says {options.use}. Next: python -m models.training.compile {task.name}")


if __name__ == "__main__":
    main()
