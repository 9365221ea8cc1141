"""A made-up injury data set of two sources, and a trunk that learns it in seconds."""

import csv
from pathlib import Path

import cv2
import numpy as np

from tests.ml.files import save

# Of one brightness, so that nothing but colour tells them apart.
COLOURS = {"burn": (200, 60, 60), "wound": (60, 131, 60), "normal_skin": (60, 104, 200)}
SOURCES = ("sharp", "soft")
SUBTYPES = {"burn": ("first_degree_burn", "third_degree_burn"), "wound": ("cut", "bruise"), "normal_skin": ("", "")}


def picture(colour: tuple[int, int, int], *, soft: bool, rng: np.random.Generator) -> np.ndarray:
    """Coloured grain, uint8 RGB [48, 48, 3]; blurred when soft."""
    grain = np.clip(rng.normal(colour, 30, (48, 48, 3)), 0, 255).astype(np.uint8)
    return cv2.GaussianBlur(grain, (0, 0), 1.2) if soft else grain


def write_injuries(folder: Path, counts: dict[str, int]) -> None:
    """Split -> number of images: labels, their sources (normal skin is all sharp) and their subtypes in turn."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for split, count in counts.items():
        for number in range(count):
            label = list(COLOURS)[number % 3]
            source = SOURCES[number // 3 % 2 if label != "normal_skin" else 0]
            subtype = SUBTYPES[label][number // 6 % 2]
            name = f"{split}{number}.png"
            (folder / name).write_bytes(save(picture(COLOURS[label], soft=source == "soft", rng=rng), "PNG"))
            rows.append([name, label, subtype, f"made/{source}", source, f"{split}{number}", split])
    columns = ["path", "label", "subtype", "source_repo", "dataset_name", "group", "split"]
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


def one_layer(height: int, width: int, weights: Path | None = None):
    """A trunk that is traced and fitted in a second; the real ones are tested as architectures."""
    import keras

    pixels = keras.Input((height, width, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    x = keras.layers.Conv2D(8, 3, strides=8)(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return keras.Model(pixels, x, name="one_layer")
