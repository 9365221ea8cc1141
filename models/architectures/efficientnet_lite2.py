"""EfficientNet-Lite2 (Tan and Le, ICML 2019, arXiv:1905.11946; without squeeze-excite): 4.9 million, stride 32."""

from pathlib import Path

import keras
import numpy as np

# Blocks, channels, stride of the first block, kernel side, expansion, of each stage.
STAGES = (
    (1, 16, 1, 3, 1),
    (3, 24, 2, 3, 6),
    (3, 48, 2, 5, 6),
    (4, 88, 2, 3, 6),
    (4, 120, 1, 5, 6),
    (5, 208, 2, 5, 6),
    (1, 352, 1, 3, 6),
)
STEM, HEAD = 32, 1280
# The order of a batch norm's values in Keras, by their names in the file of ImageNet weights.
NORM = ("gamma", "beta", "mean", "variance")


def build_trunk(height: int, width: int, weights: Path | None = None) -> keras.Model:
    """Trunk for pixels in 0 to 255. `weights`: ImageNet weights by the names of its layers (.npz); None for random."""
    pixels = keras.Input((height, width, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="scale")(pixels)
    x = _convolved(x, "stem", STEM, side=3, stride=2)
    place = 0
    for blocks, channels, stride, side, expansion in STAGES:
        for block in range(blocks):
            x = _block(x, f"block{place:02}", channels, stride if block == 0 else 1, side, expansion)
            place += 1
    trunk = keras.Model(pixels, _convolved(x, "head", HEAD, side=1), name="efficientnet_lite2")
    if weights is not None:
        _load_imagenet(trunk, weights)
    return trunk


def _block(x: keras.KerasTensor, name: str, channels: int, stride: int, side: int, expansion: int) -> keras.KerasTensor:
    """An inverted residual block: expand, filter each channel, project; added to its input where the shapes allow."""
    y = x
    if expansion > 1:
        y = _convolved(y, f"{name}_expand", x.shape[-1] * expansion, side=1)
    y = keras.layers.DepthwiseConv2D(side, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(y)
    y = _active(_normed(y, f"{name}_depthwise"), f"{name}_depthwise")
    y = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project")(y)
    y = _normed(y, f"{name}_project")
    if stride > 1 or x.shape[-1] != channels:
        return y
    return keras.layers.Add(name=f"{name}_add")([x, y])


def _convolved(x: keras.KerasTensor, name: str, channels: int, side: int, stride: int = 1) -> keras.KerasTensor:
    x = keras.layers.Conv2D(channels, side, stride, padding="same", use_bias=False, name=name)(x)
    return _active(_normed(x, name), name)


def _normed(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.BatchNormalization(epsilon=1e-3, name=f"{name}_norm")(x)


def _active(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x)


def _load_imagenet(trunk: keras.Model, path: Path) -> None:
    with np.load(path) as stored:
        for layer in trunk.layers:
            # The file says block00/expand where layers say block00_expand.
            key = layer.name.removesuffix("_norm").replace("_", "/")
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.set_weights([stored[f"{key}/{name}"] for name in NORM])
            elif layer.weights:
                layer.set_weights([stored[f"{key}/kernel"].astype(np.float32)])
