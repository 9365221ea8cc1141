"""Stored values to grey levels, as PS3.4, N.2 says: modality LUT or rescale, then VOI LUT or window, then presentation.

All of it is done once for each value that occurs, in a table, so that a picture costs no more than its bytes.
"""

import numpy as np
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing

from models.decoders.window import window_samples

# Centre and width in Hounsfield units where a CT names none: soft tissue.
CT_WINDOW = (40.0, 400.0)
# A window that leaves fewer samples between black and white shows nothing: it is of another picture.
LEAST_SHOWN = 0.02


def grey_levels(samples: np.ndarray, elements: Dataset) -> np.ndarray:
    """Integer samples [h, w] as stored -> uint8 [h, w], light and dark as they are to be seen; padding is black.

    The file's own VOI LUT or window comes first, of several the first; where there is none or it shows nothing, a CT
    gets CT_WINDOW and all others the window of `window_samples`.
    """
    lowest = int(samples.min())
    places = samples.astype(np.int32) - lowest
    values = np.arange(lowest, int(samples.max()) + 1)
    padding = _is_padding(values, elements)
    tissue = None if padding is None else ~padding[places]
    measured = np.asarray(apply_modality_lut(values, elements))
    shown = _by_the_file(measured, elements)
    if shown is None or not _shows_something(shown, places, tissue):
        shown = _by_default(measured, places, tissue, elements)
    if elements.PhotometricInterpretation == "MONOCHROME1":
        shown = 255 - shown
    if padding is not None:
        shown = np.where(padding, np.uint8(0), shown)
    return shown[places]


def _by_the_file(measured: np.ndarray, elements: Dataset) -> np.ndarray | None:
    """Each value through the file's VOI LUT or window: uint8; None where it has none that works."""
    try:
        if elements.get("VOILUTSequence"):
            table = elements.VOILUTSequence[0]
            whole = np.rint(measured).astype(np.int64)
            return _scaled(apply_voi(whole, elements).astype(np.float64), 0, 2 ** int(table.LUTDescriptor[2]) - 1)
        if _has_window(elements):
            levels = apply_windowing(measured, elements)
            # What it makes of far less and far more than any sample: its black and its white.
            black, white = apply_windowing(np.array([-1e9, 1e9]), elements)
            return _scaled(levels, black, white)
    except (ArithmeticError, AttributeError, IndexError, KeyError, NotImplementedError, TypeError, ValueError):
        # A LUT or window that cannot be used is as good as none.
        return None
    return None


def _has_window(elements: Dataset) -> bool:
    return elements.get("WindowCenter") not in (None, "") and elements.get("WindowWidth") not in (None, "")


def _shows_something(shown: np.ndarray, places: np.ndarray, tissue: np.ndarray | None) -> bool:
    """Whether enough samples are neither black nor white, or the picture has but these two."""
    used = places if tissue is None or not tissue.any() else places[tissue]
    between = (shown > 0) & (shown < 255)
    return float(between[used].mean()) >= LEAST_SHOWN or int(np.count_nonzero(np.bincount(used.ravel()))) <= 2


def _by_default(measured: np.ndarray, places: np.ndarray, tissue: np.ndarray | None, elements: Dataset) -> np.ndarray:
    if elements.get("Modality") == "CT":
        centre, width = CT_WINDOW
        shown = _scaled(measured.astype(np.float64), centre - width / 2, centre + width / 2)
        if _shows_something(shown, places, tissue):
            return shown
    levels = window_samples(_whole(measured)[places], tissue)
    # Values that do not occur are never looked up.
    table = np.zeros(len(measured), np.uint8)
    table[places.ravel()] = levels.ravel()
    return table


def _whole(measured: np.ndarray) -> np.ndarray:
    """The same values from 0 as uint16, where they are whole numbers that fit: then they are windowed as they are."""
    above = measured - measured.min()
    return above.astype(np.uint16) if above.max() < 1 << 16 and (above == np.rint(above)).all() else measured


def _scaled(levels: np.ndarray, black: float, white: float) -> np.ndarray:
    """uint8: 0 at `black` and below, 255 at `white` and above."""
    return np.rint(np.clip((levels - black) / (white - black), 0, 1) * 255).astype(np.uint8)


def _is_padding(values: np.ndarray, elements: Dataset) -> np.ndarray | None:
    """Which values are padding and no tissue (PS3.3, C.7.5.1.1.2): bool like `values`; None where none is named."""
    first = elements.get("PixelPaddingValue")
    if not isinstance(first, int):
        return None
    last = elements.get("PixelPaddingRangeLimit")
    low, high = sorted((first, last if isinstance(last, int) else first))
    padding = (values >= low) & (values <= high)
    return padding if padding.any() and not padding.all() else None
