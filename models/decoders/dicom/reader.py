"""A DICOM file to its frames."""

from collections.abc import Iterator

import cv2
import numpy as np
from pydicom import Dataset
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.pixels.processing import apply_color_lut

from models.decoders.colour import convert
from models.decoders.dicom.acquisition import read_acquisition
from models.decoders.dicom.dataset import frame_count, frame_elements, open_dataset
from models.decoders.dicom.grey import grey_levels
from models.decoders.dicom.signature import MEDIA_TYPE
from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.limits import check_size
from models.decoders.window import window_samples
from models.frame import Facts, Frame

# Pixels are square up to here: spacings are rounded.
NEARLY_SQUARE = 1.01


def read(data: bytes) -> tuple[Frame, ...]:
    """All pictures of the file. Raises UnreadableImage; whatever else is wrong raises what pydicom and codecs raise."""
    dataset = open_dataset(data)
    decoder = _decoder(dataset)
    return tuple(_frames(dataset, decoder))


def _decoder(dataset: Dataset) -> Decoder:
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        decoder = None
    if decoder is None or not decoder.is_available:
        raise UnreadableImage(UnreadableCode.TRANSFER_SYNTAX, name=syntax.name)
    return decoder


def _frames(dataset: Dataset, decoder: Decoder) -> Iterator[Frame]:
    for index in range(frame_count(dataset)):
        elements = frame_elements(dataset, index)
        samples, found = _decode(dataset, decoder, index)
        pixels, profile = _to_rgb(samples, elements, str(found["photometric_interpretation"]))
        pixels = _square(pixels, elements)
        check_size(pixels.shape[1], pixels.shape[0])
        facts = Facts(
            media_type=MEDIA_TYPE,
            bit_depth=int(dataset.BitsStored),
            photometric=str(dataset.PhotometricInterpretation),
            colour_profile=profile,
            acquisition=read_acquisition(elements),
        )
        yield Frame(pixels, index, facts)


def _decode(dataset: Dataset, decoder: Decoder, index: int) -> tuple[np.ndarray, dict[str, str | int]]:
    """One picture's samples as stored, and what pydicom tells of them."""
    try:
        return decoder.as_array(dataset, index=index)
    except RuntimeError as error:
        # Codecs decode some of a syntax and not the rest: JPEG of 8 bits and not of 12.
        if "does not support" not in str(error):
            raise
        name = f"{dataset.file_meta.TransferSyntaxUID.name}, {dataset.BitsStored} bits"
        raise UnreadableImage(UnreadableCode.TRANSFER_SYNTAX, name=name) from error


def _to_rgb(samples: np.ndarray, elements: Dataset, photometric: str) -> tuple[np.ndarray, str]:
    """uint8 RGB [h, w, 3], and the name of the colour space that they were in."""
    if photometric.startswith("MONOCHROME"):
        return cv2.cvtColor(grey_levels(samples, elements), cv2.COLOR_GRAY2RGB), "sRGB"
    if photometric == "PALETTE COLOR":
        samples = apply_color_lut(samples, elements)[..., :3]
    if samples.ndim != 3 or samples.shape[2] != 3:
        raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="DICOM", kind=photometric)
    colours = np.ascontiguousarray(samples if samples.dtype == np.uint8 else window_samples(samples))
    return convert(colours, elements.get("ICCProfile"))


def _square(pixels: np.ndarray, elements: Dataset) -> np.ndarray:
    """The picture in its true shape, where its pixels are not square: the coarser direction is made finer."""
    tall, wide = _pixel_shape(elements)
    ratio = tall / wide
    if 1 / NEARLY_SQUARE <= ratio <= NEARLY_SQUARE:
        return pixels
    height, width = pixels.shape[:2]
    size = (width, round(height * ratio)) if ratio > 1 else (round(width / ratio), height)
    check_size(*size)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR))


def _pixel_shape(elements: Dataset) -> tuple[float, float]:
    """Height and width of a pixel in any unit; 1 and 1 where the file says nothing that makes sense."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
        value = elements.get(keyword)
        try:
            tall, wide = (float(one) for one in value)
        except (TypeError, ValueError):
            continue
        if tall > 0 and wide > 0 and np.isfinite([tall, wide]).all():
            return tall, wide
    return 1.0, 1.0
