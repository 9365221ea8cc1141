"""Calibrate a network on the validation split: python -m models.training.calibrate TASK [--views original mirror ...]

Writes temperatures, operating points and thresholds into the card of the network that serves TASK, and the test-time
views to average over. Where the card says how the task fares elsewhere (`abroad --write`), thresholds and the factor
on the temperature of the primary head are those fitted there. With several views it prints whether they pay: how good
one view and all of them are on validation, and the milliseconds of each. What was measured with another calibration
leaves the card; measure it again with `evaluate`.
"""

import argparse
import math
from collections import Counter
from dataclasses import asdict, replace
from datetime import UTC, datetime

import keras
import numpy as np
from scipy.optimize import minimize_scalar
from tqdm import tqdm

from models.calibration import HeadCard, calibrated
from models.card import Calibration, CalibrationErrors, Card, HeadFit, Training, TrainingData
from models.card_file import load_card, write_card
from models.deployment import NetworkId, current_deployment
from models.elsewhere import Elsewhere
from models.imaging import InputSpec, prepare
from models.modality import MODALITY_TASK
from models.runtime import MODEL, file_sha256
from models.task import Head, Task
from models.training.datasets import load_examples
from models.training.manifest import MISSING, Example, read_upload
from models.training.metrics import (
    accuracy,
    balanced_accuracy,
    brier_score,
    expected_calibration_error,
    macro_auc,
    negative_log_likelihood,
)
from models.training.odd_limits import with_limits
from models.training.recipes import RECIPES, training_task
from models.training.store import load_network
from models.training.thresholds import decision_thresholds, operating_points
from models.training.timing import show_times
from models.tta import TTA_VIEWS

ORIGINAL = ("original",)
BATCH = 32


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature that minimises the negative log likelihood; logits [n, labels], right labels int [n].

    Guo et al., ICML 2017, arXiv:1706.04599.
    """

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(calibrated(logits, math.exp(log_temperature)), truth)

    return math.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x)


def calibrate_head(
    head: Head, logits: np.ndarray, truth: np.ndarray, miss_rate: float, abroad: HeadCard | None = None
) -> tuple[HeadCard, HeadFit]:
    """What serves of one head, and how it was fitted, from validation logits [n, labels] and right labels int [n].

    `abroad`: the decision for images from elsewhere (`Elsewhere.decision`); it takes the place of thresholds from these
    images, and its temperature multiplies theirs.
    """
    temperature = round(fit_temperature(logits, truth), 4)
    if abroad:
        serves = replace(abroad, temperature=round(temperature * abroad.temperature, 4))
    else:
        serves = home_decision(head, calibrated(logits, temperature), truth, miss_rate, temperature)
    fit = HeadFit(
        labels=tuple(label.key for label in head.labels),
        miss_rate=miss_rate,
        n=len(truth),
        before=calibration_errors(calibrated(logits, 1.0), truth),
        after=calibration_errors(calibrated(logits, serves.temperature), truth),
    )
    return serves, fit


def home_decision(
    head: Head, probabilities: np.ndarray, truth: np.ndarray, miss_rate: float, temperature: float
) -> HeadCard:
    """Thresholds from the validation images themselves, probabilities [n, labels] at this temperature."""
    thresholds = decision_thresholds(head, probabilities, truth, miss_rate)
    return rounded_card(HeadCard(temperature, thresholds, operating_points(head, probabilities, truth)))


def rounded_card(card: HeadCard) -> HeadCard:
    """The calibration to the places that a card keeps."""
    points = {point: _rounded_down(thresholds) for point, thresholds in card.operating_points.items()}
    return HeadCard(round(card.temperature, 4), _rounded_down(card.thresholds), points)


def _rounded_down(thresholds: dict[str, float]) -> dict[str, float]:
    """Never up: those promise that images reach them."""
    return {key: math.floor(value * 10_000) / 10_000 for key, value in thresholds.items()}


def calibration_errors(probabilities: np.ndarray, truth: np.ndarray) -> CalibrationErrors:
    """How far probabilities [n, labels] are to be believed; the right labels are int [n]."""
    return CalibrationErrors(
        ece=round(expected_calibration_error(probabilities, truth), 4),
        brier=round(brier_score(probabilities, truth), 4),
        nll=round(negative_log_likelihood(probabilities, truth), 4),
    )


def served_logits(task: Task, head: Head, logits: dict[str, np.ndarray]) -> np.ndarray:
    """The logits [n, labels] that answer for `head` in serving, of all logits of n images.

    For a head with `conditioned_on` those of the specialist for the most probable label, even where that label is
    wrong: users meet such answers too, and the promises of calibration must include them.
    """
    values = logits[head.key]
    if head.conditioned_on is None:
        return values
    specialists = served_logits(task, task.head(head.conditioned_on), logits).argmax(axis=-1)
    return values[np.arange(len(values)), specialists]


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


def calibrate_heads(
    task: Task,
    sha256: str,
    logits: dict[str, np.ndarray],
    examples: list[Example],
    elsewhere: Elsewhere | None = None,
) -> Calibration:
    """The calibration of the network with this hash; `logits` as `mean_logits` gives them for all `examples`.

    `elsewhere`: what was measured abroad decides for the primary head; the other heads are decided at home.
    """
    miss_rate = RECIPES[task.name].miss_rate
    abroad = {task.primary: elsewhere.decision} if elsewhere else {}
    fitted = {
        head.key: calibrate_head(head, *head_answers(task, head, logits, examples), miss_rate, abroad.get(head.key))
        for head in task.heads
    }
    calibration = Calibration(
        sha256=sha256,
        split="val",
        heads={key: serves for key, (serves, _) in fitted.items()},
        fits={key: fit for key, (_, fit) in fitted.items()},
    )
    return with_limits(calibration, logits, examples) if task is MODALITY_TASK else calibration


def mean_logits(model: keras.Model, batch: np.ndarray, views: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Head key -> logits [n, ...] of float32 [n, h, w, 3] in 0 to 255, averaged over views as in serving."""
    by_view = [model.predict_on_batch(np.ascontiguousarray(TTA_VIEWS[view](batch))) for view in views]
    return {head: np.mean([logits[head] for logits in by_view], axis=0) for head in by_view[0]}


def validation_logits(
    model: keras.Model, examples: list[Example], spec: InputSpec, views: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Head key -> mean logits [n, ...] over views, images prepared exactly as in serving."""
    parts: dict[str, list[np.ndarray]] = {}
    for start in tqdm(range(0, len(examples), BATCH), desc=f"validation, {' + '.join(views)}"):
        batch = np.concatenate([prepare(read_upload(example), spec) for example in examples[start : start + BATCH]])
        for head, logits in mean_logits(model, batch, views).items():
            parts.setdefault(head, []).append(logits)
    return {head: np.concatenate(some) for head, some in parts.items()}


def write_first_card(
    task: Task, network: NetworkId, spec: InputSpec, *, sha256: str, version: str, training: Training
) -> None:
    """Calibrate the saved network on validation and write its card, without metrics: `evaluate` adds those.

    `training` lacks the numbers of training images, which are counted here.
    """
    examples = load_examples(task, splits=("val",), exclude=training.excluded)
    logits = validation_logits(load_network(network.folder / MODEL), examples, spec, ORIGINAL)
    card = Card(
        task=task.name,
        network=network.name,
        version=version,
        created=datetime.now(UTC).date().isoformat(),
        sha256=sha256,
        spec=spec,
        calibration=calibrate_heads(task, sha256, logits, examples),
        training=replace(training, data=_data_used(task, training.excluded)),
        tta_views=ORIGINAL,
    )
    write_card(network.card_path, card)


def recalibrate(task: Task, views: tuple[str, ...]) -> None:
    """Calibrate the network that serves `task` with these views; its card keeps what is still true.

    Raises SystemExit when the card describes another network than the one beside it.
    """
    network = current_deployment().network_of(task)
    card, model_path = load_card(network.card_path), network.folder / MODEL
    if file_sha256(model_path) != card.sha256:
        raise SystemExit(f"{model_path} is not the network that its card describes. Train or check it out again.")
    examples = load_examples(task, splits=("val",), exclude=card.training.excluded)
    model = load_network(model_path)
    logits = validation_logits(model, examples, card.spec, views)
    calibration = calibrate_heads(task, card.sha256, logits, examples, card.elsewhere)
    _rewrite(network, card, views, calibration)
    for key, fit in calibration.fits.items():
        print(f"{key:12} temperature {calibration.heads[key].temperature:.3f} {_change(fit)} n={fit.n}")
    if len(views) > 1:
        one = validation_logits(model, examples, card.spec, views[:1])
        _show_comparison(task, examples, {views[:1]: one, views: logits})
        show_times(task)


def _rewrite(network: NetworkId, card: Card, views: tuple[str, ...], calibration: Calibration) -> None:
    """Write `card` with this calibration and without what was measured under another one; says what that is.

    Distances hang on features alone, and those on the views.
    """
    same_views = card.tta_views == views
    renewed = replace(
        card,
        tta_views=views,
        calibration=calibration,
        distance=card.distance if same_views else None,
        metrics=card.metrics if same_views and card.calibration == calibration else None,
    )
    write_card(network.card_path, renewed)
    outdated = [name for name in ("distance", "metrics") if getattr(renewed, name) != getattr(card, name)]
    if outdated:
        print(f"Taken out of the card, since measured with another calibration: {', '.join(outdated)}.")


def _change(fit: HeadFit) -> str:
    before, after = asdict(fit.before), asdict(fit.after)
    return " ".join(f"{name} {before[name]:.4f} -> {after[name]:.4f}" for name in before)


def _show_comparison(
    task: Task, examples: list[Example], by_views: dict[tuple[str, ...], dict[str, np.ndarray]]
) -> None:
    """How good each head is on validation with each choice of views; every choice with its own temperature."""
    for head in task.heads:
        for views, logits in by_views.items():
            served, truth = head_answers(task, head, logits, examples)
            probabilities = calibrated(served, fit_temperature(served, truth))
            print(
                f"{head.key:12} {' + '.join(views):34} accuracy {accuracy(probabilities, truth):.4f}"
                f" balanced {balanced_accuracy(probabilities, truth):.4f} AUC {macro_auc(probabilities, truth):.4f}"
                f" NLL {negative_log_likelihood(probabilities, truth):.4f}"
            )


def _data_used(task: Task, exclude: tuple[str, ...]) -> tuple[TrainingData, ...]:
    counts = Counter(example.dataset_name for example in load_examples(task, splits=("train",), exclude=exclude))
    return tuple(TrainingData(name, count) for name, count in sorted(counts.items()))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.calibrate", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name, or `modality` for the gate's network")
    parser.add_argument(
        "--views", nargs="+", default=ORIGINAL, choices=sorted(TTA_VIEWS), help="average over these (default: original)"
    )
    options = parser.parse_args(arguments)
    recalibrate(training_task(options.task), tuple(options.views))


if __name__ == "__main__":
    main()
