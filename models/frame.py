"""One picture of a file, decoded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from models.imaging import encode_image


@dataclass(frozen=True)
class Facts:
    """What a file says of one of its pictures.

    `media_type`: of the file as it came. `orientation`: EXIF 1 to 8, already applied to the pixels. `bit_depth`: of
    one sample in the file. `photometric`: as DICOM names it (MONOCHROME1, MONOCHROME2, PALETTE COLOR, RGB, YBR_FULL,
    CMYK). `colour_profile`: name of the profile from which the pixels were converted, or "sRGB". `acquisition`: what a
    device tells of how it was taken; empty for formats that only carry pixels.
    """

    media_type: str
    orientation: int = 1
    bit_depth: int = 8
    photometric: str = "RGB"
    colour_profile: str = "sRGB"
    acquisition: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a file.

    `pixels`: uint8 RGB [height, width, 3], upright, sRGB. `position`: from 0, its place in the file. `clean`: the file
    without anything but the picture, where it can be kept as it was compressed (JPEG); else None.
    """

    pixels: np.ndarray
    position: int
    facts: Facts
    clean: bytes | None = None

    @cached_property
    def stored(self) -> bytes:
        """A file without loss and without metadata: `read_stored(stored, stored_orientation)` gives `pixels`."""
        return self.clean if self.clean is not None else encode_image(self.pixels, "image/png")

    @property
    def media_type(self) -> str:
        """Of `stored`."""
        return "image/jpeg" if self.clean is not None else "image/png"

    @property
    def stored_orientation(self) -> int:
        """EXIF orientation of the pixels in `stored`: 1 where they are stored upright."""
        return self.facts.orientation if self.clean is not None else 1
