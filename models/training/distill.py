"""Give a trunk its start where there are no ImageNet weights for it: python -m models.training.distill [--side 96] ...

A trunk (resnet50) learns to see what smaller networks see that had a good start, on the training images of all tasks
(or of some, with --tasks) under strong augmentation:

- at strides 4, 8, 16 and 32 the feature maps of the ImageNet MobileNetV2 (hints: Romero et al., ICLR 2015,
  arXiv:1412.6550), each by a linear map that is thrown away afterwards;
- the pooled features of the network that serves each task, on the images of that task;
- the answers of that network (soft labels: Hinton et al., 2015, arXiv:1503.02531), through heads of its own.

The teachers see twice the side, so that they work near the resolution at which they were trained. Writes
models/weights/start/<network>/model.keras, a trunk with float16 weights for `fit --start`, and distilled.json, how much
of the teachers it explains on validation images. Checkpoints are in runs/start/<network>/; a stopped run goes on where
it was. Runs on any Keras backend.
"""

import argparse
import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
from keras import ops

from models.architectures import TRUNKS, mobilenet_v2
from models.architectures.network import build_heads, freeze_batch_norm
from models.card_file import read_card
from models.deployment import NetworkId, current_deployment
from models.imaging import InputSpec, prepare
from models.runtime import MODEL, file_sha256
from models.task import Task
from models.training.augment import augment
from models.training.datasets import load_examples
from models.training.fit.network import (
    PRECISION_HELP,
    computing_in,
    copy_weights,
    imagenet_weights,
    start_network,
)
from models.training.fit.optimiser import adam_w
from models.training.manifest import Example, read_pixels
from models.training.recipes import RECIPES, training_task
from models.training.store import EPOCHS, load_network, run_folder, save_network

# How many images of each task a batch of all tasks holds, as the recipes say: radiographs most, since the trunk is for
# them.
SHARES = {name: recipe.distill_share for name, recipe in RECIPES.items() if recipe.distill_share}
# Layers of strides 4, 8, 16 and 32 of the student and of the ImageNet MobileNetV2.
STRIDES = (4, 8, 16, 32)
TAPS = {
    "resnet50": ("conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"),
    "mobilenet_v2": ("block_2_add", "block_5_add", "block_12_add", "out_relu"),
}
HINTS = tuple(f"hint_{stride}" for stride in STRIDES)
TEACHER_SCALE = 2
# Hints and features cost 1 where nothing of the teacher is explained, answers their cross entropy.
LOSS_WEIGHTS = {"hint_4": 0.5, "hint_8": 0.5, "hint_16": 1.0, "hint_32": 1.0, "features": 1.0, "answers": 0.5}
STEPS, VALIDATION_STEPS, FIRST_STEPS = 250, 25, 10
LEARNING_RATE, WEIGHT_DECAY, AVERAGING = 1e-3, 2e-2, 0.998
SEED = 20261121
FOLDER = "start"


def shares_of(tasks: Sequence[str]) -> dict[str, int]:
    """Task name -> how many images of it a batch holds, where only these tasks take part: in the same proportion."""
    chosen = {name: share for name, share in SHARES.items() if name in tasks}
    larger = sum(SHARES.values()) / sum(chosen.values())
    return {name: round(share * larger) for name, share in chosen.items()}


def read_images(split: str, tasks: Iterable[str]) -> dict[str, list[np.ndarray]]:
    """Task name -> its images, uint8 RGB, of this split."""
    return {name: [read_pixels(example) for example in _examples(name, split)] for name in tasks}


def _examples(name: str, split: str) -> list[Example]:
    """The images of this split that the recipe of the task lends to distillation."""
    recipe = RECIPES[name]
    examples = load_examples(recipe.task, splits=(split,))
    if not recipe.distill_label:
        return examples
    target = [label.key for label in recipe.task.labels].index(recipe.distill_label)
    return [example for example in examples if example.targets[recipe.task.primary] == target]


class Mixture(keras.utils.PyDataset):
    """Batches of float32 [n, side, side, 3] in 0 to 255, `shares` images of each task in turn; there are no targets.

    `training`: augmented, and in a new order in each pass over a task's images; else as they are.
    """

    def __init__(
        self,
        images: dict[str, list[np.ndarray]],
        shares: dict[str, int],
        side: int,
        steps: int,
        *,
        training: bool,
        seed: int,
    ) -> None:
        super().__init__(workers=2 if training else 1, max_queue_size=8)
        self.images, self.shares, self.side, self.steps = images, shares, side, steps
        self.training, self.seed = training, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        step = self.epoch * self.steps + index if self.training else index
        rng = np.random.default_rng((self.seed, step))
        pixels = [self._pixels(name, position, rng) for name in self.shares for position in self._chosen(name, step)]
        # Keras wants targets beside each batch.
        return np.stack(pixels), np.zeros(len(pixels), np.float32)

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def _chosen(self, name: str, step: int) -> list[int]:
        """The images of this task in the batch of this step."""
        count, share = len(self.images[name]), self.shares[name]
        places = [divmod(place, count) for place in range(step * share, (step + 1) * share)]
        return [int(np.random.default_rng((self.seed, turn)).permutation(count)[place]) for turn, place in places]

    def _pixels(self, name: str, position: int, rng: np.random.Generator) -> np.ndarray:
        recipe = RECIPES[name]
        spec = InputSpec(self.side, self.side, recipe.spec.fit)
        if self.training:
            return augment(self.images[name][position], spec, recipe.augmentation, rng)
        return prepare(self.images[name][position], spec)[0]


class Distiller(keras.Model):
    """A student that sees batches of `Mixture` at half their side, and the losses against its teachers.

    `student`: trunk -> its maps at STRIDES. `guide`: maps of the ImageNet network as large as the student's.
    `teachers`: task name -> network of that task, pixels -> (features [n, channels], {head: logits}). `shares`: as the
    batches have them. `moments`: name of a hint or a task -> mean [channels] and mean variance of what the teacher
    gives: where each linear map starts, and what makes each loss a share.
    """

    def __init__(
        self,
        student: keras.Model,
        guide: keras.Model,
        teachers: dict[str, keras.Model],
        shares: dict[str, int],
        moments: dict[str, tuple[np.ndarray, float]],
    ) -> None:
        super().__init__()
        self.student, self.guide, self.teachers, self.shares = student, guide, teachers, shares
        self.variances = {name: variance for name, (_, variance) in moments.items()}
        # A dense layer is a 1 x 1 convolution, too. From zero it leaves a trunk alone until it has learned something.
        self.linear = {
            name: keras.layers.Dense(
                len(mean), kernel_initializer="zeros", bias_initializer=_constant(mean), name=f"{name}_linear"
            )
            for name, (mean, _) in moments.items()
        }
        channels = student.outputs[-1].shape[-1]
        self.heads = {name: _heads(training_task(name), channels) for name in teachers}
        self.means = {name: keras.metrics.Mean(name=name) for name in LOSS_WEIGHTS}

    def call(self, pixels, training: bool = False) -> dict:
        """Name in LOSS_WEIGHTS -> loss, a scalar."""
        maps = self.student(ops.average_pool(pixels, TEACHER_SCALE), training=training)
        losses = self._hint_losses(pixels, maps)
        pooled = ops.mean(ops.cast(maps[-1], "float32"), axis=(1, 2))
        explained = [self._task_losses(name, rows, pixels, pooled) for name, rows in rows_of(self.shares).items()]
        weights = [share / sum(self.shares.values()) for share in self.shares.values()]
        for place, kind in enumerate(("features", "answers")):
            losses[kind] = sum(weight * of_task[place] for weight, of_task in zip(weights, explained, strict=True))
        return losses

    def _hint_losses(self, pixels, maps: list) -> dict:
        taught = self.guide(pixels, training=False)
        return {
            name: self._unexplained(name, seen, wanted) for name, seen, wanted in zip(HINTS, maps, taught, strict=True)
        }

    def _task_losses(self, name: str, rows: slice, pixels, pooled) -> tuple:
        """The losses of the features and of the answers on the images of one task."""
        features, logits = self.teachers[name](pixels[rows], training=False)
        learned = self.heads[name](pooled[rows])
        answers = [_soft_cross_entropy(logits[head], learned[head]) for head in logits]
        return self._unexplained(name, pooled[rows], features), sum(answers) / len(answers)

    def _unexplained(self, name: str, learned, taught):
        """The share of the variance of `taught` [..., channels] that a linear map of `learned` does not explain."""
        return ops.mean(ops.square(self.linear[name](learned) - taught)) / self.variances[name]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        for name, value in y_pred.items():
            self.means[name].update_state(value)
        return sum(weight * y_pred[name] for name, weight in LOSS_WEIGHTS.items())


def _soft_cross_entropy(taught, learned):
    """Mean cross entropy, in nats, of logits [..., labels] against what the teacher's logits say."""
    return -ops.mean(ops.sum(ops.softmax(taught) * ops.log_softmax(learned), axis=-1))


def _constant(values: np.ndarray) -> Callable:
    return lambda shape, dtype=None: ops.cast(values, dtype or "float32")


def _heads(task: Task, channels: int) -> keras.Model:
    features = keras.Input((channels,))
    return keras.Model(features, build_heads(task, features), name=f"{task.name}_heads")


def rows_of(shares: dict[str, int]) -> dict[str, slice]:
    """Task name -> its images in a batch."""
    ends = np.cumsum(list(shares.values())).tolist()
    return {name: slice(end - share, end) for (name, share), end in zip(shares.items(), ends, strict=True)}


def make_student(network: str, side: int, start: Path | None, precision: str) -> keras.Model:
    """Trunk of random weights or those of `start` -> its maps at STRIDES; it computes in `precision`.

    A trunk that goes on keeps its batch norm at rest: it learns with the statistics that it will serve with.
    """
    with computing_in(precision):
        trunk = TRUNKS[network](side, side)
    if start is not None:
        copy_weights(load_network(start), trunk)
        freeze_batch_norm(trunk)
    return _tapped(trunk, network)


def make_guide(side: int, weights: Path) -> keras.Model:
    """The ImageNet MobileNetV2 -> its maps at STRIDES, as large as the student's; it does not learn."""
    tapped = _tapped(mobilenet_v2.build_trunk(side, side, weights=weights), "mobilenet_v2")
    shrink = keras.layers.AveragePooling2D(TEACHER_SCALE)
    guide = keras.Model(tapped.input, [shrink(taught) for taught in tapped.outputs])
    guide.trainable = False
    return guide


def make_teacher(name: str, side: int) -> keras.Model:
    """The network that serves this task -> (pooled features, {head: logits}), for another side; it does not learn."""
    task = training_task(name)
    serving = current_deployment().network_of(task)
    recipe = dataclasses.replace(RECIPES[name], spec=InputSpec(side, side, RECIPES[name].spec.fit))
    network = start_network(task, serving.name, recipe, weights=None, start=serving.folder / MODEL)
    teacher = keras.Model(network.input, (network.get_layer("features").output, network.output))
    teacher.trainable = False
    return teacher


def _tapped(trunk: keras.Model, network: str) -> keras.Model:
    return keras.Model(trunk.input, [trunk.get_layer(name).output for name in TAPS[network]])


def measure_moments(
    guide: keras.Model, teachers: dict[str, keras.Model], batches: Mixture
) -> dict[str, tuple[np.ndarray, float]]:
    """Mean [channels] and mean variance over the channels of each hint and each task's features, on first batches."""
    seen: dict[str, list[np.ndarray]] = {}
    rows = rows_of(batches.shares)
    for index in range(FIRST_STEPS):
        pixels, _ = batches[index]
        outputs = dict(zip(HINTS, guide.predict_on_batch(pixels), strict=True))
        outputs |= {name: teacher.predict_on_batch(pixels)[0][rows[name]] for name, teacher in teachers.items()}
        for name, values in outputs.items():
            seen.setdefault(name, []).append(values.reshape(-1, values.shape[-1]))
    joined = {name: np.concatenate(values) for name, values in seen.items()}
    return {name: (values.mean(axis=0), float(values.var(axis=0).mean())) for name, values in joined.items()}


def distill(
    network: str,
    side: int,
    tasks: Sequence[str],
    *,
    start: Path | None,
    epochs: int,
    learning_rate: float,
    precision: str,
    seed: int,
) -> tuple[keras.Model, dict[str, float]]:
    """Train the trunk on images of `tasks`; returns it, in float32, and each loss on validation images."""
    keras.utils.set_random_seed(seed)
    weights = imagenet_weights("mobilenet_v2")
    if weights is None:
        raise SystemExit("There are no ImageNet weights of mobilenet_v2 beside the data sets to learn from.")
    seen, shares = side * TEACHER_SCALE, shares_of(tasks)
    batches = Mixture(read_images("train", shares), shares, seen, STEPS, training=True, seed=seed)
    validation = Mixture(read_images("val", shares), shares, seen, VALIDATION_STEPS, training=False, seed=seed)
    guide, teachers = make_guide(seen, weights), {name: make_teacher(name, seen) for name in shares}
    student = make_student(network, side, start, precision)
    distiller = Distiller(student, guide, teachers, shares, measure_moments(guide, teachers, batches))
    distiller(batches[0][0])  # One call makes the weights, which a stopped run wants back before it goes on.
    run = run_folder(FOLDER, network)
    run.mkdir(parents=True, exist_ok=True)
    distiller.compile(adam_w(learning_rate, WEIGHT_DECAY, AVERAGING, epochs * STEPS), jit_compile=False)
    distiller.fit(
        batches,
        epochs=epochs,
        validation_data=validation,
        verbose=2,
        callbacks=[
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            keras.callbacks.CSVLogger(run / EPOCHS, append=True),
            keras.callbacks.BackupAndRestore(run / "backup"),
        ],
    )
    losses = distiller.evaluate(validation, verbose=0, return_dict=True)
    trunk = TRUNKS[network](side, side)
    copy_weights(student, trunk)
    return trunk, {name: round(float(losses[name]), 4) for name in LOSS_WEIGHTS}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.distill", description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="resnet50", choices=sorted(set(TAPS) - {"mobilenet_v2"}))
    parser.add_argument("--side", type=int, default=96, help="pixels, a multiple of 32; teachers see twice as many")
    parser.add_argument("--start", type=Path, help="go on from this model.keras, with a new learning rate schedule")
    parser.add_argument(
        "--tasks", nargs="+", default=list(SHARES), choices=list(SHARES), help="whose images it sees (default: all)"
    )
    parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE, help="at its peak")
    parser.add_argument("--epochs", type=int, default=16, help=f"of {STEPS} batches each")
    parser.add_argument("--precision", default="float32", help=PRECISION_HELP)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    trunk, losses = distill(
        options.network, options.side, options.tasks,
        start=options.start, epochs=options.epochs, learning_rate=options.learning_rate,
        precision=options.precision, seed=options.seed,
    )  # fmt: skip
    path = NetworkId(FOLDER, options.network).folder / MODEL
    before = file_sha256(options.start) if options.start else None
    facts = {
        "created": datetime.now(UTC).date().isoformat(),
        "sha256": save_network(trunk, path),
        "training": {
            "start": before, "side": options.side, "epochs": options.epochs, "steps": STEPS,
            "learning_rate": options.learning_rate, "seed": options.seed,
            "teachers": {name: read_card(training_task(name)).sha256 for name in shares_of(options.tasks)},
        },
        "validation_losses": losses,
    }  # fmt: skip
    path.with_name("distilled.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"Wrote {path}. Next: python -m models.training.fit TASK --network {options.network} --start {path}")


if __name__ == "__main__":
    main()
