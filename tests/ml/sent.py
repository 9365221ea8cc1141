"""A picture in each kind of file whose numbers must be the same however often it is analysed."""

import io

import numpy as np
from PIL import Image

from models.decoders.profile import DISPLAY_P3
from tests.ml.files import save
from tests.ml.pictures import deep, deep_png, pages


def every_sent_kind(colour: Image.Image, grey: Image.Image) -> dict[str, bytes]:
    """File name -> bytes: the colour picture as JPEG, the grey one as what scanners and consoles write."""
    turned = Image.Exif()
    turned[0x0112] = 6
    first_page = Image.fromarray(255 - np.asarray(grey))
    return {
        "baseline.jpg": save(colour, "JPEG", quality=75),
        "progressive.jpg": save(colour, "JPEG", progressive=True, quality=80),
        "cmyk.jpg": save(colour.convert("CMYK"), "JPEG", quality=90),
        "turned.jpg": save(colour.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=turned),
        "display_p3.jpg": save(colour, "JPEG", icc_profile=DISPLAY_P3.icc),
        "grey.png": save(grey, "PNG"),
        "deep.png": deep_png(deep(np.asarray(grey))),
        "pages.tif": pages(first_page, Image.fromarray(np.asarray(grey))),  # a save leaves options in its picture
    }


def opened(data: bytes, mode: str) -> Image.Image:
    """A picture in this mode of Pillow, at most 640 pixels a side: all of it is analysed many times."""
    picture = Image.open(io.BytesIO(data)).convert(mode)
    picture.thumbnail((640, 640))
    return Image.fromarray(np.asarray(picture))  # without the metadata that came with it
