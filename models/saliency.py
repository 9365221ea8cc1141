"""Where the network looked: the class activation map laid over the image, Canny edges, and both together."""

import io

import cv2
import numpy as np
from PIL import Image

from models.imaging import InputSpec, encode_image, shown_size, shrink, visible_box
from models.righting import WHOLE, Box

VIEWS = ("original", "overlay", "heatmap", "edges", "hybrid")
MAP_SIDE = 64
OVERLAY_OPACITY = 0.45


def saliency_over_image(
    activation: np.ndarray, shape: tuple[int, int], spec: InputSpec, box: Box = WHOLE
) -> np.ndarray:
    """A class activation map [h, w] as shares of its peak over the whole image: float32 [MAP_SIDE, MAP_SIDE] in 0 to 1.

    Negative evidence is cut off as in Grad-CAM. `shape` is the (height, width) of what was read of the image, and `box`
    where that lies in it; what the network did not see (`crop`, outside the box) is 0, what lies outside the image
    (`pad`) is dropped. A map without any positive evidence stays 0.
    """
    positive = np.maximum(activation, 0).astype(np.float32)
    fine = cv2.resize(positive, (spec.width, spec.height), interpolation=cv2.INTER_CUBIC).clip(min=0)
    top, left, bottom, right = visible_box(*shape, spec)
    # Sample, for each cell of the map over the image, the place in the network's input where that cell lies.
    centres = (np.arange(MAP_SIDE) + 0.5) / MAP_SIDE
    down, across = (centres - box[0]) / (box[2] - box[0]), (centres - box[1]) / (box[3] - box[1])
    rows = ((top + down * (bottom - top)) * spec.height - 0.5).astype(np.float32)
    columns = ((left + across * (right - left)) * spec.width - 0.5).astype(np.float32)
    whole = cv2.remap(
        fine, *np.meshgrid(columns, rows), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
    whole[~_is_inside(down)] = 0
    whole[:, ~_is_inside(across)] = 0
    peak = float(whole.max())
    return whole / peak if peak > 0 else whole


def _is_inside(shares: np.ndarray) -> np.ndarray:
    return (shares >= 0) & (shares <= 1)


def encode_saliency(saliency: np.ndarray) -> bytes:
    """float [h, w] in 0 to 1 -> an 8-bit grey PNG, in steps of 1/255."""
    return encode_image((saliency * 255).round().astype(np.uint8), "image/png")


def decode_saliency(data: bytes) -> np.ndarray:
    """The float32 [h, w] in 0 to 1 that `encode_saliency` wrote, to a step of 1/255.

    Raises PIL.UnidentifiedImageError for bytes that are no PNG.
    """
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        return np.asarray(image.convert("L"), dtype=np.float32) / 255


def render_view(view: str, pixels: np.ndarray, saliency: np.ndarray | None, max_side: int = 1024) -> tuple[bytes, str]:
    """One of VIEWS of uint8 RGB `pixels` [h, w, 3], its longest side at most `max_side`: (file bytes, media type).

    `saliency`: float32 [height, width] in 0 to 1 over the whole image, of any size. `heatmap` is transparent where it
    is cold and has the shape of the other views, to be laid over the original. Raises ValueError for an unknown view,
    or when a view needs a saliency map and there is none.
    """
    if view not in VIEWS:
        raise ValueError(f"There is no view {view!r}; use one of {', '.join(VIEWS)}.")
    shown = shrink(pixels, max_side)
    if view == "original":
        return encode_image(shown, "image/jpeg"), "image/jpeg"
    if view == "edges":
        return encode_image(canny_edges(shown), "image/png"), "image/png"
    if saliency is None:
        raise ValueError(f"The view {view!r} needs a saliency map.")
    if view == "heatmap":
        return render_heatmap(saliency, pixels.shape[:2], max_side), "image/png"
    overlaid = _overlay(shown, _enlarge(saliency, shown.shape[:2]))
    if view == "hybrid":
        overlaid = np.where(canny_edges(shown) > 0, np.uint8(255), overlaid)
    return encode_image(overlaid, "image/jpeg"), "image/jpeg"


def render_heatmap(saliency: np.ndarray, shape: tuple[int, int], max_side: int = 1024) -> bytes:
    """The view `heatmap` of an image of `shape` (height, width), for which its pixels are not needed: a PNG.

    `saliency` as for `render_view`.
    """
    width, height = shown_size(shape[1], shape[0], max_side)
    heat = _enlarge(saliency, (height, width))
    alpha = (np.clip(heat * 1.25, 0, 1) * 255).astype(np.uint8)
    return encode_image(np.dstack([heat_colours(heat), alpha]), "image/png")


def canny_edges(pixels: np.ndarray) -> np.ndarray:
    """White edges on black, uint8 RGB [h, w, 3] of the same shape as the uint8 RGB pixels (Canny, PAMI 1986).

    Hysteresis thresholds are shares of the median grey level of what is not black background, so that a dark radiograph
    shows its edges as a bright photo does.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (5, 5), 1.2)
    content = grey[grey > 10]
    median = float(np.median(content)) if content.size else 0.0
    edges = cv2.Canny(grey, max(12.0, 0.25 * median), max(36.0, 0.6 * median), L2gradient=True)
    return np.repeat(edges[..., None], 3, axis=2)


def heat_colours(heat: np.ndarray) -> np.ndarray:
    """[h, w] in 0 to 1 -> uint8 RGB: the Turbo colour map, readable with colour blindness better than Jet."""
    coloured = cv2.applyColorMap((np.clip(heat, 0, 1) * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    return cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB)


def _overlay(pixels: np.ndarray, heat: np.ndarray) -> np.ndarray:
    share = (np.clip(heat * 1.25, 0, 1) * OVERLAY_OPACITY)[..., None]
    return (pixels * (1 - share) + heat_colours(heat) * share).astype(np.uint8)


def _enlarge(saliency: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return cv2.resize(saliency, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC).clip(0, 1)
