"""A trunk with the heads of a task, and the linear map that every head amounts to.

Each head is linear on the globally pooled features. That keeps the class activation map exact (Zhou et al., CVPR 2016;
equal to Grad-CAM for such heads, Selvaraju et al., ICCV 2017): the map of a label is the feature map times its weights.
"""

from dataclasses import dataclass

import keras
import numpy as np

from models.task import Head, Task


def build(task: Task, trunk: keras.Model, dropout: float = 0.2) -> keras.Model:
    """The network of `task` on `trunk`: pixels -> {head key: logits}.

    Logits are [n, labels], or [n, given labels, labels] for a head with `given`: a general answer that all specialists
    share plus each specialist's own correction, kept small by weight decay so that parts with few films borrow
    strength from the others.
    """
    features = keras.layers.GlobalAveragePooling2D(name="features")(trunk.output)
    dropped = keras.layers.Dropout(dropout, name="dropout")(features)
    logits = {head.key: _head_logits(task, head, dropped) for head in task.heads}
    return keras.Model(trunk.input, logits, name=f"{task.name}_{trunk.name}")


def _head_logits(task: Task, head: Head, features: keras.KerasTensor) -> keras.KerasTensor:
    general = keras.layers.Dense(len(head.labels), name=f"{head.key}_general")(features)
    if head.given is None:
        return general
    specialists = len(task.head(head.given).labels)
    own = keras.layers.Dense(
        specialists * len(head.labels),
        kernel_regularizer=keras.regularizers.L2(1e-3),
        name=f"{head.key}_specialists",
    )(features)
    own = keras.layers.Reshape((specialists, len(head.labels)), name=f"{head.key}_by_{head.given}")(own)
    general = keras.layers.Reshape((1, len(head.labels)), name=f"{head.key}_shared")(general)
    return keras.layers.Add(name=f"{head.key}_logits")([general, own])


def freeze_batch_norm(model: keras.Model) -> None:
    """Keep every batch norm in inference mode while fitting.

    `trainable = False` is the only switch that fit obeys: the training flag given at call time is overridden by it.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


@dataclass(frozen=True)
class LinearHeads:
    """All heads as one matrix: logits = features @ kernel + bias, heads side by side in the task's order.

    `kernel` is float32 [channels, logits], `bias` float32 [logits].
    """

    kernel: np.ndarray
    bias: np.ndarray


def linear_heads(task: Task, model: keras.Model) -> LinearHeads:
    """The heads of a network made by `build`, specialists flattened as given label x label."""
    kernels, biases = zip(*(_head_matrix(model, head) for head in task.heads), strict=True)
    return LinearHeads(np.concatenate(kernels, axis=1), np.concatenate(biases))


def _head_matrix(model: keras.Model, head: Head) -> tuple[np.ndarray, np.ndarray]:
    kernel, bias = (np.asarray(value) for value in model.get_layer(f"{head.key}_general").get_weights())
    if head.given is None:
        return kernel, bias
    own_kernel, own_bias = (np.asarray(value) for value in model.get_layer(f"{head.key}_specialists").get_weights())
    repeats = own_bias.size // bias.size
    return np.tile(kernel, (1, repeats)) + own_kernel, np.tile(bias, repeats) + own_bias
