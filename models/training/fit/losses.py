"""The loss of each head, in which rare labels weigh more and unknown ones nothing."""

import numpy as np
from keras import ops

from models.task import Head
from models.training.manifest import MISSING, Example


def class_weights(head: Head, examples: list[Example], balance: float) -> np.ndarray:
    """Loss weight per label, float32 [labels], mean 1 over the examples."""
    targets = np.array([example.targets[head.key] for example in examples])
    known = targets[targets != MISSING] % len(head.labels)
    counts = np.maximum(np.bincount(known, minlength=len(head.labels)), 1)
    weights = (counts.sum() / counts) ** balance
    return (weights / (weights * counts).sum() * counts.sum()).astype(np.float32)


def masked_cross_entropy(weights: np.ndarray, smoothing: float):
    """Cross entropy over the labels of one head; targets that are MISSING cost nothing.

    Logits are [n, labels], or [n, specialists, labels] where the target specialist * labels + label says which one
    learns.
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
