"""Distillation: what a batch holds, what the losses are, and a tiny trunk from its teachers to its file."""

import json

import numpy as np
import pytest

import models
from models import deployment
from models.imaging import prepare
from models.runtime import get_network
from tests.ml.files import scene
from tests.ml.networks import network_folder, uses_keras

pytestmark = uses_keras

SIDE = 64


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """Two tasks, drawn images, few steps and runs of our own."""
    from models.training import distill, store

    monkeypatch.setattr(distill, "SHARES", SHARES)
    monkeypatch.setattr(distill, "STEPS", 3)
    monkeypatch.setattr(distill, "VALIDATION_STEPS", 1)
    monkeypatch.setattr(distill, "FIRST_STEPS", 2)
    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")
    for folder in ("brain", "chest"):
        (tmp_path / "weights" / folder).parent.mkdir(exist_ok=True)
        (tmp_path / "weights" / folder).symlink_to(deployment.WEIGHTS / folder)
    monkeypatch.setattr(deployment, "WEIGHTS", tmp_path / "weights")
    return distill


def flat(grey: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), grey, np.uint8)


GREYS = {"chest": [10, 20, 30, 40], "brain": [110, 120]}
IMAGES = {name: [flat(grey) for grey in greys] for name, greys in GREYS.items()}
SHARES = {"chest": 2, "brain": 1}


def test_every_batch_holds_each_tasks_share(quick):
    batches = quick.Mixture(IMAGES, SHARES, SIDE, steps=2, training=False, seed=1)
    assert len(batches) == 2
    greys = np.stack([batches[index][0] for index in range(2)])[:, :, 0, 0, 0]
    assert set(greys[:, :2].ravel()) == set(GREYS["chest"]), "two batches hold every radiograph once"
    assert set(greys[:, 2]) == set(GREYS["brain"])
    assert np.array_equal(batches[0][0], quick.Mixture(IMAGES, SHARES, SIDE, steps=2, training=False, seed=1)[0][0])


def test_training_batches_are_changed_and_go_on_in_the_next_epoch(quick):
    images = {name: [scene() for _ in greys] for name, greys in GREYS.items()}
    batches = quick.Mixture(images, SHARES, SIDE, steps=2, training=True, seed=1)
    first = batches[0][0]
    assert first.shape == (3, SIDE, SIDE, 3)
    assert 0 <= first.min() < first.max() <= 255
    assert not np.array_equal(first[0], first[1])
    assert np.array_equal(first, batches[0][0])
    batches.on_epoch_end()
    assert not np.array_equal(first, batches[0][0])


def pooling(network: str):
    """A trunk whose maps are the pixels, averaged: what it sees at half the side is what it sees, averaged again."""
    import keras

    from models.training.distill import STRIDES, TAPS

    def build_trunk(height: int, width: int, weights=None):
        pixels = keras.Input((height, width, 3), name="pixels")
        x, reached = pixels, 1
        for stride, name in zip(STRIDES, TAPS[network], strict=True):
            x = keras.layers.AveragePooling2D(stride // reached)(x)
            x, reached = keras.layers.Dense(3, kernel_initializer="identity", name=name)(x), stride
        return keras.Model(pixels, x, name=network)

    return build_trunk


@pytest.fixture
def tiny(quick, monkeypatch):
    """Trunks and teachers that are built in a moment; no ImageNet weights are read."""
    import keras

    from models.architectures.network import build

    monkeypatch.setitem(quick.TRUNKS, "resnet50", pooling("resnet50"))
    monkeypatch.setattr(quick.mobilenet_v2, "build_trunk", pooling("mobilenet_v2"))
    monkeypatch.setattr(quick, "imagenet_weights", lambda _: "none")
    monkeypatch.setattr(quick, "read_images", lambda split, tasks: {name: IMAGES[name] for name in tasks})

    def make_teacher(name: str, side: int):
        network = build(models.get_task(name), pooling("mobilenet_v2")(side, side))
        teacher = keras.Model(network.input, (network.get_layer("features").output, network.output))
        teacher.trainable = False
        return teacher

    monkeypatch.setattr(quick, "make_teacher", make_teacher)
    return quick


def make_distiller(distill, moments=None):
    import keras

    keras.utils.set_random_seed(1)
    seen = SIDE * distill.TEACHER_SCALE
    guide, teachers = distill.make_guide(seen, "none"), {name: distill.make_teacher(name, seen) for name in IMAGES}
    batches = distill.Mixture(IMAGES, SHARES, seen, steps=2, training=True, seed=1)
    moments = moments or distill.measure_moments(guide, teachers, batches)
    student = distill.make_student("resnet50", SIDE, None, "float32")
    return distill.Distiller(student, guide, teachers, SHARES, moments), batches[0][0]


def test_a_student_that_sees_what_its_teachers_see_loses_nothing(tiny):
    distiller, pixels = make_distiller(tiny)
    assert set(distiller(pixels)) == set(tiny.LOSS_WEIGHTS)
    for layer in distiller.linear.values():
        layer.set_weights([np.eye(3), np.zeros(3)])
    losses = {name: float(value) for name, value in distiller(pixels).items()}
    assert losses.pop("answers") > 0, "heads of its own start at random"
    assert losses == pytest.approx(dict.fromkeys(losses, 0), abs=1e-5)


def test_a_student_begins_with_the_mean_alone_which_explains_nothing(tiny):
    """A loss is the share of the teacher's variance that is left: 1 for the best constant."""
    distiller, _ = make_distiller(tiny)
    batches = tiny.Mixture(IMAGES, SHARES, SIDE * tiny.TEACHER_SCALE, steps=2, training=True, seed=1)
    left = [float(distiller(batches[index][0])["hint_32"]) for index in range(tiny.FIRST_STEPS)]
    assert np.mean(left) == pytest.approx(1, abs=1e-3)


def test_only_the_student_learns(tiny):
    distiller, pixels = make_distiller(tiny)
    distiller(pixels)
    teachers = [weight for model in (distiller.guide, *distiller.teachers.values()) for weight in model.weights]
    learning = {id(weight) for weight in distiller.trainable_variables}
    assert learning
    assert not learning & {id(weight) for weight in teachers}


def test_the_command_writes_a_trunk_that_fit_can_start_from(tiny, tmp_path, capsys):
    from models.training.store import load_network

    tiny.main(["--side", str(SIDE), "--epochs", "2"])
    path = tmp_path / "weights" / "start" / "resnet50" / "model.keras"
    assert f"--start {path}" in capsys.readouterr().out
    assert set(tiny.TAPS["resnet50"]) <= {layer.name for layer in load_network(path).layers}
    facts = json.loads(path.with_name("distilled.json").read_text(encoding="utf-8"))
    assert set(facts["validation_losses"]) == set(tiny.LOSS_WEIGHTS)
    assert facts["training"]["side"] == SIDE
    tiny.main(["--side", str(SIDE), "--epochs", "2", "--start", str(path)])
    again = json.loads(path.with_name("distilled.json").read_text(encoding="utf-8"))
    assert again["training"]["start"] == facts["sha256"]


def test_a_trunk_goes_on_with_the_tasks_that_are_named(tiny, tmp_path):
    tiny.main(["--side", str(SIDE), "--epochs", "1", "--tasks", "brain"])
    facts = json.loads((tmp_path / "weights" / "start" / "resnet50" / "distilled.json").read_text(encoding="utf-8"))
    assert set(facts["training"]["teachers"]) == {"brain"}
    assert tiny.shares_of(["brain"]) == {"brain": 3}, "a batch is as large as one of all tasks"


def test_a_trunk_that_goes_on_keeps_its_batch_norm_at_rest(quick, tmp_path):
    """Learning with the statistics of a batch made features explode with those that it serves with."""
    import keras

    from models.training.store import save_network

    def norms(student):
        return [layer for layer in student.layers if isinstance(layer, keras.layers.BatchNormalization)]

    fresh = quick.make_student("resnet50", 32, None, "float32")
    assert all(layer.trainable for layer in norms(fresh))
    save_network(quick.TRUNKS["resnet50"](32, 32), tmp_path / "model.keras")
    student = quick.make_student("resnet50", 32, tmp_path / "model.keras", "float32")
    assert norms(student)
    assert not any(layer.trainable for layer in norms(student))


def test_there_is_nothing_to_learn_from_without_imagenet_weights(quick, monkeypatch):
    monkeypatch.setattr(quick, "imagenet_weights", lambda _: None)
    with pytest.raises(SystemExit, match="no ImageNet weights"):
        quick.main([])


def test_a_teacher_is_the_network_that_serves(quick):
    from models.training.store import load_network

    task = models.get_task("brain")
    spec = get_network(task).card.spec
    batch = prepare(scene(), spec)
    features, logits = quick.make_teacher("brain", spec.height)(batch, training=False)
    expected = load_network(network_folder(task) / "model.keras")(batch, training=False)
    assert np.asarray(logits["tumour"]) == pytest.approx(np.asarray(expected["tumour"]), abs=1e-4)
    assert np.asarray(features)[0] == pytest.approx(get_network(task).run(batch).features, abs=1e-2)
