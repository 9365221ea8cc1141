"""Bytes to pixels, and pixels to what a network reads. Only JPEG and PNG are ever decoded."""

import io
import warnings
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from models.png import TooFewRows, check_png_rows

MAX_PIXELS = 40_000_000
MAX_SIDE = 10_000
MIN_SIDE = 32
MAX_ASPECT = 8
# The gate and networks are shown larger images at a half, a quarter or an eighth, with this shortest side at least.
READ_SIDE = 1280
STRIP_PIXELS = 256 * 1024  # that are copied at once: 1 MB in Pillow
# Transparent pixels are laid on black, the colour of an empty radiograph or MRI.
BACKGROUND = (0, 0, 0, 255)
PNG_OPTIONS = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
)
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png"}

Fit = Literal["stretch", "pad", "crop"]


class UnreadableImage(ValueError):
    """These bytes are no acceptable picture; the message is a sentence for the user that names the rule."""


@dataclass(frozen=True)
class DecodedImage:
    """`pixels`: uint8 [height, width, 3], RGB, upright. `media_type`: of the file as it came."""

    pixels: np.ndarray
    media_type: str


@dataclass(frozen=True)
class InputSpec:
    """What a network reads: size in pixels, and how an image of another shape is made to fit.

    `stretch` changes the aspect ratio, `pad` adds black, `crop` takes the largest centred rectangle.
    """

    height: int
    width: int
    fit: Fit


def decode_image(data: bytes, max_side: int | None = None) -> DecodedImage:
    """Pixels of a JPEG or PNG, upright (EXIF orientation applied), without metadata.

    Grey, palette, CMYK and 16-bit pictures become 8-bit RGB (16-bit: darkest to brightest value over 0 to 255).
    `max_side`: shrunk so that the longest side is at most that, for showing; a large JPEG then costs less to decode.
    Raises UnreadableImage for anything else, before large pictures are decoded.
    """
    if not data:
        raise UnreadableImage("The file is empty. Choose the image again.")
    try:
        with warnings.catch_warnings():
            # Pillow only warns of some oddities (a bomb, broken EXIF): a bomb is refused, the others reach no log.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data, max_side)
    except UnreadableImage:
        raise
    except TooFewRows:
        raise UnreadableImage("The image is incomplete: its lower part is missing. Export it again.") from None
    except UnidentifiedImageError:
        raise UnreadableImage("The file is not a JPEG or PNG image, whatever its name says.") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UnreadableImage(_too_many_pixels()) from None
    except Exception:
        # A decoder fed with hostile bytes may raise nearly anything; all of it means the same to the user.
        raise UnreadableImage("The image is damaged or incomplete. Export it again and upload the new file.") from None


def _decode(data: bytes, max_side: int | None) -> DecodedImage:
    with _open(data) as probe:
        _check_header(probe)
        media_type = MEDIA_TYPES[probe.format or ""]
        probe.verify()
    if media_type == "image/png":
        check_png_rows(data)
    with _open(data) as image:
        size = shown_size(*image.size, max_side or max(image.size))
        if max_side:
            # JPEG alone has this: a half, a quarter or an eighth of the size, no smaller than what is asked for.
            image.draft(None, size)
        image.load()
        loaded = image.size
        # In place, and without a copy where none is needed: an image of 40 megapixels is 160 MB in Pillow.
        ImageOps.exif_transpose(image, in_place=True)
        pixels = _to_rgb(image)
    return DecodedImage(_resize(pixels, size if image.size == loaded else size[::-1]), media_type)


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=list(MEDIA_TYPES))


def shown_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    """Width and height of the same picture with its longest side at most `max_side`; never enlarged."""
    scale = min(1.0, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrink_to_read(pixels: np.ndarray) -> np.ndarray:
    """The picture as the gate and networks read it: a large one at a half, a quarter or an eighth of its size.

    Means over whole pixels change those that networks then read the least: what a JPEG decoder gives at these sizes
    moves probabilities further. A large picture is so shrunk once, not anew by the gate and by each network.
    """
    height, width = pixels.shape[:2]
    part = next((part for part in (8, 4, 2) if min(width, height) >= part * READ_SIDE), 1)
    return _resize(pixels, (width // part, height // part))


def shrink(pixels: np.ndarray, max_side: int) -> np.ndarray:
    """The same picture with its longest side at most `max_side`; never enlarged."""
    height, width = pixels.shape[:2]
    return _resize(pixels, shown_size(width, height, max_side))


def _resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Shrunk to (width, height); as it is where it has that size."""
    return pixels if pixels.shape[1::-1] == size else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _check_header(image: Image.Image) -> None:
    width, height = image.size
    if image.format not in MEDIA_TYPES or getattr(image, "n_frames", 1) > 1:
        raise UnreadableImage(
            "Files with several pictures or an animation are not accepted. Send one JPEG or PNG each."
        )
    if width * height > MAX_PIXELS:
        raise UnreadableImage(_too_many_pixels())
    if max(width, height) > MAX_SIDE:
        raise UnreadableImage(f"The image is {width} x {height} pixels; its longest side may be {MAX_SIDE:,} pixels.")
    if min(width, height) < MIN_SIDE:
        raise UnreadableImage(f"The image is {width} x {height} pixels; each side must be at least {MIN_SIDE} pixels.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnreadableImage(f"The image is a strip; the long side may be at most {MAX_ASPECT} times the short one.")


def _too_many_pixels() -> str:
    return f"The image has more than {MAX_PIXELS // 1_000_000} megapixels. Export it smaller."


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_eight_bits(image)
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, BACKGROUND), image.convert("RGBA"))
    if image.mode == "L":
        return cv2.cvtColor(np.asarray(image), cv2.COLOR_GRAY2RGB)
    return _pixels(image if image.mode == "RGB" else image.convert("RGB"))


def _pixels(image: Image.Image) -> np.ndarray:
    """uint8 [height, width, 3] of an RGB image, taken in strips: Pillow's own copy of a large image goes twice through
    all of the memory, that of a strip through the processor's cache."""
    width, height = image.size
    rows = max(1, STRIP_PIXELS // width)
    if height <= rows:
        return np.asarray(image)
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, width, bottom)))
    return pixels


def _to_eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float64)
    if not np.isfinite(values).all():
        raise UnreadableImage("The image holds values that are no numbers. Export it again as 8-bit JPEG or PNG.")
    low, high = values.min(), values.max()
    scaled = (values - low) * (255.0 / max(high - low, 1.0))
    return Image.fromarray(scaled.round().astype(np.uint8))


def encode_image(pixels: np.ndarray, media_type: str) -> bytes:
    """A clean file of uint8 grey, RGB or RGBA pixels: no metadata. JPEG of quality 95 without chroma loss, or PNG.

    Grey pixels become a grey file, also where they came as RGB: the same when decoded, for less work and fewer bytes.
    """
    if _is_grey(pixels):
        pixels = np.ascontiguousarray(pixels[..., 0])
    if media_type != "image/jpeg":
        return _encode_png(pixels)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def _is_grey(pixels: np.ndarray) -> bool:
    """Whether the three channels of RGB pixels are alike. A few pixels tell nearly every photo at once."""
    if pixels.ndim == 2 or pixels.shape[2] != 3:
        return False
    return all(
        np.array_equal(part[..., 0], part[..., 1]) and np.array_equal(part[..., 1], part[..., 2])
        for part in (pixels[::16, ::16], pixels)
    )


def _encode_png(pixels: np.ndarray) -> bytes:
    # OpenCV lets the filters be chosen, Pillow does not: these cost half the time, to encode and to decode.
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    swapped = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, order[pixels.shape[2]])
    return cv2.imencode(".png", swapped, PNG_OPTIONS)[1].tobytes()


def prepare(pixels: np.ndarray, spec: InputSpec) -> np.ndarray:
    """uint8 RGB [h, w, 3] -> float32 [1, spec.height, spec.width, 3] in 0 to 255; networks scale inside."""
    matched = (
        _pad(pixels, spec)
        if spec.fit == "pad"
        else cv2.resize(
            _crop(pixels, spec) if spec.fit == "crop" else pixels,
            (spec.width, spec.height),
            interpolation=_interpolation(pixels, spec),
        )
    )
    return matched[np.newaxis].astype(np.float32)


def visible_box(height: int, width: int, spec: InputSpec) -> tuple[float, float, float, float]:
    """Where the image of this size lies in the network's input: top, left, bottom, right as shares.

    Shares are of the input for `pad` (inside 0 to 1) and may lie outside 0 to 1 for `crop`, where the input shows less
    than the image.
    """
    if spec.fit == "stretch":
        return 0.0, 0.0, 1.0, 1.0
    scales = spec.height / height, spec.width / width
    scale = min(scales) if spec.fit == "pad" else max(scales)
    tall, wide = height * scale / spec.height, width * scale / spec.width
    return (1 - tall) / 2, (1 - wide) / 2, (1 + tall) / 2, (1 + wide) / 2


def _crop(pixels: np.ndarray, spec: InputSpec) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = min(height / spec.height, width / spec.width)
    tall, wide = round(spec.height * scale), round(spec.width * scale)
    top, left = (height - tall) // 2, (width - wide) // 2
    return pixels[top : top + tall, left : left + wide]


def _pad(pixels: np.ndarray, spec: InputSpec) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = min(spec.height / height, spec.width / width)
    tall, wide = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (spec.height - tall) // 2, (spec.width - wide) // 2
    canvas = np.zeros((spec.height, spec.width, 3), np.uint8)
    canvas[top : top + tall, left : left + wide] = cv2.resize(
        pixels, (wide, tall), interpolation=_interpolation(pixels, spec)
    )
    return canvas


def _interpolation(pixels: np.ndarray, spec: InputSpec) -> int:
    shrinks = min(pixels.shape[0] / spec.height, pixels.shape[1] / spec.width) > 1
    return cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
