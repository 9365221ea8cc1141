"""Test-time views: one image read as it is, mirrored or turned, and the answers averaged.

Averaging the logits of several views of one image lowers their variance (Simonyan and Zisserman, ICLR 2015,
arXiv:1409.1556). Each view costs a whole forward pass: a card names more than one only where validation paid for it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    # The runtime reads cards, and a card's views are checked against those below.
    from models.runtime import RawOutput, ServingNetwork

# Each is its own inverse, so that the same function undoes it. Arrays are [..., h, w, channels].
VIEWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "original": lambda image: image,
    "mirror": lambda image: image[..., :, ::-1, :],
    "flip": lambda image: image[..., ::-1, :, :],
    "turn": lambda image: image[..., ::-1, ::-1, :],
}


def run_views(network: "ServingNetwork", batch: np.ndarray) -> "RawOutput":
    """Mean logits, maps (turned back, so that they fit the original) and features over the card's views.

    `batch`: float32 [1, h, w, 3] in 0 to 255.
    """
    outputs = [network.run(np.ascontiguousarray(VIEWS[view](batch))) for view in network.card.views]
    maps = [VIEWS[view](output.maps) for view, output in zip(network.card.views, outputs, strict=True)]
    return replace(
        outputs[0],
        logits=np.mean([output.logits for output in outputs], axis=0),
        maps=np.mean(maps, axis=0),
        features=np.mean([output.features for output in outputs], axis=0),
    )
