"""The Keras side of the kernel, in a process of its own: python -m bench.keras_kernel TASK ... [--repeats N]

Prints one line of JSON: task name -> side -> milliseconds. The sides are what web applications do with a trained
network: `Model.predict`, the same with Grad-CAM by gradient tape, and both as one traced function, which few write. For
fracture also the cascade that was usual: a ResNet50 finds the part, and another one judges it.
"""

import argparse
import json
import os
from collections.abc import Callable

import models
from bench.pictures import small_pixels
from bench.timing import milliseconds
from models.imaging import InputSpec, prepare
from models.runtime import MODEL

PREDICT = "Keras predict"
PREDICT_VIEWS = "Keras predict, all views in one batch"
PREDICT_CAM = "Keras predict and Grad-CAM by tape"
TRACED = "one traced tf.function with Grad-CAM"
CASCADE = "two ResNet50 predicts of 224 pixels, one after the other"
CASCADE_SPEC = InputSpec(224, 224, "stretch")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.keras_kernel", description=__doc__.splitlines()[0])
    parser.add_argument("task", nargs="+")
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    times = {name: milliseconds(_sides(models.get_task(name)), options.repeats) for name in options.task}
    print(json.dumps(times))


def _sides(task: models.Task) -> dict[str, Callable[[], object]]:
    import keras
    import numpy as np
    import tensorflow as tf

    network = keras.saving.load_model(models.current_deployment().network_of(task).folder / MODEL, compile=False)
    both = keras.Model(network.inputs[0], [network.get_layer("features").input, network.output])
    card = models.get_card(task)
    batch = prepare(small_pixels(), card.spec)

    def grad_cam(pixels):
        with tf.GradientTape() as tape:
            feature_map, heads = both(pixels, training=False)
            score = tf.reduce_max(heads[task.primary])
        importance = tf.reduce_mean(tape.gradient(score, feature_map), axis=(1, 2), keepdims=True)
        return heads, tf.nn.relu(tf.reduce_sum(feature_map * importance, axis=-1))

    def predict():
        return network.predict(batch, verbose=0)

    def predict_with_cam():
        network.predict(batch, verbose=0)
        return grad_cam(tf.constant(batch))[1].numpy()

    traced = tf.function(grad_cam, input_signature=[tf.TensorSpec(batch.shape, tf.float32)])
    sides: dict[str, Callable[[], object]] = {
        PREDICT: predict,
        PREDICT_CAM: predict_with_cam,
        TRACED: lambda: traced(tf.constant(batch))[1].numpy(),
    }
    if len(card.tta_views) > 1:
        views = np.repeat(batch, len(card.tta_views), axis=0)
        sides[PREDICT_VIEWS] = lambda: network.predict(views, verbose=0)
    if any(head.conditioned_on for head in task.heads):
        sides[CASCADE] = _cascade()
    return sides


def _cascade() -> Callable[[], object]:
    from models.architectures import TRUNKS

    # How long it takes does not depend on what it has learnt.
    trunk = TRUNKS["resnet50"](CASCADE_SPEC.height, CASCADE_SPEC.width)
    batch = prepare(small_pixels(), CASCADE_SPEC)
    return lambda: (trunk.predict(batch, verbose=0), trunk.predict(batch, verbose=0))


if __name__ == "__main__":
    main()
