"""How far an image's features lie from those of the images that a network learned from.

Features of training images lie near a subspace of few dimensions. The part of an image's features that stands out of
it is the residual of ViM (Wang et al., CVPR 2022, arXiv:2203.10807). On the validation split of every task it told
images of other kinds better than Mahalanobis distances to the labels' means and nearest neighbours did; each card holds
the numbers.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

FEATURES = "features.npz"


@dataclass(frozen=True)
class Reference:
    """Where the pooled features of the training images lie: `mean` float32 [channels], and `axes` float32
    [channels, k], the orthonormal principal axes about it; all of features scaled to unit length where `unit`."""

    mean: np.ndarray
    axes: np.ndarray
    unit: bool

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Length of what stands out of the subspace: features [..., channels] -> [...], 0 and up."""
        centred = (to_unit(features) if self.unit else features) - self.mean
        return np.linalg.norm(centred - (centred @ self.axes) @ self.axes.T, axis=-1)


def to_unit(features: np.ndarray) -> np.ndarray:
    """Features [..., channels] scaled to length 1: only their direction counts."""
    return features / np.linalg.norm(features, axis=-1, keepdims=True)


def read_reference(path: Path) -> Reference:
    """The reference of a file that `write_reference` wrote; nothing in the file is run as code.

    Raises OSError where it cannot be read. Its hash is to be checked before.
    """
    with np.load(path, allow_pickle=False) as arrays:
        return Reference(arrays["mean"].astype(np.float32), arrays["axes"].astype(np.float32), bool(arrays["unit"]))


def write_reference(path: Path, reference: Reference) -> None:
    """Small: the axes, which have unit length, as float16."""
    mean, axes = reference.mean.astype(np.float32), reference.axes.astype(np.float16)
    np.savez_compressed(path, mean=mean, axes=axes, unit=reference.unit)
