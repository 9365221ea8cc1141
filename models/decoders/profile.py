"""ICC profiles of matrix and curves, read as numbers and written anew (ICC.1:2022, 7 to 10).

Nothing of a stranger's profile is kept but three colorants and three curves at the 256 values that 8-bit samples have,
each of which has to be plausible.
"""

import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np

_MAX_TAGS = 100
_D50 = (0.9642, 1.0, 0.8249)
# Numbers of a parametric curve by its type, in the order g a b c d e f.
_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
# Colorants of common spaces, adapted to D50: by them a profile is named, not by a text in it.
_NAMES = {
    "sRGB": ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)),
    "Display P3": ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)),
    "Adobe RGB (1998)": ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)),
    "ProPhoto RGB": ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249)),
}


class UnfitProfile(ValueError):
    """No profile of matrix and curves, or one that is broken."""


@dataclass(frozen=True)
class Profile:
    """`colorants`: XYZ of red, green and blue, relative to D50; empty for grey. `curves`: for each channel linear
    light, 0 to 65535, at the samples 0 to 255."""

    colorants: tuple[tuple[float, ...], ...]
    curves: tuple[tuple[int, ...], ...]

    @property
    def space(self) -> str:
        """Of the samples: RGB or GRAY."""
        return "RGB" if self.colorants else "GRAY"

    @property
    def name(self) -> str:
        """Of a common colour space, else "RGB" or "GRAY" alone."""
        for name, known in _NAMES.items():
            if self.colorants and np.abs(np.subtract(self.colorants, known)).max() < 0.003:
                return name
        return self.space

    @cached_property
    def icc(self) -> bytes:
        """A clean version 4 profile of the same numbers."""
        tags = {b"desc": _text(self.name), b"cprt": _text("None"), b"wtpt": _xyz(_D50)}
        if self.colorants:
            tags |= {f"{c}XYZ".encode(): _xyz(xyz) for c, xyz in zip("rgb", self.colorants, strict=True)}
        channels = "rgb" if self.colorants else "k"
        tags |= {f"{c}TRC".encode(): _curve(curve) for c, curve in zip(channels, self.curves, strict=True)}
        return _assemble(self.space, tags)


def has_table(icc: bytes) -> bool:
    """Whether a profile converts by a table of colours, which matrix and curves cannot say.

    Raises UnfitProfile for bytes that are no profile.
    """
    return b"A2B0" in _tags(icc)


def colour_space(icc: bytes) -> str:
    """RGB, GRAY, CMYK ...: of the samples that the profile is for."""
    return icc[16:20].decode("latin-1").strip()


def read_profile(icc: bytes) -> Profile:
    """The numbers of a profile. Raises UnfitProfile where it has others, or ones that are no colours."""
    tags = _tags(icc)
    if b"A2B0" in tags:
        raise UnfitProfile("It converts by a table")
    try:
        if colour_space(icc) == "GRAY":
            return Profile((), (_read_curve(tags[b"kTRC"]),))
        colorants = tuple(_read_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ"))
        curves = tuple(_read_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
    except (KeyError, struct.error) as error:
        raise UnfitProfile(str(error)) from error
    if np.abs(colorants).max() > 2 or np.linalg.det(colorants) < 1e-3:
        raise UnfitProfile("Its colorants are no colours")
    return Profile(colorants, curves)


def _tags(icc: bytes) -> dict[bytes, bytes]:
    if len(icc) < 132 or icc[36:40] != b"acsp":
        raise UnfitProfile("It has no header")
    count = struct.unpack(">I", icc[128:132])[0]
    if count > _MAX_TAGS or len(icc) < 132 + 12 * count:
        raise UnfitProfile("Its table of tags is broken")
    entries = (struct.unpack_from(">4sII", icc, 132 + 12 * index) for index in range(count))
    return {name: icc[start : start + size] for name, start, size in entries}


def _read_xyz(tag: bytes) -> tuple[float, ...]:
    if tag[:4] != b"XYZ ":
        raise UnfitProfile("A colorant is no XYZ")
    return tuple(value / 65536 for value in struct.unpack_from(">3i", tag, 8))


def _read_curve(tag: bytes) -> tuple[int, ...]:
    """Linear light, 0 to 65535, at the samples 0 to 255."""
    samples = np.arange(256) / 255
    if tag[:4] == b"para":
        light = _parametric(tag, samples)
    elif tag[:4] == b"curv":
        light = _sampled(tag, samples)
    else:
        raise UnfitProfile("A curve is of no known type")
    if not np.isfinite(light).all() or (np.diff(light) < 0).any() or light[-1] <= light[0]:
        raise UnfitProfile("A curve does not rise")
    return tuple(int(value) for value in np.rint(np.clip(light, 0, 1) * 65535))


def _sampled(tag: bytes, samples: np.ndarray) -> np.ndarray:
    """A curve of type curv: none (straight), one (a gamma) or many values (evenly spaced)."""
    count = struct.unpack_from(">I", tag, 8)[0]
    if count == 0:
        return samples
    if count == 1:
        return samples ** (struct.unpack_from(">H", tag, 12)[0] / 256)
    if len(tag) < 12 + 2 * count:
        raise UnfitProfile("A curve is cut off")
    values = np.frombuffer(tag, ">u2", count, 12) / 65535
    return np.interp(samples, np.linspace(0, 1, count), values)


def _parametric(tag: bytes, samples: np.ndarray) -> np.ndarray:
    """A curve of type para: (a x + b) ** g + e from d on, c x + f below (ICC.1:2022, table 68)."""
    kind = struct.unpack_from(">H", tag, 8)[0]
    if kind not in _PARAMETERS:
        raise UnfitProfile("A curve is of no known type")
    numbers = [value / 65536 for value in struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)]
    g, a, b, c, d, e, f = numbers + [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(numbers) :]
    if kind in (1, 2):
        # Below -b / a these two are flat, at 0 or at their fourth number.
        e, f = (c, c) if kind == 2 else (0.0, 0.0)
        c, d = 0.0, (-b / a if a else 0.0)
    with np.errstate(all="ignore"):
        return np.where(samples >= d, np.clip(a * samples + b, 0, None) ** g + e, c * samples + f)


def _text(text: str) -> bytes:
    # Not by the codec of UTF-16: Python loads it when it is first asked for, and a confined process opens no file.
    words = struct.pack(f">{len(text)}H", *map(ord, text))
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(words), 28) + words


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve(values: tuple[int, ...]) -> bytes:
    return b"curv" + bytes(4) + struct.pack(f">I{len(values)}H", len(values), *values)


def _assemble(space: str, tags: dict[bytes, bytes]) -> bytes:
    """A profile file; tags of the same content share their bytes."""
    start, table, body, places = 132 + 12 * len(tags), b"", b"", {}
    for name, content in tags.items():
        if content not in places:
            places[content] = start + len(body)
            body += content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, places[content], len(content))
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"", 0x04200000, b"mntr", space.encode().ljust(4), b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(value * 65536) for value in _D50))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _srgb_curve() -> tuple[int, ...]:
    """Linear light of sRGB (IEC 61966-2-1)."""
    samples = np.arange(256) / 255
    light = np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)
    return tuple(int(value) for value in np.rint(light * 65535))


DISPLAY_P3 = Profile(_NAMES["Display P3"], (_srgb_curve(),) * 3)
