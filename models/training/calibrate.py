"""Calibrate a network on the validation split: python -m models.training.calibrate TASK [--views original mirror ...]

Writes temperatures, operating points and thresholds into the card of the network that serves TASK, and the test-time
views to average over. With several views it prints whether they pay: how good one view and all of them are on
validation, and the milliseconds of each. What was measured with another calibration leaves the card; measure it again
with `evaluate`.
"""

import argparse
import json
import math
import statistics
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
from scipy.optimize import minimize_scalar
from tqdm import tqdm

from models.calibration import calibrated
from models.card import CARD, SCHEMA, WEIGHTS, NetworkUnavailable, card_path
from models.gate import MODALITY_TASK
from models.imaging import InputSpec, prepare
from models.runtime import MODEL, file_sha256, get_network
from models.task import Head, Task
from models.training.datasets import MISSING, Example, load_examples, read_upload, training_task
from models.training.metrics import (
    accuracy,
    balanced_accuracy,
    brier_score,
    expected_calibration_error,
    macro_auc,
    negative_log_likelihood,
)
from models.training.store import load_network
from models.training.thresholds import decision_thresholds, operating_points
from models.views import VIEWS, run_views

# Share of a label's own validation images for which it may be ruled out; the gate is stricter, since what it
# refuses gets no answer at all.
MISS_RATE = 0.10
GATE_MISS_RATE = 0.02
ORIGINAL = ("original",)
BATCH = 32
TIMED_RUNS = 30


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature that minimises the negative log likelihood; logits [n, labels], right labels int [n].

    Guo et al., ICML 2017, arXiv:1706.04599.
    """

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(calibrated(logits, math.exp(log_temperature)), truth)

    return math.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x)


def calibrate_head(head: Head, logits: np.ndarray, truth: np.ndarray, miss_rate: float) -> dict:
    """Card entry of one head from validation logits [n, labels] and right labels int [n]."""
    temperature = round(fit_temperature(logits, truth), 4)
    probabilities = calibrated(logits, temperature)
    points = operating_points(head, probabilities, truth)
    return {
        "labels": [label.key for label in head.labels],
        "temperature": temperature,
        "thresholds": _rounded_down(decision_thresholds(head, probabilities, truth, miss_rate)),
        "operating_points": {name: _rounded_down(thresholds) for name, thresholds in points.items()},
        "miss_rate": miss_rate,
        "n": len(truth),
        "before": quality(calibrated(logits, 1.0), truth),
        "after": quality(probabilities, truth),
    }


def _rounded_down(thresholds: dict[str, float]) -> dict[str, float]:
    """Never up: those promise that images reach them."""
    return {key: math.floor(value * 10_000) / 10_000 for key, value in thresholds.items()}


def quality(probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """How far probabilities [n, labels] are to be believed; the right labels are int [n]."""
    return {
        "ece": round(expected_calibration_error(probabilities, truth), 4),
        "brier": round(brier_score(probabilities, truth), 4),
        "nll": round(negative_log_likelihood(probabilities, truth), 4),
    }


def served_logits(task: Task, head: Head, logits: dict[str, np.ndarray]) -> np.ndarray:
    """The logits [n, labels] that answer for `head` in serving, of all logits of n images.

    For a head with `given` those of the specialist for the most probable label, even where that label is wrong: users
    meet such answers too, and the promises of calibration must include them.
    """
    own = logits[head.key]
    if head.given is None:
        return own
    given = served_logits(task, task.head(head.given), logits).argmax(axis=-1)
    return own[np.arange(len(own)), given]


def head_answers(
    task: Task, head: Head, logits: dict[str, np.ndarray], examples: list[Example]
) -> tuple[np.ndarray, np.ndarray]:
    """Served logits [n, labels] and right labels int [n] of the examples whose label of `head` is known.

    Raises SystemExit when none is known.
    """
    targets = np.array([example.targets[head.key] for example in examples])
    known = targets != MISSING
    if not known.any():
        raise SystemExit(f"{head.title} cannot be calibrated: no image of the validation split has a label of it.")
    return served_logits(task, head, logits)[known], targets[known] % len(head.labels)


def calibrate_heads(task: Task, logits: dict[str, np.ndarray], examples: list[Example]) -> dict[str, dict]:
    """Head key -> card entry; `logits` as `mean_logits` gives them for all `examples`."""
    miss_rate = GATE_MISS_RATE if task.name == MODALITY_TASK.name else MISS_RATE
    return {
        head.key: calibrate_head(head, *head_answers(task, head, logits, examples), miss_rate) for head in task.heads
    }


def mean_logits(model: keras.Model, batch: np.ndarray, views: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Head key -> logits [n, ...] of float32 [n, h, w, 3] in 0 to 255, averaged over views as in serving."""
    found = [model.predict_on_batch(np.ascontiguousarray(VIEWS[view](batch))) for view in views]
    return {head: np.mean([logits[head] for logits in found], axis=0) for head in found[0]}


def validation_logits(
    model: keras.Model, examples: list[Example], spec: InputSpec, views: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Head key -> mean logits [n, ...] over views, images prepared exactly as in serving."""
    found: dict[str, list[np.ndarray]] = {}
    for start in tqdm(range(0, len(examples), BATCH), desc=f"validation, {' + '.join(views)}"):
        batch = np.concatenate([prepare(read_upload(example), spec) for example in examples[start : start + BATCH]])
        for head, logits in mean_logits(model, batch, views).items():
            found.setdefault(head, []).append(logits)
    return {head: np.concatenate(parts) for head, parts in found.items()}


def write_card(
    task: Task, network: str, spec: InputSpec, *, sha256: str, version: str, exclude: tuple[str, ...], training: dict
) -> None:
    """Calibrate the saved network on validation and write its card, without metrics: `evaluate` adds those."""
    folder = WEIGHTS / task.name / network
    examples = load_examples(task, splits=("val",), exclude=exclude)
    logits = validation_logits(load_network(folder / MODEL), examples, spec, ORIGINAL)
    card = {
        "task": task.name,
        "network": network,
        "version": version,
        "created": datetime.now(UTC).date().isoformat(),
        "sha256": sha256,
        "input": {"height": spec.height, "width": spec.width, "fit": spec.fit},
        "training": training | {"data": _data_used(task, exclude), "excluded": list(exclude)},
    }
    _write(folder / CARD, card, ORIGINAL, calibrate_heads(task, logits, examples))


def recalibrate(task: Task, views: tuple[str, ...]) -> None:
    """Calibrate the network that serves `task` with these views; its card keeps what is still true.

    Raises SystemExit when the card describes another network than the one beside it.
    """
    path = card_path(task)
    card = json.loads(path.read_text(encoding="utf-8"))
    model_path = path.with_name(MODEL)
    if file_sha256(model_path) != card["sha256"]:
        raise SystemExit(f"{model_path} is not the network that its card describes. Train or check it out again.")
    examples = load_examples(task, splits=("val",), exclude=card["training"]["excluded"])
    model, spec = load_network(model_path), InputSpec(**card["input"])
    logits = validation_logits(model, examples, spec, views)
    heads = calibrate_heads(task, logits, examples)
    _write(path, card, views, heads)
    for key, head in heads.items():
        print(f"{key:12} temperature {head['temperature']:.3f} {_change(head)} n={head['n']}")
    if len(views) > 1:
        one = validation_logits(model, examples, spec, views[:1])
        _print_comparison(task, examples, {views[:1]: one, views: logits})
        _print_times(task)


def _write(path: Path, card: dict, views: tuple[str, ...], heads: dict[str, dict]) -> None:
    """Write `card` with this calibration and without what was measured under another one; says what that is."""
    calibration = {"sha256": card["sha256"], "split": "val", "heads": heads}
    outdated = _outdated(card, views, calibration)
    facts = {
        "schema": SCHEMA,
        **{key: card[key] for key in ("task", "network", "version", "created", "sha256", "input")},
        "views": list(views),
        "calibration": calibration,
        **{
            key: card[key]
            for key in ("precision", "distance", "training", "metrics")
            if key in card and key not in outdated
        },
    }
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    if outdated:
        print(f"Taken out of the card, since measured with another calibration: {', '.join(outdated)}.")


def _outdated(card: dict, views: tuple[str, ...], calibration: dict) -> list[str]:
    """Keys of what would come out differently now. Distances hang on features alone, and those on the views."""
    same_views = card.get("views") == list(views)
    holds = {"distance": same_views, "metrics": same_views and card.get("calibration") == calibration}
    return [key for key, still_holds in holds.items() if key in card and not still_holds]


def _change(head: dict) -> str:
    return " ".join(f"{name} {head['before'][name]:.4f} -> {head['after'][name]:.4f}" for name in head["before"])


def _print_comparison(task: Task, examples: list[Example], found: dict[tuple[str, ...], dict[str, np.ndarray]]) -> None:
    """How good each head is on validation with each choice of views; every choice with its own temperature."""
    for head in task.heads:
        for views, logits in found.items():
            own, truth = head_answers(task, head, logits, examples)
            probabilities = calibrated(own, fit_temperature(own, truth))
            print(
                f"{head.key:12} {' + '.join(views):34} accuracy {accuracy(probabilities, truth):.4f}"
                f" balanced {balanced_accuracy(probabilities, truth):.4f} AUC {macro_auc(probabilities, truth):.4f}"
                f" NLL {negative_log_likelihood(probabilities, truth):.4f}"
            )


def _print_times(task: Task) -> None:
    try:
        network = get_network(task)
    except NetworkUnavailable as error:
        print(f"Not timed. {error}")
        return
    batch = np.full((1, network.card.spec.height, network.card.spec.width, 3), 127.0, np.float32)
    one, all_views = milliseconds(lambda: network.run(batch)), milliseconds(lambda: run_views(network, batch))
    print(f"One view takes {one:.1f} ms, {len(network.card.views)} views take {all_views:.1f} ms.")


def milliseconds(ask: Callable[[], object]) -> float:
    """Median time of one call."""
    times = []
    for _ in range(TIMED_RUNS):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def _data_used(task: Task, exclude: tuple[str, ...]) -> list[dict]:
    counts = Counter(example.dataset_name for example in load_examples(task, splits=("train",), exclude=exclude))
    return [{"dataset_name": name, "train_images": count} for name, count in sorted(counts.items())]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.calibrate", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name, or `modality` for the gate's network")
    parser.add_argument(
        "--views", nargs="+", default=ORIGINAL, choices=sorted(VIEWS), help="average over these (default: original)"
    )
    options = parser.parse_args(arguments)
    recalibrate(training_task(options.task), tuple(options.views))


if __name__ == "__main__":
    main()
