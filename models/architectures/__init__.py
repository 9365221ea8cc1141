"""Keras 3 builders. A trunk maps pixels in 0 to 255 to a feature map; `network.build` puts a task's heads on it."""

from collections.abc import Callable

import keras

from models.architectures import cnn, mobilenet_v2, resnet50

# name -> build_trunk(height, width) -> keras.Model whose output is the feature map [n, h, w, channels]
TRUNKS: dict[str, Callable[[int, int], keras.Model]] = {
    "mobilenet_v2": mobilenet_v2.build_trunk,
    "resnet50": resnet50.build_trunk,
    "cnn": cnn.build_trunk,
}


def trunk_of(network: str) -> str:
    """The trunk of a network, whose name begins with it: mobilenet_v2 of mobilenet_v2_without_mura.

    Raises ValueError for a name that begins with none.
    """
    for trunk in TRUNKS:
        if network == trunk or network.startswith(f"{trunk}_"):
            return trunk
    raise ValueError(f"{network!r} does not begin with the name of a trunk; those are {', '.join(TRUNKS)}.")
