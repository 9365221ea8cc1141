"""Samples of more than eight bits to eight: one rule for every format, page, heatmap and network.

Black is the percentile 0.5 and white the percentile 99.5 of all samples of the picture, all channels together, so that
a dead or a hot pixel moves neither. Left out of the percentiles: transparent pixels, and saturated labels: the highest
value where few samples have it and it stands apart from all others, as burned-in text and markers do.
"""

import numpy as np

from models.decoders.errors import UnreadableCode, UnreadableImage

LOW, HIGH = 0.005, 0.995
# The highest value stands apart where it is above the others' window by more than this share of that window.
GAP = 0.25
LABEL = 0.1  # share of all samples that such a value has at most: more is the picture itself
_LEVELS = 1 << 16
_STRIP = 1 << 20  # samples that are counted at once


def window_samples(samples: np.ndarray, opaque: np.ndarray | None = None) -> np.ndarray:
    """uint16 or float samples [height, width] or [height, width, channels] -> uint8 of the same shape.

    `opaque`: bool [height, width], which pixels count; all where it is None or none is opaque.
    Raises UnreadableImage for samples that are no finite numbers.
    """
    levels = samples if samples.dtype == np.uint16 else _to_levels(samples)
    counts = _count(levels, opaque)
    table = _table(*_window(counts))
    return table[levels]


def _to_levels(samples: np.ndarray) -> np.ndarray:
    """Any numbers on 65,536 even steps between the lowest and highest."""
    low, high = float(samples.min()), float(samples.max())
    if not np.isfinite([low, high, high - low]).all():
        raise UnreadableImage(UnreadableCode.NOT_FINITE)
    scale = (_LEVELS - 1) / (high - low) if high > low else 0.0
    levels = np.empty(samples.shape, np.uint16)
    for row, line in enumerate(samples):
        levels[row] = np.rint((line.astype(np.float64) - low) * scale)
    return levels


def _count(levels: np.ndarray, opaque: np.ndarray | None) -> np.ndarray:
    """How many samples have each of the 65,536 values: int64 [65536]."""
    if opaque is not None and not opaque.any():
        opaque = None
    counts = np.zeros(_LEVELS, np.int64)
    rows = max(1, _STRIP // max(1, levels[0].size))
    for top in range(0, len(levels), rows):
        part = levels[top : top + rows]
        chosen = part if opaque is None else part[opaque[top : top + rows]]
        counts += np.bincount(chosen.ravel(), minlength=_LEVELS)
    return counts


def _window(counts: np.ndarray) -> tuple[int, int]:
    """The values that become black and white."""
    present = np.flatnonzero(counts)
    top = present[-1]
    low, high = _percentiles(counts)
    if len(present) > 1 and counts[top] <= LABEL * counts.sum():
        others = counts.copy()
        others[top] = 0
        lowest, highest = _percentiles(others)
        if highest > lowest and top - highest > GAP * (highest - lowest):
            low, high = lowest, highest
    return (low, high) if high > low else (int(present[0]), int(top))


def _percentiles(counts: np.ndarray) -> tuple[int, int]:
    below = np.cumsum(counts)
    return int(np.searchsorted(below, LOW * below[-1])), int(np.searchsorted(below, HIGH * below[-1]))


def _table(low: int, high: int) -> np.ndarray:
    """uint8 [65536]: what each value becomes."""
    values = (np.arange(_LEVELS, dtype=np.float64) - low) * (255 / max(high - low, 1))
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
