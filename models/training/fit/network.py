"""The network before training: trunk, heads, and the weights that it begins with."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras

from models.architectures import TRUNKS, trunk_of
from models.architectures.network import build, freeze_batch_norm
from models.task import Task
from models.training.manifest import datasets_root
from models.training.recipe import Recipe
from models.training.store import load_network

PRECISION_HELP = "mixed_bfloat16 is faster where the processor has instructions for it"


def start_network(
    task: Task,
    name: str,
    recipe: Recipe,
    *,
    weights: Path | None,
    start: Path | None = None,
    precision: str = "float32",
) -> keras.Model:
    """The network of `task` before training; `weights`, `start` and `precision` as for `train` in train.py."""
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


def imagenet_weights(network: str) -> Path | None:
    """The ImageNet start of this trunk beside the data sets; None where there is none."""
    trunk = trunk_of(network).removesuffix("_finer")
    return next((datasets_root().parent / "weights").glob(f"{trunk}_imagenet*"), None)


def _trunk(name: str, recipe: Recipe, weights: Path | None) -> keras.Model:
    size = (recipe.spec.height, recipe.spec.width)
    build_trunk = TRUNKS[trunk_of(name)]
    return build_trunk(*size, weights=weights) if weights else build_trunk(*size)
