"""The oddities of alterations.py, made in another way: what the gate's heads are measured with, and never learn from.

Pillow draws instead of OpenCV: TrueType instead of stroke fonts, filled arrow heads, brushes of round dabs; stripes of
a screen come from its coloured subpixels being resampled, not from waves. All functions take and give uint8 RGB.
"""

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Picture = np.ndarray
Rng = np.random.Generator

COLOURS = ("#e6194b", "#ffe119", "#3cb44b", "#42d4f4", "#f032e6", "#4363d8", "#f58231")
LINES = (
    "ANONYMOUS",
    "Study 7/11",
    "not for diagnosis",
    "see arrow",
    "15 Jan 2021",
    "rechts",
    "Knie",
    "sample",
    "XR 20",
)


def turn(picture: Picture, quarters: int) -> Picture:
    """Turned to the left by so many quarters."""
    ways = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
    return np.array(Image.fromarray(picture).transpose(ways[quarters]))


def invert(picture: Picture, rng: Rng) -> Picture:
    """Light and dark exchanged, with the contrast that a viewer gives by itself."""
    negative = ImageOps.invert(Image.fromarray(picture).convert("L"))
    return np.array(ImageOps.autocontrast(negative, cutoff=float(rng.uniform(0, 2))).convert("RGB"))


def join(first: Picture, second: Picture, rng: Rng, *, beside: bool) -> Picture:
    """Two pictures on one page, each in a box of the same size with a margin, some with a letter under them."""
    side = 220
    box = (side, side) if rng.random() < 0.6 else ((side, 300) if beside else (300, side))
    gap, paper = int(rng.integers(0, 16)), str(rng.choice(["black", "white", "#303030"]))
    size = (2 * box[0] + 3 * gap, box[1] + 2 * gap) if beside else (box[0] + 2 * gap, 2 * box[1] + 3 * gap)
    page = Image.new("RGB", size, paper)
    for index, part in enumerate((first, second)):
        fitted = ImageOps.fit(Image.fromarray(part), box)
        place = (gap + index * (box[0] + gap), gap) if beside else (gap, gap + index * (box[1] + gap))
        page.paste(fitted, place)
        if rng.random() < 0.5:
            ImageDraw.Draw(page).text((place[0] + 4, place[1] + 2), "AB"[index], "white", ImageFont.load_default(14))
    return np.array(page)


def photograph(picture: Picture, rng: Rng) -> Picture:
    """A screen with its coloured subpixels, tilted and resampled, with a window's reflection and a frame around it."""
    screen = _subpixels(Image.fromarray(picture), rng)
    rim = int(max(screen.size) * rng.uniform(0.02, 0.12))
    framed = ImageOps.expand(screen, rim, str(rng.choice(["#101010", "#202428", "#c8c8c0", "#e8eef4"])))
    tilted = _tilt(framed, rng)
    camera = tilted.resize([round(side * rng.uniform(0.36, 0.45)) for side in tilted.size], Image.Resampling.BILINEAR)
    camera = _reflect(camera, rng)
    camera = ImageEnhance.Contrast(camera).enhance(float(rng.uniform(0.7, 1.05)))
    red, green, blue = camera.split()
    blue = blue.point([min(255, round(level * 1.1) + 8) for level in range(256)])
    return np.array(Image.merge("RGB", (red, green, blue)).filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 0.8)))))


def draw_on(picture: Picture, rng: Rng) -> Picture:
    """One or two marks of a drawing program or a pen."""
    drawn = Image.fromarray(picture)
    for _ in range(int(rng.integers(1, 3))):
        _MARKS[int(rng.integers(len(_MARKS)))](drawn, str(rng.choice(COLOURS)), rng)
    return np.array(drawn)


def cover(picture: Picture, rng: Rng) -> Picture:
    """A sticker with lines of text, a watermark across the picture, or a row of black blocks."""
    image = Image.fromarray(picture)
    width, height = image.size
    return np.array((_sticker, _watermark, _blocks)[int(rng.integers(3))](image, width, height, rng))


def letter(picture: Picture, rng: Rng) -> Picture:
    """A small letter in a corner, as on radiographs: nothing is hidden."""
    image = Image.fromarray(picture)
    width, height = image.size
    font = ImageFont.load_default(max(8, round(height * rng.uniform(0.04, 0.07))))
    place = (width * rng.choice([0.02, 0.9]), height * rng.choice([0.01, 0.9]))
    ImageDraw.Draw(image).text(place, str(rng.choice(["R", "L", "re", "li"])), "#f0f0f0", font)
    return np.array(image)


def frame(picture: Picture, rng: Rng) -> Picture:
    """A page around it: nothing odd, it is trimmed before reading."""
    image = Image.fromarray(picture)
    page = Image.new("RGB", (round(image.width * rng.uniform(1.05, 1.3)), round(image.height * rng.uniform(1.05, 1.3))),
                     str(rng.choice(["black", "white", "#202020"])))  # fmt: skip
    page.paste(image, ((page.width - image.width) // 2, (page.height - image.height) // 2))
    return np.array(page)


def see_round(picture: Picture, rng: Rng) -> Picture:
    """In a round field with a soft black edge, as dermatoscopes show it: nothing odd."""
    image = Image.fromarray(picture)
    mask, radius = Image.new("L", image.size), min(image.size) * rng.uniform(0.44, 0.58)
    x, y = image.width / 2, image.height / 2
    ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 0.02 * radius + 0.6))))
    return np.array(Image.composite(image, Image.new("RGB", image.size, "#060404"), mask))


def _subpixels(image: Image.Image, rng: Rng) -> Image.Image:
    """Each pixel as three stripes of red, green and blue, three times as large."""
    large = image.resize((image.width * 3, image.height * 3), Image.Resampling.NEAREST)
    grid = np.full((large.height, large.width, 3), rng.uniform(0.35, 0.8))
    for channel in range(3):
        grid[:, channel::3, channel] = 1.0
    grid[::3] *= rng.uniform(0.6, 1.0)
    lit = np.asarray(large, np.float32) * grid * 1.25
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))


def _tilt(image: Image.Image, rng: Rng) -> Image.Image:
    """Turned a little, then seen from the side: each corner of the photo shows another place of the screen."""
    turned = image.rotate(float(rng.uniform(-6, 6)), Image.Resampling.BILINEAR, fillcolor=(60, 58, 55))
    width, height = turned.size
    shift = rng.uniform(-0.08, 0.08, (4, 2)) * [width, height]
    corners = np.array([[0, 0], [0, height], [width, height], [width, 0]]) + shift
    data = tuple(float(value) for value in corners.ravel())
    return turned.transform((width, height), Image.Transform.QUAD, data, Image.Resampling.BILINEAR)


def _reflect(image: Image.Image, rng: Rng) -> Image.Image:
    """A bright window, blurred, screened over it."""
    light = Image.new("RGB", image.size)
    left, top = rng.uniform(0, 0.7, 2) * image.size
    right, bottom = np.array([left, top]) + rng.uniform(0.1, 0.35, 2) * image.size
    level = int(rng.integers(0, 170))
    ImageDraw.Draw(light).rectangle((left, top, right, bottom), (level, level, min(255, level + 15)))
    return ImageChops.screen(image, light.filter(ImageFilter.GaussianBlur(0.04 * max(image.size))))


def _somewhere(image: Image.Image, rng: Rng) -> np.ndarray:
    return rng.uniform(0.25, 0.75, 2) * image.size


def _pointer(image: Image.Image, colour: str, rng: Rng) -> None:
    """A block arrow: a shaft and a filled triangle."""
    side, tip, angle = min(image.size), _somewhere(image, rng), rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    long, head, thin = side * rng.uniform(0.2, 0.35), side * rng.uniform(0.06, 0.1), side * rng.uniform(0.01, 0.025)
    neck, tail = tip + head * along, tip + long * along
    outline = [tip, neck + 0.6 * head * across, neck + thin * across, tail + thin * across,
               tail - thin * across, neck - thin * across, neck - 0.6 * head * across]  # fmt: skip
    ImageDraw.Draw(image).polygon([tuple(point) for point in outline], fill=colour)


def _ring(image: Image.Image, colour: str, rng: Rng) -> None:
    centre, reach = _somewhere(image, rng), rng.uniform(0.1, 0.22, 2) * min(image.size)
    box = (*(centre - reach), *(centre + reach))
    ImageDraw.Draw(image).ellipse(box, outline=colour, width=max(2, round(min(image.size) * rng.uniform(0.01, 0.02))))


def _brush(image: Image.Image, colour: str, rng: Rng) -> None:
    """A curve of round dabs, as a felt pen leaves it."""
    ends, pen = np.array([_somewhere(image, rng) for _ in range(3)]), ImageDraw.Draw(image)
    radius = min(image.size) * rng.uniform(0.008, 0.016)
    for t in np.linspace(0, 1, 80):
        x, y = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * ends[1] + t**2 * ends[2]
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


_MARKS = (_pointer, _ring, _brush)


def _sticker(image: Image.Image, width: int, height: int, rng: Rng) -> Image.Image:
    font = ImageFont.load_default(max(9, round(height * 0.07)))
    text = "\n".join(rng.choice(LINES, 2))
    pen = ImageDraw.Draw(image)
    box = pen.multiline_textbbox((0, 0), text, font)
    left, top = rng.uniform(0.1, 0.45) * width, rng.uniform(0.25, 0.6) * height
    pen.rectangle((left - 6, top - 6, left + box[2] + 6, top + box[3] + 6), fill=str(rng.choice(["white", "#ffffa0"])))
    pen.multiline_text((left, top), text, "black", font)
    return image


def _watermark(image: Image.Image, width: int, height: int, rng: Rng) -> Image.Image:
    layer = Image.new("L", image.size)
    font = ImageFont.load_default(max(14, round(height * rng.uniform(0.13, 0.2))))
    ImageDraw.Draw(layer).text((0.05 * width, 0.42 * height), str(rng.choice(LINES)).upper(), 255, font)
    layer = layer.rotate(float(rng.uniform(-35, 35)))
    strength = rng.uniform(0.75, 1.0)
    colour = "white" if np.asarray(image).mean() < 150 else "black"
    return Image.composite(
        Image.new("RGB", image.size, colour), image, layer.point([round(v * strength) for v in range(256)])
    )


def _blocks(image: Image.Image, width: int, height: int, rng: Rng) -> Image.Image:
    pen, shade = ImageDraw.Draw(image), str(rng.choice(["black", "white", "#808080"]))
    for _ in range(int(rng.integers(1, 4))):
        left, top = rng.uniform(0.1, 0.6) * width, rng.uniform(0.2, 0.7) * height
        pen.rectangle(
            (left, top, left + rng.uniform(0.2, 0.35) * width, top + rng.uniform(0.06, 0.14) * height), fill=shade
        )
    return image
