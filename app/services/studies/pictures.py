"""The views of a stored image, drawn when asked for: original, overlay, heatmap, edges, hybrid."""

import models
from app.entities import Image
from app.errors import NotFound
from app.services.storage import MissingFile, file_store

MAX_SIDE = 1024
WITHOUT_HEATMAP = ("original", "edges")
IMAGE_MISSING = "Image missing: the study is stored, but the file of this image cannot be found."
IMAGE_DAMAGED = "Image damaged: the study is stored, but the file of this image can no longer be read."


def views_of(image: Image) -> tuple[str, ...]:
    """The names of the views that there are of this image; without a heatmap only those that need none."""
    if image.analysis and image.analysis.mapped_findings:
        return models.VIEWS
    return WITHOUT_HEATMAP


def render_view(image: Image, view: str, label: str = "") -> tuple[bytes, str]:
    """One view as a file, longest side 1024 pixels, and its media type.

    `label`: whose heatmap to show in a view that has one; the most probable label's when empty. Raises NotFound if
    there is no such view, or its file is gone or damaged.
    """
    if view not in views_of(image):
        raise NotFound("There is no such view of this image.")
    name = "" if view in WITHOUT_HEATMAP else _saliency_name(image, label)
    try:
        data = file_store().get(image.stored_name)
        saliency = models.decode_saliency(file_store().get(name)) if name else None
    except MissingFile:
        raise NotFound(IMAGE_MISSING) from None
    if view == "heatmap" and saliency is not None:
        return models.render_heatmap(saliency, (image.height, image.width), MAX_SIDE), "image/png"
    try:
        pixels = models.read_stored(data, image.orientation, MAX_SIDE)
    except models.UnreadableImage:
        raise NotFound(IMAGE_DAMAGED) from None
    return models.render_view(view, pixels, saliency, MAX_SIDE)


def _saliency_name(image: Image, label: str) -> str:
    for finding in image.analysis.mapped_findings if image.analysis else ():
        if label in ("", finding.label):
            return finding.saliency_name
    raise NotFound("There is no heatmap of this image for that label.")
