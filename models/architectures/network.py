"""A trunk with the heads of a task, and what every head amounts to: logits, and where in the image they come from.

A head is linear on the globally pooled features, or has hidden layers with ReLU between. Its class activation map is
Grad-CAM (Selvaraju et al., ICCV 2017): each place of the feature map times the gradient of the logit, which for such
heads is a product of matrices, with the ReLUs that the pooled features open (linear heads: Zhou et al., CVPR 2016).
"""

import itertools
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from models.task import Head, Task


def build(task: Task, trunk: keras.Model, dropout: float = 0.2, hidden: tuple[int, ...] = ()) -> keras.Model:
    """The network of `task` on `trunk`: pixels -> {head key: logits}. `hidden`: widths of each head's hidden layers.

    Logits are [n, labels], or [n, specialists, labels] for a head with `conditioned_on`: a general answer that all
    specialists share plus the correction of each specialist, kept small by weight decay so that parts with few
    radiographs borrow strength from the others.
    """
    features = keras.layers.GlobalAveragePooling2D(name="features")(trunk.output)
    dropped = keras.layers.Dropout(dropout, name="dropout")(features)
    return keras.Model(trunk.input, build_heads(task, dropped, hidden), name=f"{task.name}_{trunk.name}")


def build_heads(task: Task, features: keras.KerasTensor, hidden: tuple[int, ...] = ()) -> dict[str, keras.KerasTensor]:
    """{head key: logits} of pooled features [n, channels], of the shapes that `build` tells."""
    return {head.key: _head_logits(task, head, features, hidden) for head in task.heads}


def _head_logits(task: Task, head: Head, features: keras.KerasTensor, hidden: tuple[int, ...]) -> keras.KerasTensor:
    for place, width in enumerate(hidden):
        features = keras.layers.Dense(width, activation="relu", name=_hidden_name(head, place))(features)
    general = keras.layers.Dense(len(head.labels), name=f"{head.key}_general")(features)
    if head.conditioned_on is None:
        return general
    specialists = len(task.head(head.conditioned_on).labels)
    corrections = keras.layers.Dense(
        specialists * len(head.labels),
        kernel_regularizer=keras.regularizers.L2(1e-3),
        name=f"{head.key}_specialists",
    )(features)
    corrections = keras.layers.Reshape((specialists, len(head.labels)), name=f"{head.key}_by_{head.conditioned_on}")(
        corrections
    )
    general = keras.layers.Reshape((1, len(head.labels)), name=f"{head.key}_shared")(general)
    return keras.layers.Add(name=f"{head.key}_logits")([general, corrections])


def freeze_batch_norm(model: keras.Model) -> None:
    """Keep every batch norm in inference mode while fitting.

    `trainable = False` is the only switch that fit obeys: the training flag given at call time is overridden by it.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


@dataclass(frozen=True)
class DenseHead:
    """One head as float32 matrices: `hidden` (kernel, bias) of each layer with ReLU, then `kernel` [width, logits].

    `bias` is [logits]. Specialists are flattened as specialist x label.
    """

    hidden: tuple[tuple[np.ndarray, np.ndarray], ...]
    kernel: np.ndarray
    bias: np.ndarray


def dense_heads(task: Task, model: keras.Model) -> tuple[DenseHead, ...]:
    """The heads of a network made by `build`, in the task's order."""
    return tuple(DenseHead(_hidden_layers(model, head), *_head_matrix(model, head)) for head in task.heads)


def answer(heads: tuple[DenseHead, ...], feature_map):
    """What the heads make of a trunk's float [n, h, w, channels]: all logits [n, k] and their maps [n, h, w, k].

    Heads lie side by side in k. With keras.ops alone, so that it is what is compiled and what is tested.
    """
    count, height, width, channels = feature_map.shape
    pooled, places = ops.mean(feature_map, axis=(1, 2)), ops.reshape(feature_map, (-1, channels))
    answers = [_answer(head, pooled, places) for head in heads]
    logits, maps = (ops.concatenate(parts, axis=1) for parts in zip(*answers, strict=True))
    return logits, ops.reshape(maps, (count, height, width, logits.shape[1]))


def _answer(head: DenseHead, pooled, places):
    """Logits [n, k] and maps [n x h x w, k] of one head."""
    for kernel, bias in head.hidden:
        pooled = ops.relu(ops.matmul(pooled, kernel) + bias)
        is_open = ops.cast(pooled > 0, pooled.dtype)
        places = ops.matmul(places, kernel) * ops.repeat(is_open, places.shape[0] // pooled.shape[0], axis=0)
    return ops.matmul(pooled, head.kernel) + head.bias, ops.matmul(places, head.kernel)


def _hidden_layers(model: keras.Model, head: Head) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    names = {layer.name for layer in model.layers}
    hidden = itertools.takewhile(names.__contains__, (_hidden_name(head, place) for place in itertools.count()))
    layers = (model.get_layer(name).get_weights() for name in hidden)
    return tuple((np.asarray(kernel), np.asarray(bias)) for kernel, bias in layers)


def _hidden_name(head: Head, place: int) -> str:
    return f"{head.key}_hidden{place}"


def _head_matrix(model: keras.Model, head: Head) -> tuple[np.ndarray, np.ndarray]:
    kernel, bias = (np.asarray(value) for value in model.get_layer(f"{head.key}_general").get_weights())
    if head.conditioned_on is None:
        return kernel, bias
    own_kernel, own_bias = (np.asarray(value) for value in model.get_layer(f"{head.key}_specialists").get_weights())
    repeats = own_bias.size // bias.size
    return np.tile(kernel, (1, repeats)) + own_kernel, np.tile(bias, repeats) + own_bias
