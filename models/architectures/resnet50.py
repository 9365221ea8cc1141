"""ResNet50 (He et al., CVPR 2016, arXiv:1512.03385), 23.6 million parameters, stride 32."""

import keras


def build_trunk(height: int, width: int) -> keras.Model:
    """Trunk for pixels in 0 to 255, from random weights: there are no ImageNet weights for it here."""
    pixels = keras.Input((height, width, 3), name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(pixels)
    base = keras.applications.ResNet50(include_top=False, weights=None, input_tensor=scaled)
    return keras.Model(pixels, base.output, name="resnet50")
