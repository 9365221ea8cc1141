"""A compact residual network of our own: 0.7 million parameters, stride 16, for tasks where 2 million are too many.

Pre-activation residual blocks (He et al., ECCV 2016, arXiv:1603.05027) of separable convolutions; stride 16 keeps the
heatmap twice as fine as that of MobileNetV2.
"""

import keras

STAGES = ((32, 2), (64, 2), (128, 3), (256, 4))


def build_trunk(height: int, width: int) -> keras.Model:
    """Trunk for pixels in 0 to 255, from random weights."""
    pixels = keras.Input((height, width, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(pixels)
    x = keras.layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="stem")(x)
    for stage, (channels, blocks) in enumerate(STAGES):
        for block in range(blocks):
            stride = 2 if block == 0 and stage > 0 else 1
            x = _residual_block(x, channels, stride, name=f"stage{stage}_block{block}")
    x = keras.layers.BatchNormalization(name="last_norm")(x)
    return keras.Model(pixels, keras.layers.ReLU(name="last_relu")(x), name="cnn")


def _residual_block(x: keras.KerasTensor, channels: int, stride: int, name: str) -> keras.KerasTensor:
    active = keras.layers.ReLU(name=f"{name}_relu1")(keras.layers.BatchNormalization(name=f"{name}_norm1")(x))
    shortcut = x
    if stride > 1 or x.shape[-1] != channels:
        shortcut = keras.layers.Conv2D(channels, 1, strides=stride, use_bias=False, name=f"{name}_shortcut")(active)
    y = keras.layers.SeparableConv2D(channels, 3, strides=stride, padding="same", use_bias=False, name=f"{name}_conv1")(
        active
    )
    y = keras.layers.ReLU(name=f"{name}_relu2")(keras.layers.BatchNormalization(name=f"{name}_norm2")(y))
    y = keras.layers.SeparableConv2D(channels, 3, padding="same", use_bias=False, name=f"{name}_conv2")(y)
    return keras.layers.Add(name=f"{name}_add")([shortcut, y])
