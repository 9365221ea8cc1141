"""Keras 3 builders. A trunk maps pixels in 0 to 255 to a feature map; `network.build` puts a task's heads on it."""

import importlib
import pkgutil
from collections.abc import Callable

import keras


def _builders() -> dict[str, Callable[..., keras.Model]]:
    """Name of each module here that builds a trunk -> its `build_trunk`."""
    modules = {one.name: importlib.import_module(f"{__name__}.{one.name}") for one in pkgutil.iter_modules(__path__)}
    return {name: module.build_trunk for name, module in modules.items() if hasattr(module, "build_trunk")}


# name -> build_trunk(height, width) -> keras.Model whose output is the feature map [n, h, w, channels]. Those with an
# ImageNet start take its file as `weights`.
TRUNKS = _builders()


def trunk_of(network: str) -> str:
    """The trunk of a network, whose name begins with it: mobilenet_v2 of mobilenet_v2_without_mura.

    Raises ValueError for a name that begins with none.
    """
    # The longest: mobilenet_v2_finer begins with mobilenet_v2, too.
    begin = [trunk for trunk in TRUNKS if network == trunk or network.startswith(f"{trunk}_")]
    if begin:
        return max(begin, key=len)
    raise ValueError(f"{network!r} does not begin with the name of a trunk; those are {', '.join(TRUNKS)}.")
