"""The compiled graph against Keras on real images: the same probabilities, the same maps, the same accuracy."""

import math

import numpy as np
import pytest

import models
from models.imaging import prepare
from models.inference import decide, split_heads
from models.runtime import get_network
from models.training.manifest import MISSING, Example, read_upload
from tests.ml.labelled import needs_labelled_images, sample
from tests.ml.networks import every_network, every_task, network_folder

pytestmark = [pytest.mark.slow, needs_labelled_images]

IMAGES, MAPS, TRAINED_ON = 50, 4, 100
PART = 10
TOLERANCE = 1e-3


def load_keras(task: models.Task):
    """The network as training left it."""
    from models.training.store import load_network

    return load_network(network_folder(task) / "model.keras")


def batch_of(task: models.Task, examples: list[Example]) -> np.ndarray:
    spec = get_network(task).card.spec
    return np.concatenate([prepare(read_upload(example), spec) for example in examples])


def keras_logits(task: models.Task, batch: np.ndarray, *, training: bool) -> np.ndarray:
    """[n, logits]: the heads of Keras side by side in the task's order, as the graph gives them."""
    network, found = load_keras(task), []
    # In parts: a hundred images of 320 pixels at once take 19 GB.
    for part in np.array_split(batch, math.ceil(len(batch) / PART)):
        heads = network(part, training=training)
        found.append(np.concatenate([np.reshape(heads[head.key], (len(part), -1)) for head in task.heads], axis=1))
    return np.concatenate(found)


def probabilities(task: models.Task, logits: np.ndarray) -> np.ndarray:
    """All probabilities of all heads as a user sees them, in one row."""
    heads = decide(task, get_network(task).card, logits)
    return np.array([line.probability for result in heads for line in result.labels])


@every_network
def test_keras_and_the_compiled_graph_agree(task):
    batch = batch_of(task, sample(task, "test", IMAGES))
    expected = keras_logits(task, batch, training=False)
    network = get_network(task)
    worst = max(
        np.abs(probabilities(task, network.run(one[None]).logits) - probabilities(task, logits)).max()
        for one, logits in zip(batch, expected, strict=True)
    )
    assert worst <= TOLERANCE


@every_task
def test_maps_are_exactly_grad_cam(task):
    """Grad-CAM weighs each channel by the mean gradient of the logit (Selvaraju et al., ICCV 2017), here by tape."""
    import keras
    import tensorflow as tf

    network = load_keras(task)
    trunk = keras.Model(network.inputs[0], network.get_layer("features").input)
    tail = keras.Model(network.get_layer("features").input, network.output)
    for one in batch_of(task, sample(task, "test", MAPS)):
        feature_map = trunk(one[None], training=False)
        graph = get_network(task).run(one[None])
        label = int(graph.logits.argmax())
        with tf.GradientTape() as tape:
            tape.watch(feature_map)
            heads = tail(feature_map, training=False)
            logit = tf.concat([tf.reshape(heads[head.key], (-1,)) for head in task.heads], axis=0)[label]
        importance = tf.reduce_sum(tape.gradient(logit, feature_map), axis=(0, 1, 2))
        by_gradient = np.asarray(feature_map)[0] @ np.asarray(importance)
        assert graph.maps[..., label] == pytest.approx(by_gradient, abs=0.02 * np.abs(by_gradient).max())


def hits(task: models.Task, logits: np.ndarray, examples: list[Example]) -> float:
    """Accuracy of the primary head; a specialist's head is asked for the true label of its condition."""
    head = task.head(task.primary)
    values = next(part for key, part in split_heads(task, logits) if key is head)
    targets = np.array([example.targets[head.key] for example in examples])
    if head.conditioned_on:
        values = values[np.arange(len(targets)), targets // len(head.labels)]
    return float((values.argmax(axis=-1) == targets % len(head.labels)).mean())


@every_network
def test_serving_scores_training_images_as_training_does(task):
    """Batch norm whose moving statistics lag behind scores training images well while fitting and badly when serving.

    `training=True` uses the statistics of the batch wherever a batch norm was left to learn.
    """
    learned = get_network(task).card.training_images
    known = [
        example
        for example in sample(task, "train", 4 * TRAINED_ON)
        if example.targets[task.primary] != MISSING and example.dataset_name in learned
    ]
    examples = known[:TRAINED_ON]
    batch = batch_of(task, examples)
    fitting = hits(task, keras_logits(task, batch, training=True), examples)
    serving = hits(task, np.stack([get_network(task).run(one[None]).logits for one in batch]), examples)
    assert serving >= fitting - 0.05
    measured = next(
        one for one in get_network(task).card.measures(task.primary) if one.metric is models.Metric.ACCURACY
    )
    assert serving >= measured.value - 0.05, "worse on training images than on the test split"
