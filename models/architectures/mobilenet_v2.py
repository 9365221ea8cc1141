"""MobileNetV2 (Sandler et al., CVPR 2018, arXiv:1801.04381), width 1.0, 2.3 million parameters, stride 32."""

from pathlib import Path

import keras


def build_trunk(height: int, width: int, weights: Path | None = None) -> keras.Model:
    """Trunk for pixels in 0 to 255. `weights`: ImageNet weights of keras.applications without top; None for random."""
    pixels = keras.Input((height, width, 3), name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(pixels)
    base = keras.applications.MobileNetV2(include_top=False, weights=None, input_tensor=scaled)
    if weights is not None:
        _load_imagenet(base, weights)
    return keras.Model(pixels, base.output, name="mobilenet_v2")


def _load_imagenet(base: keras.Model, weights: Path) -> None:
    # The file was saved from a model without our scaling layer, and weights are stored by position: load it into a
    # twin of the same shape, then copy.
    twin = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(None, None, 3))
    twin.load_weights(weights)
    base.set_weights(twin.get_weights())
