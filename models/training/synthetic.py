"""Pictures that no task was made for: drawn by code, or made from photos by changing colour and frame.

Colour and a black ground must be no shortcut for the gate: grey, inverted and skin-coloured copies of ordinary photos
and rough likenesses of medical images that Lumen does not read (CT, ultrasound, fundus, histology) are none of its
kinds either.
"""

import cv2
import numpy as np

SIDE = 192


def draw_negatives(count: int, seed: int) -> list[np.ndarray]:
    """`count` uint8 RGB pictures [192, 192, 3], the kinds in turn; the same seed draws the same pictures."""
    rng = np.random.default_rng(seed)
    return [_finish(_KINDS[index % len(_KINDS)](rng), rng) for index in range(count)]


def vary_photo(photo: np.ndarray, count: int, seed: int) -> list[np.ndarray]:
    """`count` crops of a uint8 RGB photo [h, w, 3]: grey, skin-coloured, as they are, framed in black or inverted.

    The same seed makes the same crops, the changes in turn.
    """
    rng = np.random.default_rng(seed)
    return [_VARIATIONS[index % len(_VARIATIONS)](_crop(photo, rng), rng) for index in range(count)]


def to_grey(picture: np.ndarray) -> np.ndarray:
    """The same uint8 RGB picture without colour: its three channels alike."""
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def draw_golden(seed: int) -> np.ndarray:
    """A soft, bright blob on a darker ground with fine grain, uint8 RGB [192, 192, 3]: the golden input of the tests.

    No patient's picture may stand in the repository; this one only has to make a network answer, always the same.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    blob = np.exp(-(((x - rng.uniform(0.3, 0.7)) / 0.2) ** 2 + ((y - rng.uniform(0.3, 0.7)) / 0.25) ** 2))
    image = 60 + 140 * blob[..., None] * rng.uniform(0.5, 1, 3) + rng.normal(0, 6, (SIDE, SIDE, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def _finish(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    image = np.clip(image, 0, 255).astype(np.uint8)
    if image.ndim == 3 and rng.random() < 0.5:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)


def _colour(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, 3).astype(float)


def _blank(rng: np.random.Generator) -> np.ndarray:
    level = rng.choice([0.0, 255.0, rng.uniform(0, 255)])
    return np.full((SIDE, SIDE), level) + rng.normal(0, rng.uniform(0, 4), (SIDE, SIDE))


def _noise(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(rng.uniform(60, 200), rng.uniform(15, 90), (SIDE, SIDE, 3))


def _soft_noise(rng: np.random.Generator) -> np.ndarray:
    cells = int(rng.integers(3, 24))
    return cv2.resize(rng.uniform(0, 255, (cells, cells, 3)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def _gradient(rng: np.random.Generator) -> np.ndarray:
    share = np.linspace(0, 1, SIDE)[:, None, None]
    image = np.broadcast_to(_colour(rng) * share + _colour(rng) * (1 - share), (SIDE, SIDE, 3))
    return np.rot90(image, int(rng.integers(4)))


def _checker(rng: np.random.Generator) -> np.ndarray:
    size = int(rng.integers(4, 48))
    odd = (np.add.outer(np.arange(SIDE) // size, np.arange(SIDE) // size) % 2).astype(bool)
    return np.where(odd[..., None], _colour(rng), _colour(rng))


def _stripes(rng: np.random.Generator) -> np.ndarray:
    wave = np.sin(np.arange(SIDE) * rng.uniform(0.05, 1.5)) > 0
    image = np.where(wave[None, :, None], _colour(rng), _colour(rng)) * np.ones((SIDE, 1, 1))
    return np.rot90(image, int(rng.integers(4)))


def _text_page(rng: np.random.Generator) -> np.ndarray:
    paper, ink = (255, 20) if rng.random() < 0.7 else (25, 230)
    image = np.full((SIDE, SIDE, 3), paper, np.uint8)
    for y in range(12, SIDE, int(rng.integers(10, 18))):
        words = "".join(rng.choice(list("abcdefghij klmnop qrstuv wxyz 0123456789 "), int(rng.integers(4, 34))))
        cv2.putText(
            image,
            words,
            (int(rng.integers(2, 14)), y),
            cv2.FONT_HERSHEY_SIMPLEX,
            float(rng.uniform(0.3, 0.5)),
            (ink, ink, ink),
            1,
            cv2.LINE_AA,
        )
    return image


def _shapes(rng: np.random.Generator) -> np.ndarray:
    image = np.tile(_colour(rng), (SIDE, SIDE, 1)).astype(np.uint8)
    for _ in range(int(rng.integers(2, 12))):
        centre = tuple(int(value) for value in rng.integers(0, SIDE, 2))
        colour = tuple(int(value) for value in _colour(rng))
        if rng.random() < 0.5:
            cv2.circle(image, centre, int(rng.integers(5, 60)), colour, -1)
        else:
            corner = tuple(int(value) for value in rng.integers(0, SIDE, 2))
            cv2.rectangle(image, centre, corner, colour, -1)
    return image


def _cloud(rng: np.random.Generator, roughness: float) -> np.ndarray:
    """Noise [SIDE, SIDE] in 0 to 1 whose amplitude falls as 1 / frequency ** roughness, as in natural images."""
    rows, columns = np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None]
    frequency = np.maximum(np.hypot(rows, columns), 1 / SIDE)
    spectrum = np.fft.fft2(rng.normal(size=(SIDE, SIDE))) / frequency**roughness
    cloud = np.fft.ifft2(spectrum).real
    return (cloud - cloud.min()) / np.ptp(cloud)


def _texture(rng: np.random.Generator) -> np.ndarray:
    cloud = _cloud(rng, rng.uniform(0.6, 2))[..., None]
    return _colour(rng) * cloud + _colour(rng) * (1 - cloud)


def _ellipse(rng: np.random.Generator, size: tuple[float, float], shift: float = 0.05) -> np.ndarray:
    """Squared distance [SIDE, SIDE] from a centre near the middle in units of an ellipse: below 1 inside it."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5 - rng.uniform(-shift, shift, (2, 1, 1))
    angle = rng.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return (along / rng.uniform(*size)) ** 2 + (across / rng.uniform(*size)) ** 2


def _tomogram(rng: np.random.Generator) -> np.ndarray:
    """Like a slice of CT: a bright ring on black, soft tissue and organs inside."""
    body = _ellipse(rng, (0.3, 0.48))
    image = np.where(body < 1, rng.uniform(60, 140) + 50 * _cloud(rng, 1.2), rng.uniform(0, 12))
    for _ in range(int(rng.integers(1, 7))):
        organ = _ellipse(rng, (0.04, 0.18), shift=0.2)
        image[(organ < 1) & (body < 0.8)] = rng.uniform(0, 230)
    image[(body < 1) & (body > rng.uniform(0.75, 0.95))] = rng.uniform(150, 255)
    return image + rng.normal(0, rng.uniform(2, 12), (SIDE, SIDE))


def _ultrasound(rng: np.random.Generator) -> np.ndarray:
    """Speckle in a sector on black."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    depth, angle = np.hypot(x - 0.5, y + 0.1), np.arctan2(x - 0.5, y + 0.1)
    speckle = cv2.GaussianBlur(rng.rayleigh(1, (SIDE, SIDE)), (0, 0), float(rng.uniform(0.6, 1.6)))
    inside = (abs(angle) < rng.uniform(0.4, 0.8)) & (depth < rng.uniform(0.85, 1.05)) & (depth > 0.15)
    image = np.where(inside, 130 * speckle * _cloud(rng, 1.6) ** rng.uniform(0.7, 2), 0)
    image[_ellipse(rng, (0.04, 0.2), shift=0.15) < 1] *= rng.uniform(0, 0.5)
    return image


def _fundus(rng: np.random.Generator) -> np.ndarray:
    """An orange disc on black with dark, winding vessels that leave a bright spot."""
    ground = np.array([200, 95, 45]) * rng.uniform(0.6, 1.2, 3)
    image = ground * (0.7 + 0.4 * _cloud(rng, 1.8)[..., None])
    start = rng.uniform(0.3, 0.7, 2) * SIDE
    for _ in range(int(rng.integers(5, 12))):
        turns = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.25, 30))
        course = start + np.cumsum(5 * np.column_stack([np.cos(turns), np.sin(turns)]), axis=0)
        cv2.polylines(image, [course.astype(np.int32)], False, (ground * 0.5).tolist(), int(rng.integers(1, 4)))
    cv2.circle(image, start.astype(int).tolist(), int(rng.integers(8, 16)), (250, 220, 140), -1)
    image[_ellipse(rng, (0.46, 0.5), shift=0.01) > 1] = 0
    return cv2.GaussianBlur(image, (0, 0), 1)


def _histology(rng: np.random.Generator) -> np.ndarray:
    """Purple nuclei strewn over a pink, cloudy ground."""
    cloud = _cloud(rng, 1)[..., None]
    image = np.array([235, 170, 205]) * cloud + np.array([250, 225, 240]) * (1 - cloud)
    size = rng.uniform(1.5, 6)
    for _ in range(int(rng.integers(60, 400))):
        centre, axes = rng.integers(0, SIDE, 2).tolist(), np.maximum(1, rng.normal(size, 1, 2)).astype(int).tolist()
        colour = (np.array([110, 60, 140]) * rng.uniform(0.7, 1.3)).tolist()
        cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.2)))


def _chart(rng: np.random.Generator) -> np.ndarray:
    image = np.full((SIDE, SIDE, 3), 255.0)
    for _ in range(int(rng.integers(1, 4))):
        heights = (SIDE * rng.uniform(0.15, 0.85, int(rng.integers(4, 14)))).astype(int)
        places = np.linspace(24, SIDE - 12, len(heights)).astype(int)
        colour = _colour(rng).tolist()
        if rng.random() < 0.5:
            cv2.polylines(image, [np.column_stack([places, heights])], False, colour, 2, cv2.LINE_AA)
            continue
        for place, height in zip(places.tolist(), heights.tolist(), strict=True):
            cv2.rectangle(image, (place - 4, height), (place + 4, SIDE - 16), colour, -1)
    cv2.polylines(image, [np.array([[16, 8], [16, SIDE - 16], [SIDE - 8, SIDE - 16]])], False, (30, 30, 30), 1)
    return image


def _matrix_code(rng: np.random.Generator) -> np.ndarray:
    """Like a QR code: random modules with three corner squares in a white margin."""
    modules = int(rng.integers(21, 45))
    cells = np.where(rng.random((modules, modules)) < 0.5, 0.0, 255.0)
    for top, left in ((0, 0), (0, modules - 7), (modules - 7, 0)):
        cells[top : top + 7, left : left + 7] = 0
        cells[top + 1 : top + 6, left + 1 : left + 6] = 255
        cells[top + 2 : top + 5, left + 2 : left + 5] = 0
    margin = int(rng.integers(0, 6))
    return cv2.resize(np.pad(cells, margin, constant_values=255), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)


def _screenshot(rng: np.random.Generator) -> np.ndarray:
    """Windows with a title bar, rows of text and a few buttons."""
    image = np.full((SIDE, SIDE, 3), rng.choice([250.0, 235.0, 30.0]))
    for _ in range(int(rng.integers(1, 4))):
        left, top = rng.integers(0, SIDE // 2, 2).tolist()
        right, bottom = (np.array([left, top]) + rng.integers(60, SIDE, 2)).tolist()
        cv2.rectangle(image, (left, top), (right, bottom), rng.choice([255.0, 245.0, 45.0], 1).repeat(3).tolist(), -1)
        cv2.rectangle(image, (left, top), (right, top + 12), _colour(rng).tolist(), -1)
        for y in range(top + 20, bottom - 4, 9):
            cv2.line(image, (left + 6, y), (left + 6 + int(rng.integers(10, 90)), y), (120, 120, 120), 2)
        cv2.rectangle(image, (right - 40, bottom - 16), (right - 6, bottom - 5), _colour(rng).tolist(), -1)
    return image


_KINDS = (
    _blank, _noise, _gradient, _checker, _text_page, _shapes, _stripes, _soft_noise, _texture, _tomogram, _ultrasound,
    _fundus, _histology, _chart, _matrix_code, _screenshot,
)  # fmt: skip


def _crop(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A part of the photo: 55 to 100 % of each side."""
    height, width = (np.array(photo.shape[:2]) * rng.uniform(0.55, 1, 2)).astype(int)
    top, left = (
        int(rng.integers(0, full - part + 1)) for full, part in zip(photo.shape, (height, width), strict=False)
    )
    return photo[top : top + height, left : left + width]


def _grey_copy(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return to_grey(photo)


def _skin_coloured(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photo's light and dark in the colours of one skin: Lab mean and spread set as in Reinhard et al. (2001)."""
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB).astype(float)
    colour = (lab[..., 1:] - lab[..., 1:].mean((0, 1))) / (lab[..., 1:].std((0, 1)) + 1)
    # The middle 90 % of medians and spreads of a and b on photos of the injury set.
    lab[..., 1:] = 128 + rng.uniform((4, 5), (32, 30)) + colour * rng.uniform(3, 15)
    return cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)


def _inverted(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 255 - to_grey(photo)


def _framed(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey, inside a black frame or a round mask, as radiographs and scans often are."""
    height, width = photo.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    axes = tuple(int(side * rng.uniform(0.3, 0.5)) for side in (width, height))
    if rng.random() < 0.5:
        cv2.ellipse(mask, (width // 2, height // 2), axes, 0, 0, 360, 1, -1)
    else:
        mask[height // 2 - axes[1] : height // 2 + axes[1], width // 2 - axes[0] : width // 2 + axes[0]] = 1
    return to_grey(photo) * mask[..., None]


def _as_it_is(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return photo


_VARIATIONS = (_grey_copy, _skin_coloured, _as_it_is, _framed, _skin_coloured, _inverted, _as_it_is, _grey_copy)
