"""What is put right of a picture before it is read: a border, the round field of a dermatoscope, light and dark.

Only what rules can tell for sure, and what changes no finding; all of it is said beside the result. Anything else that
is odd about a picture is refused with its remedy (models/gate.py).
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from models.modality import Layout
from models.reason import Reason, RightingCode

# Top, left, bottom, right as shares of the picture as it was sent.
Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)

# A line belongs to a border if so many of its pixels have the border's colour, within so many levels of it.
FLAT_SHARE, TOLERANCE = 0.98, 12
# Where a border ends, so much of the line is another colour: so ends a frame, while the black around a head or a hand
# gives way little by little.
EDGE_SHARE = 0.5
# JPEG blurs the edge of a frame over so many lines.
EDGE_LINES = 3
# A border is this share of the side at least: less takes nothing from what the network sees.
LEAST_BORDER = 0.02
LEAST_KEPT = 0.25

FIELD_SIDE = 128
DARK, BRIGHT = 40, 70
# Half the side of the square that is read, in radii of the field: its corners lie an eighth of a radius outside.
HALF_SQUARE = 0.8


@dataclass(frozen=True, eq=False)
class Righted:
    """`pixels`: uint8 RGB as they are read. `box`: where they lie in the picture as sent. `done`: what was done."""

    pixels: np.ndarray
    box: Box = WHOLE
    done: tuple[Reason, ...] = ()


def trim(pixels: np.ndarray) -> Righted:
    """The picture without a border of one colour on opposite sides; as it is where there is none."""
    height, width = pixels.shape[:2]
    top, bottom = _border_depths(pixels)
    inner = pixels[top : height - bottom]
    left, right = _border_depths(inner.transpose(1, 0, 2)) if len(inner) else (0, 0)
    kept = (height - top - bottom) * (width - left - right) / (height * width)
    if not (top or left) or kept < LEAST_KEPT:
        return Righted(pixels)
    box = (top / height, left / width, 1 - bottom / height, 1 - right / width)
    trimmed = np.ascontiguousarray(pixels[top : height - bottom, left : width - right])
    return Righted(trimmed, box, (Reason(RightingCode.TRIMMED, {"kept": round(kept, 3)}),))


def crop_to_field(righted: Righted) -> Righted:
    """Only the inside of a round field on black, as dermatoscopes show it; as it is where there is no such field."""
    height, width = righted.pixels.shape[:2]
    field = find_round_field(righted.pixels)
    if field is None:
        return righted
    row, column, radius = field
    half = HALF_SQUARE * radius
    top, left = max(0, round(row - half)), max(0, round(column - half))
    bottom, right = min(height, round(row + half)), min(width, round(column + half))
    kept = (bottom - top) * (right - left) / (height * width)
    inside = (top / height, left / width, bottom / height, right / width)
    return Righted(
        np.ascontiguousarray(righted.pixels[top:bottom, left:right]),
        _within(righted.box, inside),
        (*righted.done, Reason(RightingCode.ROUND_FIELD, {"kept": round(kept, 3)})),
    )


def invert_back(righted: Righted) -> Righted:
    """With light and dark exchanged."""
    done = (*righted.done, Reason(RightingCode.INVERTED_BACK))
    return replace(righted, pixels=255 - righted.pixels, done=done)


def find_round_field(pixels: np.ndarray) -> tuple[float, float, float] | None:
    """Centre (row, column) and radius, in pixels, of a bright disc on black in uint8 RGB [h, w, 3]; None without one.

    The circle is fitted to the first and last bright pixel of each row and column (least squares after Kåsa, 1976).
    """
    scale = FIELD_SIDE / min(pixels.shape[:2])
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    # The brightest channel: red skin is dark in the others.
    level = cv2.GaussianBlur(small.max(axis=2), (5, 5), 0)
    if not _has_dark_corners(level):
        return None
    row, column, radius = _fit_circle(_outline(level > (DARK + BRIGHT) / 2))
    y, x = np.mgrid[0 : level.shape[0], 0 : level.shape[1]]
    away = np.hypot(y - row, x - column) / radius
    dark_outside, bright_inside = (level < DARK)[away > 1.05], (level > DARK)[away < 0.95]
    is_field = (
        0.3 < radius / FIELD_SIDE < 0.8
        and dark_outside.size > 0
        and dark_outside.mean() > 0.9
        and bright_inside.mean() > 0.85
    )
    return (row / scale, column / scale, radius / scale) if is_field else None


def split_pictures(pixels: np.ndarray, layout: str) -> tuple[np.ndarray, np.ndarray]:
    """The two pictures in uint8 RGB [h, w, 3] that lie beside or above each other (a label of the head `layout`).

    The cut is where the lines differ most from one side to the other, or amid the flat gutter, near the middle.
    """
    lying = pixels.transpose(1, 0, 2) if layout == Layout.BESIDE else pixels
    cut = _seam(lying)
    parts = (lying[:cut], lying[cut:])
    first, second = (part.transpose(1, 0, 2) if layout == Layout.BESIDE else part for part in parts)
    return np.ascontiguousarray(first), np.ascontiguousarray(second)


def _border_depths(pixels: np.ndarray) -> tuple[int, int]:
    """Lines of the border at the top and at the bottom; both 0 unless both have one, as frames and letter boxes do."""
    depths = _depth(pixels), _depth(pixels[::-1])
    return depths if min(depths) >= LEAST_BORDER * len(pixels) else (0, 0)


def _depth(pixels: np.ndarray) -> int:
    colour = np.median(pixels[0], axis=0)
    differs = (np.abs(pixels.astype(np.int16) - colour).max(axis=2) > TOLERANCE).mean(axis=1)
    is_flat = differs <= 1 - FLAT_SHARE
    depth = int(np.argmin(is_flat)) if not is_flat.all() else len(pixels)
    if depth >= len(pixels) // 2 or differs[depth : depth + EDGE_LINES + 1].max() < EDGE_SHARE:
        return 0
    return depth


def _within(outer: Box, inner: Box) -> Box:
    """`inner`, as shares of `outer`, as shares of the whole."""
    top, left, bottom, right = outer
    tall, wide = bottom - top, right - left
    return (top + inner[0] * tall, left + inner[1] * wide, top + inner[2] * tall, left + inner[3] * wide)


def _has_dark_corners(level: np.ndarray) -> bool:
    side = max(3, FIELD_SIDE // 24)
    corners = (level[:side, :side], level[:side, -side:], level[-side:, :side], level[-side:, -side:])
    middle = level[level.shape[0] // 4 : -level.shape[0] // 4, level.shape[1] // 4 : -level.shape[1] // 4]
    return max(float(corner.mean()) for corner in corners) < DARK and float(np.percentile(middle, 75)) > BRIGHT


def _outline(bright: np.ndarray) -> np.ndarray:
    """[n, 2] rows and columns of the first and last bright pixel of each line, without those at the picture's edge."""
    points = []
    for mask, is_column in ((bright, False), (bright.T, True)):
        for line in np.flatnonzero(mask.any(axis=1)):
            places = np.flatnonzero(mask[line])
            found = [place for place in (places[0], places[-1]) if 0 < place < mask.shape[1] - 1]
            points += [(place, line) if is_column else (line, place) for place in found]
    return np.array(points, float).reshape(-1, 2)


def _fit_circle(points: np.ndarray) -> tuple[float, float, float]:
    """Centre and radius through points [n, 2]; a radius of 0 for fewer than 12."""
    if len(points) < 12:
        return 0.0, 0.0, 1e-6
    chosen = points
    for _ in range(2):
        terms = np.column_stack([2 * chosen, np.ones(len(chosen))])
        row, column, rest = np.linalg.lstsq(terms, (chosen**2).sum(axis=1), rcond=None)[0]
        radius = float(np.sqrt(max(rest + row**2 + column**2, 1e-12)))
        off = np.abs(np.hypot(*(points - (row, column)).T) - radius)
        # Hairs and dark lesions at the edge: once more without the farthest third.
        chosen = points[off <= np.quantile(off, 0.67)]
    return float(row), float(column), radius


def _seam(pixels: np.ndarray) -> int:
    """The row, from a third to two thirds, at which an upper picture ends."""
    height = len(pixels)
    lines = pixels.astype(np.float32).mean(axis=2)
    first, last = height // 3, height - height // 3
    step = np.abs(np.diff(lines, axis=0)).mean(axis=1)[first:last]
    strong = np.flatnonzero(step >= 0.6 * step.max()) + first + 1
    # A gutter has a step at each side: the cut is amid those that lie near each other.
    top = int(step.argmax()) + first + 1
    near = strong[np.abs(strong - top) <= max(2, height // 10)]
    return int(near[0] + near[-1]) // 2
