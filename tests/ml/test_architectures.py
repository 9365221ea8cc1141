"""Trunks, heads and the file they are kept in: Keras itself, so each test takes seconds."""

import io
import zipfile

import numpy as np
import pytest

import models
from models import Modality, Task
from tests.ml.networks import TASKS, every_task, specialists, uses_keras

pytestmark = uses_keras

SIDE = 64
STRIDES = {
    "efficientnet_lite2": 32, "efficientnet_lite2_finer": 16, "mobilenet_v2": 32, "mobilenet_v2_finer": 16,
    "resnet50": 32, "cnn": 16,
}  # fmt: skip
# Trunks without heads, in millions.
PARAMETERS = {
    "efficientnet_lite2": 4.869, "efficientnet_lite2_finer": 5.384, "mobilenet_v2": 2.258, "mobilenet_v2_finer": 2.736,
    "resnet50": 23.588, "cnn": 0.684,
}  # fmt: skip


def pixels(count: int = 2, side: int = SIDE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (count, side, side, 3)).astype(np.float32)


def small_network(task: Task, seed: int = 1, dropout: float = 0.0, hidden: tuple[int, ...] = ()):
    import keras

    from models.architectures import TRUNKS
    from models.architectures.network import build

    keras.utils.set_random_seed(seed)
    return build(task, TRUNKS["cnn"](32, 32), dropout, hidden)


@pytest.mark.parametrize("name", STRIDES)
def test_every_trunk_gives_a_finite_feature_map(name):
    from models.architectures import TRUNKS

    assert set(TRUNKS) == set(STRIDES)
    trunk = TRUNKS[name](SIDE, 2 * SIDE)
    found = np.asarray(trunk(np.concatenate([pixels(), pixels(seed=1)], axis=2), training=False))
    assert found.shape[:3] == (2, SIDE // STRIDES[name], 2 * SIDE // STRIDES[name])
    assert np.isfinite(found).all()
    assert found.std() > 0
    assert trunk.count_params() / 1e6 == pytest.approx(PARAMETERS[name], abs=0.001)


def test_a_network_is_named_after_its_trunk():
    from models.architectures import trunk_of

    assert [trunk_of(name) for name in STRIDES] == list(STRIDES)
    assert trunk_of("mobilenet_v2_without_mura") == "mobilenet_v2"
    assert trunk_of("mobilenet_v2_finer_without_mura") == "mobilenet_v2_finer"
    for name in ("", "mobilenet", "mobilenet_v25", "vgg16"):
        with pytest.raises(ValueError, match="trunk"):
            trunk_of(name)


def test_a_finer_trunk_sees_with_the_trunk_that_it_is_of():
    """What changes in the coarse map or under it changes the finer map there, and nowhere else."""
    import keras

    from models.architectures import TRUNKS, mobilenet_v2_finer

    keras.utils.set_random_seed(3)
    trunk = TRUNKS["mobilenet_v2_finer"](SIDE, SIDE)
    coarse, lateral = trunk.get_layer("finer_coarse"), trunk.get_layer("finer_lateral")
    assert lateral.input is trunk.get_layer(mobilenet_v2_finer.LATERAL).output
    assert coarse.output.shape[1:3] == (SIDE // 32, SIDE // 32)
    top = keras.Model([coarse.output, lateral.output], trunk.output)
    parts = [np.zeros((1, *layer.output.shape[1:]), np.float32) for layer in (coarse, lateral)]
    before = np.asarray(top(parts))
    parts[1][0, 0, 0] = 1.0
    changed = (np.asarray(top(parts)) != before).any(axis=-1)[0]
    assert changed[0, 0]
    assert not changed[2:].any()
    assert not changed[:, 2:].any()


def test_a_layer_that_is_not_twice_as_fine_is_an_error():
    from models.architectures import TRUNKS
    from models.architectures.finer import finer

    with pytest.raises(ValueError, match="twice"):
        finer(TRUNKS["mobilenet_v2"](SIDE, SIDE), "block_1_expand_relu")


def test_black_and_white_pixels_are_scaled_inside_the_network():
    from models.architectures import TRUNKS

    for build_trunk in TRUNKS.values():
        scale = build_trunk(SIDE, SIDE).get_layer("scale")
        # EfficientNet-Lite2 learned with (x - 127) / 128.
        assert np.asarray(scale(np.array([0.0, 127.5, 255.0]))) == pytest.approx([-1, 0, 1], abs=0.01)


@every_task
def test_heads_give_logits_for_every_label_and_specialist(task):
    found = small_network(task)(pixels(side=32), training=False)
    assert list(found) == [head.key for head in task.heads]
    for head in task.heads:
        own = (specialists(task, head.key),) if head.conditioned_on else ()
        assert found[head.key].shape == (2, *own, len(head.labels))


@every_task
@pytest.mark.parametrize("hidden", [(), (12, 7)], ids=["linear", "two hidden layers"])
def test_heads_as_matrices_give_the_logits_and_grad_cam_of_the_network(task, hidden):
    """Grad-CAM by tape: each channel weighs as much as the mean gradient of the logit (Selvaraju et al., ICCV 2017)."""
    import keras
    import tensorflow as tf

    from models.architectures.network import answer, dense_heads

    network = small_network(task, hidden=hidden)
    # Heads start without bias: give them one, so that it is compared too.
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, np.random.default_rng(3).normal(size=bias.shape)])
    trunk = keras.Model(network.input, network.get_layer("features").input)
    tail = keras.Model(network.get_layer("features").input, network.output)
    feature_map = trunk(pixels(3, side=32), training=False)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(feature_map)
        found = tail(feature_map, training=False)
        flat = tf.concat([tf.reshape(found[head.key], (3, -1)) for head in task.heads], axis=1)
        sums = [tf.reduce_sum(flat[:, place]) for place in range(flat.shape[1])]
    logits, maps = (np.asarray(part) for part in answer(dense_heads(task, network), feature_map))
    assert logits == pytest.approx(np.asarray(flat), abs=1e-4)
    for place, one in enumerate(sums):
        importance = tf.reduce_sum(tape.gradient(one, feature_map), axis=(1, 2))
        by_gradient = tf.einsum("nhwc,nc->nhw", feature_map, importance)
        assert maps[..., place] == pytest.approx(np.asarray(by_gradient), abs=1e-4)


def moving_statistics(network) -> list[np.ndarray]:
    import keras

    return [
        np.asarray(weight)
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
        for weight in (layer.moving_mean, layer.moving_variance, layer.gamma, layer.beta)
    ]


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_batch_norm_does_not_move_while_fitting(frozen):
    import keras

    from models.architectures.network import freeze_batch_norm

    task = models.get_task("brain")
    network = small_network(task)
    if frozen:
        freeze_batch_norm(network)
    before = moving_statistics(network)
    kernel = np.asarray(network.get_layer("stem").kernel)
    network.compile("sgd", loss={task.primary: keras.losses.SparseCategoricalCrossentropy(from_logits=True)})
    network.fit(pixels(12, side=32), {task.primary: np.arange(12) % 3}, batch_size=4, epochs=1, verbose=0)
    moved = [not np.array_equal(old, new) for old, new in zip(before, moving_statistics(network), strict=True)]
    assert any(moved) is not frozen
    assert not np.array_equal(kernel, network.get_layer("stem").kernel), "the rest learns"


def test_a_saved_network_is_small_and_answers_the_same(tmp_path):
    import h5py

    from models.runtime import file_sha256
    from models.training.store import load_network, save_network

    task = models.get_task("fracture")
    network = small_network(task)
    path = tmp_path / "some" / "model.keras"
    sha256 = save_network(network, path)
    assert sha256 == file_sha256(path)
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
        kinds: set[np.dtype] = set()
        weights.visititems(lambda _, item: kinds.add(item.dtype) if isinstance(item, h5py.Dataset) else None)
    assert kinds == {np.dtype(np.float16)}
    assert path.stat().st_size < 2.5 * network.count_params()
    again = load_network(path)
    assert {weight.dtype for weight in again.weights} == {"float32"}
    for key, expected in network(pixels(side=32), training=False).items():
        found = np.asarray(again(pixels(side=32), training=False)[key])
        assert found == pytest.approx(np.asarray(expected), abs=5e-3)


def test_a_saved_network_holds_no_training_state(tmp_path):
    from models.training.store import load_network, save_network

    task = TASKS[0]
    network = small_network(task, dropout=0.5)
    network.compile("adam", loss="mse")
    save_network(network, tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert b"adam" not in archive.read("config.json").lower()
    again = load_network(tmp_path / "model.keras")
    assert getattr(again, "optimizer", None) is None


@every_task
def test_a_saved_network_takes_a_plain_batch(task, tmp_path):
    """Without a warning of Keras that its inputs have another structure (warnings are errors here)."""
    from models.training.store import load_network, save_network

    save_network(small_network(task), tmp_path / "model.keras")
    found = load_network(tmp_path / "model.keras")(pixels(side=32), training=False)
    assert set(found) == {head.key for head in task.heads}


def test_the_gate_sees_all_its_modalities():
    from models.modality import MODALITY_TASK

    found = small_network(MODALITY_TASK)(pixels(side=32), training=False)
    assert found[MODALITY_TASK.primary].shape == (2, len(Modality))
