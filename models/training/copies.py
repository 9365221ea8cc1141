"""Pairs of images of which one is a copy of the other, turned, mirrored, recompressed or exposed anew.

Two rules, each with both images in the same one of the eight turns and mirrorings of a square:

1. Thumbnails of 48 x 48 grey pixels correlate above 0.985. Scaling and recompression leave a copy there, and hardly
   two pictures of one kind come so near.
2. They correlate above 0.93, and the perceptual hashes differ in 4 of 64 bits at most. A copy with other brightness or
   contrast, or a little cropped, correlates less, but its hash stays; either alone would take much that merely looks
   alike.

By these rules the mirrored copies of the brain data set were found and looked through (SOURCE.md beside its images).
Images that are no copies pass them, too: the next slice of one patient, a radiograph in the very same position. Copies
that were cropped much, changed strongly, or turned by other angles are missed. The hash is pHash's (Zauner,
Implementation and Benchmarking of Perceptual Image Hash Functions, 2010): which low frequencies of the cosine transform
are above their median.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.fft import dctn

THUMBNAIL, CORRELATION = 48, 0.985
HASHED, HASH_BITS = 32, 64
HASH_CORRELATION, HASH_DISTANCE = 0.93, 4
TURNS = range(8)
# Rows and columns of one block of correlations: 16 MB.
ROWS, COLUMNS = 1024, 4096


@dataclass(frozen=True)
class Look:
    """One image made small: uint8 grey [48, 48] and [32, 32], stretched to squares."""

    thumbnail: np.ndarray
    hashed: np.ndarray


@dataclass(frozen=True)
class Likeness:
    """How alike two images are once the first is turned by `turn` (see `turned`).

    `correlation`: of their thumbnails, up to 1. `distance`: bits in which their hashes differ, 0 to 64.
    """

    turn: int
    correlation: float
    distance: int


def look_at(pixels: np.ndarray) -> Look:
    """The look of an image, uint8 RGB [h, w, 3]."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = [cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA) for side in (THUMBNAIL, HASHED)]
    return Look(*small)


def turned(pictures: np.ndarray, turn: int) -> np.ndarray:
    """Square pictures [..., side, side] turned anticlockwise by `turn` quarters; from 4 on they are mirrored after."""
    quarters = np.rot90(pictures, turn % 4, axes=(-2, -1))
    return quarters[..., ::-1] if turn >= 4 else quarters


def perceptual_hashes(pictures: np.ndarray) -> np.ndarray:
    """The hash of each grey picture [n, 32, 32], as uint64 [n]."""
    low = dctn(pictures.astype(np.float32), axes=(1, 2))[:, :8, :8].reshape(len(pictures), HASH_BITS)
    return np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1).view(np.uint64)[:, 0]


def compare(one: Look, other: Look) -> Likeness:
    """How alike two images are in the turn in which they correlate most."""
    turns = _unit_vectors(np.stack([turned(one.thumbnail, turn) for turn in TURNS]))
    correlations = turns @ _unit_vectors(other.thumbnail[np.newaxis])[0]
    turn = int(correlations.argmax())
    hashes = perceptual_hashes(np.stack([turned(one.hashed, turn), other.hashed]))
    return Likeness(turn, round(float(correlations[turn]), 4), int(np.bitwise_count(hashes[0] ^ hashes[1])))


def find_copies(looks: Sequence[Look]) -> dict[tuple[int, int], Likeness]:
    """Every pair (index, greater index) that the rules of this module take for copies, and how alike the two are.

    Of several turns that of the highest correlation counts. A plain picture is a copy of nothing. 20,000 images take
    a few minutes of one core and less than 1 GB.
    """
    if not looks:
        return {}
    thumbnails = np.stack([look.thumbnail for look in looks])
    hashed = np.stack([look.hashed for look in looks])
    vectors = _unit_vectors(thumbnails)
    best: dict[tuple[int, int], Likeness] = {}
    for pair, likeness in (found for turn in TURNS for found in _copies(thumbnails, vectors, hashed, turn)):
        if pair not in best or best[pair].correlation < likeness.correlation:
            best[pair] = likeness
    return dict(sorted(best.items()))


def _copies(
    thumbnails: np.ndarray, vectors: np.ndarray, hashed: np.ndarray, turn: int
) -> Iterator[tuple[tuple[int, int], Likeness]]:
    """The pairs that the rules take for copies in this turn."""
    hashes, turned_hashes = perceptual_hashes(hashed), perceptual_hashes(turned(hashed, turn))
    for one, other, correlations in _alike(thumbnails, vectors, turn):
        distances = np.bitwise_count(turned_hashes[one] ^ hashes[other])
        for at in np.flatnonzero((correlations > CORRELATION) | (distances <= HASH_DISTANCE)).tolist():
            likeness = Likeness(turn, round(float(correlations[at]), 4), int(distances[at]))
            yield (int(one[at]), int(other[at])), likeness


def _alike(
    thumbnails: np.ndarray, vectors: np.ndarray, turn: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs (one, other, correlation) above HASH_CORRELATION, block by block; `one`, the lesser, is turned.

    That is enough: what is seen when the other is turned is seen when this one is turned back.
    """
    for row in range(0, len(vectors), ROWS):
        block = _unit_vectors(turned(thumbnails[row : row + ROWS], turn))
        for column in range(row, len(vectors), COLUMNS):
            correlations = block @ vectors[column : column + COLUMNS].T
            one, other = np.nonzero(correlations > HASH_CORRELATION)
            before = one + row < other + column
            one, other = one[before], other[before]
            yield one + row, other + column, correlations[one, other]


def _unit_vectors(thumbnails: np.ndarray) -> np.ndarray:
    """Thumbnails [n, 48, 48] as float32 [n, 2304] whose products are correlations; plain ones are all 0."""
    vectors = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    vectors -= vectors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-3)
