"""EfficientNet-Lite2 with a feature map twice as fine (finer.py), stride 16."""

from pathlib import Path

import keras

from models.architectures import efficientnet_lite2
from models.architectures.finer import finer

# Its expansion before the last stride: the finest map that has seen most of the network.
LATERAL = "block15_expand_relu"


def build_trunk(height: int, width: int, weights: Path | None = None) -> keras.Model:
    """Trunk for pixels in 0 to 255, of sides that 32 divides. `weights`: of efficientnet_lite2.py."""
    return finer(efficientnet_lite2.build_trunk(height, width, weights), LATERAL)
