"""MobileNetV2 with a feature map twice as fine (finer.py), stride 16."""

from pathlib import Path

import keras

from models.architectures import mobilenet_v2
from models.architectures.finer import finer

# Its expansion before the last stride: the finest map that has seen most of the network.
LATERAL = "block_13_expand_relu"


def build_trunk(height: int, width: int, weights: Path | None = None) -> keras.Model:
    """Trunk for pixels in 0 to 255, of sides that 32 divides. `weights`: of mobilenet_v2.py."""
    return finer(mobilenet_v2.build_trunk(height, width, weights), LATERAL)
