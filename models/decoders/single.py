"""One picture of a JPEG or PNG: what a data set for training is read with."""

from dataclasses import dataclass

import numpy as np

from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.registry import JPEG, PNG, read_file


@dataclass(frozen=True)
class DecodedImage:
    """`pixels`: uint8 [height, width, 3], RGB, upright, sRGB. `media_type`: of the file as it came."""

    pixels: np.ndarray
    media_type: str


def decode_image(data: bytes) -> DecodedImage:
    """The picture of a JPEG or PNG, as `read_file` reads it; its first where phones put others behind it.

    Raises UnreadableImage.
    """
    frames = read_file(data, (JPEG, PNG))
    if len(frames) != 1:
        raise UnreadableImage(UnreadableCode.SEVERAL_PICTURES)
    return DecodedImage(frames[0].pixels, frames[0].facts.media_type)
