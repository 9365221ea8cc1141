"""Pixels turned upright, as EXIF orientation says (TIFF 6.0, tag 274)."""

import cv2
import numpy as np


def turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """uint8 or uint16 [height, width, ...] of a picture stored in this orientation (1 to 8), as it is meant.

    A side that is turned by a quarter changes places with the other.
    """
    match orientation:
        case 2:
            return cv2.flip(pixels, 1)
        case 3:
            return cv2.flip(pixels, -1)
        case 4:
            return cv2.flip(pixels, 0)
        case 5:
            return cv2.transpose(pixels)
        case 6:
            return cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE)
        case 7:
            return cv2.flip(cv2.transpose(pixels), -1)
        case 8:
            return cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return pixels


# Each orientation -> that of the same picture turned a quarter clockwise.
_CLOCKWISE = {1: 6, 6: 3, 3: 8, 8: 1, 2: 7, 7: 4, 4: 5, 5: 2}


def turn_clockwise(orientation: int, quarters: int) -> int:
    """The orientation (1 to 8) with which the picture stored in this one is seen turned by so many quarters."""
    for _ in range(quarters % 4):
        orientation = _CLOCKWISE[orientation]
    return orientation
