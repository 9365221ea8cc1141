"""Test-time augmentation: one image read as it is, mirrored or turned, and the answers averaged (runtime.run_views).

Averaging the logits of several views of one image lowers their variance (Simonyan and Zisserman, ICLR 2015,
arXiv:1409.1556). Each view costs a whole forward pass: a card names more than one only where validation paid for it.
"""

from collections.abc import Callable

import numpy as np

# Each is its own inverse, so that the same function undoes it. Arrays are [..., h, w, channels].
TTA_VIEWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "original": lambda image: image,
    "mirror": lambda image: image[..., :, ::-1, :],
    "flip": lambda image: image[..., ::-1, :, :],
    "turn": lambda image: image[..., ::-1, ::-1, :],
}
