"""Grey or colour samples with alpha to plain RGB."""

import cv2
import numpy as np


def lay_on_black(colours: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """uint8 RGB [h, w, 3] of uint8 grey [h, w] or RGB [h, w, 3] and uint16 alpha [h, w], laid on black, the colour of
    an empty radiograph or MRI."""
    pixels = cv2.cvtColor(colours, cv2.COLOR_GRAY2RGB) if colours.ndim == 2 else colours
    if alpha is None or alpha.min() == 65535:
        return pixels
    laid = np.empty_like(pixels)
    for row in range(len(pixels)):
        shares = alpha[row, :, np.newaxis] * np.float32(1 / 65535)
        laid[row] = pixels[row] * shares + np.float32(0.5)
    return laid
