"""Keras 3 builders. A trunk maps pixels in 0 to 255 to a feature map; `network.build` puts a task's heads on it."""

from collections.abc import Callable

import keras

from models.architectures import cnn, mobilenet_v2, resnet50

# name in the card -> build_trunk(height, width) -> keras.Model whose output is the feature map [n, h, w, channels]
TRUNKS: dict[str, Callable[[int, int], keras.Model]] = {
    "mobilenet_v2": mobilenet_v2.build_trunk,
    "resnet50": resnet50.build_trunk,
    "cnn": cnn.build_trunk,
}


def trunk_of(network: str) -> str:
    """The trunk of a registered network, whose name is that of its trunk or goes on with what is special about it.

    Raises ValueError when it begins with no trunk's name.
    """
    for name in TRUNKS:
        if network == name or network.startswith(f"{name}_"):
            return name
    raise ValueError(f"{network!r} begins with none of the trunks {', '.join(TRUNKS)}.")
