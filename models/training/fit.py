"""Train one network: python -m models.training.fit TASK [--network mobilenet_v2] [--weights FILE] [--epochs N] ...

Writes checkpoints under runs/<task>/<network>/ (a stopped run goes on where it was), then
models/weights/<task>/<network>/model.keras with float16 weights, its card.json with calibration and thresholds, and
curves.png of loss, accuracy and validation score beside the checkpoints.
Runs on any Keras backend.
"""

import argparse
import contextlib
import csv
import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from keras import ops

from models.architectures import TRUNKS, mobilenet_v2, trunk_of
from models.architectures.network import build, freeze_batch_norm
from models.calibration import calibrated
from models.card import CARD, WEIGHTS
from models.imaging import InputSpec, prepare
from models.runtime import MODEL, file_sha256
from models.task import Head, Task
from models.training.augment import augment
from models.training.calibrate import write_card
from models.training.datasets import MISSING, Example, datasets_root, load_examples, read_pixels, training_task
from models.training.metrics import accuracy, balanced_accuracy, macro_auc
from models.training.plots import draw_training_curves
from models.training.recipes import RECIPES, Recipe
from models.training.store import load_network, save_network
from models.training.xray import XRAY_TASK

RUNS = Path("runs")
EPOCHS = "epochs.csv"
PRECISION_HELP = "mixed_bfloat16 is faster where the processor has instructions for it"


class Batches(keras.utils.PyDataset):
    """Batches of (float32 [n, h, w, 3] in 0 to 255, {head: int32 [n]}), augmented and shuffled when `recipe` trains."""

    def __init__(self, task: Task, examples: list[Example], recipe: Recipe, *, training: bool, seed: int) -> None:
        super().__init__(workers=2 if training else 1, max_queue_size=8)
        self.recipe, self.training, self.seed, self.epoch = recipe, training, seed, 0
        self.images = [read_pixels(example) for example in examples]
        self.targets = {
            head.key: np.array([example.targets[head.key] for example in examples], np.int32) for head in task.heads
        }
        self.order = np.arange(len(examples))
        self.shuffle()

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.recipe.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        chosen = self.order[index * self.recipe.batch_size : (index + 1) * self.recipe.batch_size]
        rng = np.random.default_rng((self.seed, self.epoch, index))
        pixels = np.stack([self._pixels(position, rng) for position in chosen])
        return pixels, {head: targets[chosen] for head, targets in self.targets.items()}

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self.shuffle()

    def shuffle(self) -> None:
        if self.training:
            self.order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.images))

    def _pixels(self, position: int, rng: np.random.Generator) -> np.ndarray:
        if self.training:
            return augment(self.images[position], self.recipe.spec, self.recipe.augmentation, rng)
        return prepare(self.images[position], self.recipe.spec)[0]


def class_weights(task: Task, head: Head, examples: list[Example], balance: float) -> np.ndarray:
    """Loss weight per label, float32 [labels], mean 1 over the examples."""
    targets = np.array([example.targets[head.key] for example in examples])
    known = targets[targets != MISSING] % len(head.labels)
    counts = np.maximum(np.bincount(known, minlength=len(head.labels)), 1)
    weights = (counts.sum() / counts) ** balance
    return (weights / (weights * counts).sum() * counts.sum()).astype(np.float32)


def masked_cross_entropy(weights: np.ndarray, smoothing: float):
    """Cross entropy over the labels of one head; targets that are MISSING cost nothing.

    Logits are [n, labels], or [n, given, labels] where the target given * labels + label says which specialist learns.
    """
    labels = len(weights)

    def loss(targets, logits):
        label, logits, share = _known(targets, logits, labels)
        wanted = ops.one_hot(label, labels) * (1 - smoothing) + smoothing / labels
        cost = -ops.sum(wanted * ops.log_softmax(logits), axis=-1) * ops.take(ops.convert_to_tensor(weights), label)
        return cost * share

    return loss


def masked_accuracy(labels: int):
    """Share of right answers of one head on images with a known label; targets and logits as above."""

    def accuracy(targets, logits):
        label, logits, share = _known(targets, logits, labels)
        return ops.cast(ops.argmax(logits, axis=-1) == label, share.dtype) * share

    return accuracy


def _known(targets, logits, labels: int):
    """Label [n], the logits of the specialist who is asked [n, labels], and the weight [n] of each target.

    The weights are 0 for MISSING and make a mean over the batch one over known targets, whatever share they are.
    """
    targets = ops.cast(ops.reshape(targets, (-1,)), "int32")
    known = ops.cast(targets >= 0, logits.dtype)
    targets = ops.maximum(targets, 0)
    if len(logits.shape) == 3:
        logits = ops.take_along_axis(logits, (targets // labels)[:, None, None], axis=1)[:, 0]
    share = known * ops.cast(ops.shape(known)[0], known.dtype) / ops.maximum(ops.sum(known), 1.0)
    return targets % labels, logits, share


class ValidationScore(keras.callbacks.Callback):
    """Adds `val_score`, the heads' scores on the validation split weighted as their losses, to each epoch's logs."""

    def __init__(self, task: Task, batches: Batches) -> None:
        super().__init__()
        self.task, self.batches = task, batches
        self.weights = [dict(batches.recipe.head_weights).get(head.key, 1.0) for head in task.heads]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logits = self.model.predict(self.batches, verbose=0)
        scores = {head.key: score(logits[head.key], self.batches.targets[head.key]) for head in self.task.heads}
        logs = logs if logs is not None else {}
        logs["val_score"] = float(np.average(list(scores.values()), weights=self.weights))
        for head in self.task.heads:
            logs[f"val_{head.key}_accuracy"] = accuracy(*_answers(logits[head.key], self.batches.targets[head.key]))
        print(
            f" epoch {epoch + 1} val_score {logs['val_score']:.4f}",
            {key: round(s, 4) for key, s in scores.items()},
            flush=True,
        )


def score(logits: np.ndarray, targets: np.ndarray) -> float:
    """Mean of accuracy, balanced accuracy and macro AUC; a specialist's head is asked for the true given label.

    Some labels have ten validation images: accuracy and the AUC, which moves with every rank, steady the choice of an
    epoch.
    """
    probabilities, truth = _answers(logits, targets)
    # No AUC where all images have one label: the other two still tell epochs apart.
    return float(np.nanmean([metric(probabilities, truth) for metric in (accuracy, balanced_accuracy, macro_auc)]))


def _answers(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [n, labels] and right labels [n] where those are known."""
    known = targets != MISSING
    logits, targets = logits[known], targets[known]
    labels = logits.shape[-1]
    if logits.ndim == 3:
        logits = logits[np.arange(len(targets)), targets // labels]
    return calibrated(logits, 1.0), targets % labels


def adam_w(learning_rate: float, weight_decay: float, averaging: float, steps: int) -> keras.Optimizer:
    """AdamW with a warm-up and a cosine schedule over `steps`, and a moving average of the weights.

    That average is what is validated and kept (Polyak and Juditsky, 1992; Izmailov et al., UAI 2018,
    arXiv:1803.05407): flatter minima at no cost in serving.
    """
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 20, steps - steps // 20, alpha=0.01, warmup_target=learning_rate, warmup_steps=steps // 20
    )
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=weight_decay,
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=averaging,
        ema_overwrite_frequency=None,
    )


def compile_for_training(task: Task, network: keras.Model, examples: list[Example], recipe: Recipe, steps: int) -> None:
    network.compile(
        adam_w(recipe.learning_rate, recipe.weight_decay, recipe.averaging, steps),
        loss={
            head.key: masked_cross_entropy(class_weights(task, head, examples, recipe.balance), recipe.label_smoothing)
            for head in task.heads
        },
        loss_weights={head.key: dict(recipe.head_weights).get(head.key, 1.0) for head in task.heads},
        metrics={head.key: [masked_accuracy(len(head.labels))] for head in task.heads},
        jit_compile=False,
    )


def train(
    task: Task,
    name: str,
    recipe: Recipe,
    *,
    weights: Path | None,
    start: Path | None = None,
    exclude: tuple[str, ...],
    seed: int,
    precision: str = "float32",
) -> keras.Model:
    """Fit the network of this name, which begins with its trunk's; returns it with the weights of its best epoch.

    `weights`: ImageNet start of the trunk. `start`: a network trained before, to go on from; it wins over `weights`.
    `precision`: Keras's policy for what the trunk computes while it learns; what is returned computes in float32.
    """
    keras.utils.set_random_seed(seed)
    run = RUNS / task.name / name
    run.mkdir(parents=True, exist_ok=True)
    examples = load_examples(task, splits=("train",), exclude=exclude)
    batches = Batches(task, examples, recipe, training=True, seed=seed)
    validation = Batches(task, load_examples(task, splits=("val",), exclude=exclude), recipe, training=False, seed=seed)
    network = start_network(task, name, recipe, weights=weights, start=start, precision=precision)
    compile_for_training(task, network, examples, recipe, steps=recipe.epochs * len(batches))
    best, reached = run / "best.weights.h5", _best_before_the_stop(run)
    network.fit(
        batches,
        epochs=recipe.epochs,
        verbose="auto",
        callbacks=[
            # First, so that the others see the averaged weights at the end of each epoch.
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            ValidationScore(task, validation),
            keras.callbacks.ModelCheckpoint(
                best,
                monitor="val_score",
                mode="max",
                save_best_only=True,
                save_weights_only=True,
                initial_value_threshold=reached,
            ),
            keras.callbacks.CSVLogger(run / EPOCHS, append=True),
            keras.callbacks.EarlyStopping(monitor="val_score", mode="max", patience=recipe.patience, baseline=reached),
            keras.callbacks.BackupAndRestore(run / "backup"),
        ],
    )
    network.load_weights(best)
    plain = start_network(task, name, recipe, weights=None)
    plain.set_weights(network.get_weights())
    return plain


def start_network(
    task: Task,
    name: str,
    recipe: Recipe,
    *,
    weights: Path | None,
    start: Path | None = None,
    precision: str = "float32",
) -> keras.Model:
    """The network of `task` before training; `weights`, `start` and `precision` as for `train`."""
    with computing_in(precision):
        trunk = _trunk(name, recipe, weights)
    network = build(task, trunk, recipe.dropout, recipe.hidden)
    if start is not None:
        copy_weights(load_network(start), network)
    if weights is not None or start is not None:
        freeze_batch_norm(network)
    return network


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Layers made inside compute in this Keras policy; their weights are float32 whatever it is."""
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(usual)


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of every layer that both have under one name and in one shape: the trunk and unchanged heads."""
    trained = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        twin = trained.get(layer.name)
        if twin and [w.shape for w in twin.weights] == [w.shape for w in layer.weights]:
            layer.set_weights(twin.get_weights())


def _best_before_the_stop(run: Path) -> float | None:
    """The best validation score of a stopped run that goes on now; None, and a clean log, for a new run."""
    log = run / EPOCHS
    if not (run / "backup").exists():
        log.unlink(missing_ok=True)
    if not log.exists():
        return None
    with log.open(newline="", encoding="utf-8") as file:
        return max((float(row["val_score"]) for row in csv.DictReader(file)), default=None)


def _trunk(name: str, recipe: Recipe, weights: Path | None) -> keras.Model:
    size = (recipe.spec.height, recipe.spec.width)
    trunk = trunk_of(name)
    if trunk == "mobilenet_v2":
        return mobilenet_v2.build_trunk(*size, weights=weights)
    return TRUNKS[trunk](*size)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.fit", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name, or `modality` for the gate's network")
    parser.add_argument(
        "--network",
        default="mobilenet_v2",
        type=_network_name,
        help=f"one of {', '.join(TRUNKS)}, or a name that begins with one: it is registered beside the others",
    )
    parser.add_argument(
        "--weights", type=Path, help="ImageNet start for mobilenet_v2 (default: the one beside the data sets)"
    )
    parser.add_argument("--start", type=Path, help="go on from this model.keras, with a new learning rate schedule")
    parser.add_argument("--side", type=int, help="pixels that it reads, instead of the recipe's")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--learning-rate", type=float, help="at its peak, instead of the recipe's")
    parser.add_argument(
        "--hidden", type=int, nargs="+", metavar="WIDTH", help="hidden layers of each head, instead of the recipe's"
    )
    parser.add_argument(
        "--exclude-dataset", action="append", default=[], help="leave out a data set by its dataset_name"
    )
    parser.add_argument("--precision", default="float32", help=PRECISION_HELP)
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--version", default="1.0.0", help="written into the card")
    options = parser.parse_args(arguments)
    task, recipe = training_task(options.task), _recipe(options)
    weights = options.weights or imagenet_weights(options.network)
    exclude = tuple(options.exclude_dataset)
    _check_left_out(task, exclude, options.start)
    init = _init_words(options.start, weights)  # Before this network is written, since it may replace its start.
    network = train(
        task, options.network, recipe,
        weights=weights, start=options.start, exclude=exclude, seed=options.seed, precision=options.precision,
    )  # fmt: skip
    folder = WEIGHTS / task.name / options.network
    sha256 = save_network(network, folder / MODEL)
    write_card(
        task, options.network, recipe.spec, sha256=sha256, version=options.version, exclude=exclude,
        training={
            "epochs": recipe.epochs, "learning_rate": recipe.learning_rate, "seed": options.seed,
            "hidden": list(recipe.hidden), "init": init, "precision": options.precision,
        },
    )  # fmt: skip
    curves = RUNS / task.name / options.network / "curves.png"
    draw_training_curves(curves.with_name(EPOCHS), curves)
    print(f"Wrote {folder} and {curves}. Next: {_next_steps(task, options.network)}")


def _network_name(name: str) -> str:
    try:
        trunk_of(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name


def _check_left_out(task: Task, exclude: tuple[str, ...], start: Path | None) -> None:
    """SystemExit where a name in `exclude` is of no data set, or where `start` may have learned from that data set.

    Else the card would promise what the network does not keep.
    """
    known = {example.dataset_name for example in load_examples(task)} if exclude else set()
    for name in exclude:
        if name not in known:
            raise SystemExit(f"{task.title} has no data set {name!r}. Its data sets: {', '.join(sorted(known))}.")
        if start is not None and name not in _left_out_of(start):
            raise SystemExit(f"{start} may have learned from {name!r}: its card does not say that it was left out.")


def _left_out_of(start: Path) -> list[str]:
    """The data sets that the card beside this network says were left out; none without a card."""
    card = start.with_name(CARD)
    return json.loads(card.read_text(encoding="utf-8"))["training"]["excluded"] if card.exists() else []


def _next_steps(task: Task, network: str) -> str:
    if task is XRAY_TASK:
        start = WEIGHTS / task.name / network / MODEL
        return f"python -m models.training.fit fracture --network {network} --start {start}"
    chosen = "" if network == task.network else f"with LUMEN_NETWORKS={task.name}={network} in the environment "
    return (
        f"{chosen}python -m models.training.compile, then python -m models.training.distance {task.name}, then "
        f"python -m models.training.evaluate {task.name}"
    )


def _recipe(options: argparse.Namespace) -> Recipe:
    """The task's recipe with what the options say instead."""
    recipe = RECIPES[options.task]
    side = options.side
    return dataclasses.replace(
        recipe,
        spec=InputSpec(side, side, recipe.spec.fit) if side else recipe.spec,
        epochs=options.epochs or recipe.epochs,
        learning_rate=options.learning_rate or recipe.learning_rate,
        hidden=tuple(options.hidden or recipe.hidden),
    )


def _init_words(start: Path | None, weights: Path | None) -> str:
    if start is not None:
        return f"network {file_sha256(start)[:12]}"
    return "ImageNet" if weights else "random"


def imagenet_weights(network: str) -> Path | None:
    """The ImageNet start of this trunk beside the data sets; None where there is none."""
    path = datasets_root().parent / "weights" / f"{trunk_of(network)}_imagenet_notop.weights.h5"
    return path if path.exists() else None


if __name__ == "__main__":
    main()
