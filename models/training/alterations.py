"""Alterations that make a right picture an odd one, drawn with OpenCV: what the gate's heads learn from.

All functions take and give uint8 RGB [h, w, 3]. models/training/other_alterations.py draws the same oddities in another
way, for measurement.
"""

import cv2
import numpy as np

Picture = np.ndarray
Rng = np.random.Generator

STRONG = ((255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 220, 255), (255, 0, 255), (40, 40, 255), (255, 140, 0))
PLAIN = ((255, 255, 255), (0, 0, 0))
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_PLAIN)
WORDS = ("R", "L", "AP", "PORT", "Patient", "12.03.2019", "COPY", "DEMO", "ID 48213", "Left hand", "SUPINE", "Fig. 2")


def turn(picture: Picture, quarters: int) -> Picture:
    """Turned to the left by so many quarters."""
    return np.ascontiguousarray(np.rot90(picture, quarters))


def invert(picture: Picture, rng: Rng) -> Picture:
    """Light and dark exchanged; at times a little off pure black and white, as prints are."""
    low, high = rng.uniform(0, 20), rng.uniform(235, 255)
    return (high - picture / 255.0 * (high - low)).astype(np.uint8)


def join(first: Picture, second: Picture, rng: Rng, *, beside: bool) -> Picture:
    """Two pictures in one, side by side or above each other, with a gutter or none."""
    if not beside:
        return turn(join(turn(first, 1), turn(second, 1), rng, beside=True), 3)
    height = min(first.shape[0], second.shape[0])
    parts = [_of_height(part, height) for part in (first, second)]
    if rng.random() < 0.5:
        # Viewers give both the same width.
        wide = max(part.shape[1] for part in parts)
        parts = [cv2.resize(part, (wide, height), interpolation=cv2.INTER_AREA) for part in parts]
    gutter = int(height * rng.choice([0, rng.uniform(0, 0.08)]))
    shade = rng.choice([0, 255, int(rng.integers(0, 256))])
    return np.hstack([parts[0], np.full((height, gutter, 3), shade, np.uint8), parts[1]])


def photograph(picture: Picture, rng: Rng) -> Picture:
    """Seen by a camera on a screen or a light box: askew, with surroundings, stripes, glare and a cast of colour."""
    height, width = picture.shape[:2]
    canvas, corners = _surroundings(height, width, rng)
    seen = _moire(picture, rng) if rng.random() < 0.7 else picture.astype(np.float32)
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    size = canvas.shape[1::-1]
    warped = cv2.warpPerspective(seen, matrix, size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size)[..., None]
    photo = canvas * (1 - inside) + warped * inside
    photo = _light(photo, rng)
    return np.clip(photo + rng.normal(0, rng.uniform(0, 5), photo.shape), 0, 255).astype(np.uint8)


def draw_on(picture: Picture, rng: Rng) -> Picture:
    """Arrows, circles, crosses or pen strokes over it, one to three of them."""
    drawn = picture.copy()
    for _ in range(int(rng.integers(1, 4))):
        _MARKS[int(rng.integers(len(_MARKS)))](drawn, _ink(drawn, rng), rng)
    return drawn


def cover(picture: Picture, rng: Rng) -> Picture:
    """Text across the middle, a label or a bar over it: tissue is hidden."""
    covered = picture.copy()
    height, width = covered.shape[:2]
    if rng.random() < 0.5:
        tall, wide = int(height * rng.uniform(0.08, 0.3)), int(width * rng.uniform(0.25, 0.7))
        top = int((height - tall) * rng.uniform(0.15, 0.85))
        left = int((width - wide) * rng.uniform(0.1, 0.9))
        shade = [int(level) for level in rng.choice([0, 255, 200, 60]) * np.ones(3)]
        cv2.rectangle(covered, (left, top), (left + wide, top + tall), shade, -1)
        _write(covered, (left + wide // 12, top + int(tall * 0.7)), tall * 0.5, _opposite(shade), rng)
        return covered
    for _ in range(int(rng.integers(1, 3))):
        place = (int(width * rng.uniform(0.03, 0.35)), int(height * rng.uniform(0.3, 0.75)))
        _write(covered, place, height * rng.uniform(0.09, 0.2), _ink(covered, rng), rng, weight=2)
    return covered


def letter(picture: Picture, rng: Rng) -> Picture:
    """A small letter or a short line of text in a corner, such as radiographs and exports have: nothing is hidden."""
    marked = picture.copy()
    height, width = marked.shape[:2]
    x = int(width * (rng.uniform(0.01, 0.06) if rng.random() < 0.5 else rng.uniform(0.82, 0.92)))
    y = int(height * (rng.uniform(0.05, 0.09) if rng.random() < 0.5 else rng.uniform(0.93, 0.99)))
    size = max(7.0, height * rng.uniform(0.03, 0.07))
    text = str(rng.choice(["R", "L", "AP", "PA", "RL"]))
    shade = (230, 230, 230) if rng.random() < 0.8 else (20, 20, 20)
    cv2.putText(marked, text, (x, y), int(rng.choice(FONTS[:3])), size / 22, shade, 1, cv2.LINE_AA)
    return marked


def frame(picture: Picture, rng: Rng) -> Picture:
    """A border in black, white or grey: nothing odd, it is trimmed before reading."""
    height, width = picture.shape[:2]
    top, bottom, left, right = (rng.uniform(0, 0.15, 4) * [height, height, width, width]).astype(int).tolist()
    shade = int(rng.choice([0, 0, 255, int(rng.integers(0, 256))]))
    return cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(shade, shade, shade))


def see_round(picture: Picture, rng: Rng) -> Picture:
    """In the round field of a dermatoscope, black around it: nothing odd."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    centre = (np.array([height, width]) - 1) * rng.uniform(0.46, 0.54, 2)
    radius = min(height, width) * rng.uniform(0.42, 0.6)
    edge = radius * rng.uniform(0.005, 0.06)
    inside = np.clip((radius - np.hypot(y - centre[0], x - centre[1])) / edge, 0, 1)[..., None]
    return (picture * inside + rng.uniform(0, 12) * (1 - inside)).astype(np.uint8)


def _of_height(picture: Picture, height: int) -> Picture:
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _surroundings(height: int, width: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """What lies around a screen, float32 [h, w, 3], and the four corners of the picture in it, [4, 2] as x and y."""
    margins = rng.uniform(0.0, 0.2, 4) * [height, width, height, width]
    top, right, bottom, left = margins
    shape = (int(height + top + bottom), int(width + left + right), 3)
    if rng.random() < 0.4:
        # A light box, or a white page of a viewer.
        canvas = np.full(shape, 1.0) * rng.uniform(190, 255)
    else:
        canvas = np.full(shape, 1.0) * rng.uniform(0, 70, 3)
        if rng.random() < 0.5:
            canvas[: int(top * 0.5)] = rng.uniform(40, 200, 3)
            canvas[:, : int(left * 0.5)] = rng.uniform(40, 200, 3)
    corners = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])
    skew = rng.uniform(0.02, 0.1)
    return canvas.astype(np.float32), corners + rng.uniform(-skew, skew, (4, 2)) * [width, height]


def _moire(picture: Picture, rng: Rng) -> np.ndarray:
    """Bands of light and colour as the grids of screen and sensor make them, float32."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    bands = np.zeros((height, width, 3))
    for _ in range(int(rng.integers(1, 3))):
        angle, waves = rng.uniform(0, np.pi), rng.uniform(8, 60)
        bend = rng.uniform(0, 0.6) * (x - 0.5) ** 2 + rng.uniform(0, 0.6) * (y - 0.5) ** 2
        phase = 2 * np.pi * waves * (x * np.cos(angle) + y * np.sin(angle) + bend)
        shifts = rng.uniform(0, 2.5, 3) if rng.random() < 0.6 else np.zeros(3)
        bands += np.sin(phase[..., None] + shifts) * rng.uniform(0.02, 0.1)
    return (picture * (1 + bands) + 255 * 0.3 * bands).astype(np.float32)


def _light(photo: np.ndarray, rng: Rng) -> np.ndarray:
    """Fallen contrast, a cast of colour, glare and darker edges."""
    height, width = photo.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    photo = photo * rng.uniform(0.65, 1.0) + rng.uniform(5, 45)
    photo = photo * np.exp(rng.uniform(-0.12, 0.12, 3))
    if rng.random() < 0.6:
        centre, reach = rng.uniform(0, 1, 2) * [height, width], rng.uniform(0.08, 0.35) * max(height, width)
        glare = np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * reach**2))
        photo = photo + rng.uniform(40, 170) * glare[..., None]
    off = np.hypot(y / height - 0.5, x / width - 0.5)
    return np.asarray(photo * (1 - rng.uniform(0, 0.5) * off[..., None]))


def _ink(picture: Picture, rng: Rng) -> list[int]:
    colours = PLAIN if rng.random() < 0.35 else STRONG
    colour = list(colours[int(rng.integers(len(colours)))])
    if colours is PLAIN:
        # White where it is dark, else nobody would see it.
        colour = [255] * 3 if picture.mean() < 140 else [0] * 3
    return colour


def _opposite(shade: list[int]) -> list[int]:
    return [0] * 3 if shade[0] > 127 else [255] * 3


def _thickness(picture: Picture, rng: Rng) -> int:
    return max(2, round(min(picture.shape[:2]) * rng.uniform(0.008, 0.025)))


def _place(picture: Picture, rng: Rng, edge: float = 0.15) -> np.ndarray:
    height, width = picture.shape[:2]
    return rng.uniform(edge, 1 - edge, 2) * [width, height]


def _arrow(picture: Picture, ink: list[int], rng: Rng) -> None:
    tip, angle = _place(picture, rng), rng.uniform(0, 2 * np.pi)
    length = rng.uniform(0.15, 0.4) * min(picture.shape[:2])
    tail = tip + length * np.array([np.cos(angle), np.sin(angle)])
    start, end = tail.astype(int).tolist(), tip.astype(int).tolist()
    thickness, head = _thickness(picture, rng), float(rng.uniform(0.2, 0.45))
    cv2.arrowedLine(picture, start, end, ink, thickness, cv2.LINE_AA, tipLength=head)


def _circle(picture: Picture, ink: list[int], rng: Rng) -> None:
    side = min(picture.shape[:2])
    axes = tuple(int(side * reach) for reach in rng.uniform(0.08, 0.28, 2))
    centre = tuple(int(value) for value in _place(picture, rng, 0.25))
    cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, ink, _thickness(picture, rng), cv2.LINE_AA)


def _stroke(picture: Picture, ink: list[int], rng: Rng) -> None:
    turns = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.5, 14))
    step = rng.uniform(0.02, 0.05) * min(picture.shape[:2])
    course = _place(picture, rng, 0.3) + np.cumsum(step * np.column_stack([np.cos(turns), np.sin(turns)]), axis=0)
    cv2.polylines(picture, [course.astype(np.int32)], False, ink, _thickness(picture, rng), cv2.LINE_AA)


def _box(picture: Picture, ink: list[int], rng: Rng) -> None:
    corner, size = _place(picture, rng, 0.2), rng.uniform(0.15, 0.35, 2) * min(picture.shape[:2])
    start, end = corner.astype(int).tolist(), (corner + size).astype(int).tolist()
    cv2.rectangle(picture, start, end, ink, _thickness(picture, rng))


_MARKS = (_arrow, _arrow, _circle, _stroke, _box)


def _write(picture: Picture, place: tuple[int, int], size: float, ink: list[int], rng: Rng, *, weight: int = 1) -> None:
    text = " ".join(rng.choice(WORDS, int(rng.integers(1, 4))))
    cv2.putText(picture, text, place, int(rng.choice(FONTS[:3])), size / 22, ink, weight, cv2.LINE_AA)
