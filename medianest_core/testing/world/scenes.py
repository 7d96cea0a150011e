"""Landscapes and patterns for generated pictures, each drawn in a handful of shapes from one palette."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Palette:
    """Sky from `high` to `low`, silhouettes in `dark`, one light in `glow`, text in `ink`."""

    high: Colour
    low: Colour
    dark: Colour
    glow: Colour
    ink: Colour


def _palette(*codes: str) -> Palette:
    return Palette(*(tuple(bytes.fromhex(code)) for code in codes))  # type: ignore[arg-type]  # three bytes each


PALETTES = (
    _palette("16213e", "e0876a", "0d1326", "ffd9a0", "fff4e3"),
    _palette("0b3954", "bfd7ea", "06212f", "ff6663", "ffffff"),
    _palette("2d1e2f", "e36397", "170f19", "ffd3b4", "fff1ea"),
    _palette("1b4332", "d8e2a8", "0b1f17", "f9dc5c", "fdfbe8"),
    _palette("3c1642", "f0a6ca", "1c0a20", "affc41", "fdf3fa"),
    _palette("22223b", "c9ada7", "12121f", "f2e9e4", "fffaf6"),
    _palette("5f0f40", "fb8b24", "2a051c", "ffe0a3", "fff5e0"),
    _palette("03071e", "370617", "000208", "f48c06", "ffe9c7"),
    _palette("023e8a", "90e0ef", "01183a", "fdfcdc", "ffffff"),
    _palette("264653", "e9c46a", "12232b", "f4a261", "fff8e7"),
    _palette("4a4e69", "f2d0a4", "22243a", "c03221", "fffdf8"),
    _palette("0f0f1b", "565a75", "07070d", "c6b7be", "fafbf6"),
    _palette("7f2a2a", "e8b88a", "2f0d0d", "fff1c9", "fff8ea"),
    _palette("06373a", "52b69a", "031b1d", "d9ed92", "f5ffe6"),
)


class Canvas:
    """A picture in the making, at `scale` times its final size for smooth edges."""

    def __init__(self, width: int, height: int, rng: random.Random, palette: Palette, scale: int = 2) -> None:
        self.w, self.h = width * scale, height * scale
        self.rng = rng
        self.palette = palette
        self.scale = scale
        self.image = gradient(self.w, self.h, palette.high, palette.low)

    @cached_property
    def draw(self) -> ImageDraw.ImageDraw:
        """Draws onto the picture; made after the last `glow`."""
        return ImageDraw.Draw(self.image)

    def glow(self, x: float, y: float, radius: float, strength: float = 0.75) -> None:
        """A soft light; before anything is drawn in front of it."""
        small = (max(2, self.w // 16), max(2, self.h // 16))
        mask = Image.new("L", small, 0)
        box = [(x - radius) / 16, (y - radius) / 16, (x + radius) / 16, (y + radius) / 16]
        ImageDraw.Draw(mask).ellipse(box, fill=int(255 * strength))
        mask = mask.filter(ImageFilter.GaussianBlur(max(1.0, radius / 40))).resize(
            (self.w, self.h), Image.Resampling.BICUBIC
        )
        self.image.paste(Image.new("RGB", (self.w, self.h), self.palette.glow), (0, 0), mask)
        self.__dict__.pop("draw", None)

    def disc(self, x: float, y: float, radius: float, fill: Colour) -> None:
        """A filled circle."""
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)

    def ground(self, points: list[Point], fill: Colour) -> None:
        """Everything below a line that runs from left to right."""
        self.draw.polygon([(0, self.h), *points, (self.w, self.h)], fill=fill)


def mix(a: Colour, b: Colour, part: float) -> Colour:
    """`part` 0 is `a`, 1 is `b`."""
    return (
        round(a[0] + (b[0] - a[0]) * part),
        round(a[1] + (b[1] - a[1]) * part),
        round(a[2] + (b[2] - a[2]) * part),
    )


def gradient(width: int, height: int, top: Colour, bottom: Colour) -> Image.Image:
    """From `top` to `bottom`."""
    ramp = Image.linear_gradient("L").resize((width, height), Image.Resampling.BILINEAR)
    return Image.composite(
        Image.new("RGB", (width, height), bottom), Image.new("RGB", (width, height), top), ramp
    )


def ridge(c: Canvas, base: float, rough: float, steps: int) -> list[Point]:
    """A mountain line by midpoint displacement."""
    heights = [base + c.rng.uniform(-rough, rough), base + c.rng.uniform(-rough, rough)]
    while len(heights) < steps:
        fine: list[float] = []
        for left, right in pairwise(heights):
            fine += [left, (left + right) / 2 + c.rng.uniform(-rough, rough)]
        heights = [*fine, heights[-1]]
        rough *= 0.52
    return [(c.w * i / (len(heights) - 1), y) for i, y in enumerate(heights)]


def mountains(c: Canvas) -> None:
    """Three ranges under a low sun."""
    x, y = c.w * c.rng.uniform(0.25, 0.75), c.h * c.rng.uniform(0.25, 0.42)
    c.glow(x, y, c.w * 0.3, 0.5)
    c.disc(x, y, c.w * 0.1, c.palette.glow)
    for layer, part in enumerate((0.35, 0.65, 1.0)):
        c.ground(
            ridge(c, c.h * (0.5 + 0.13 * layer), c.h * 0.12, 60), mix(c.palette.low, c.palette.dark, part)
        )


def sea(c: Canvas) -> None:
    """A sun sinking into bands of water."""
    horizon, x = c.h * 0.58, c.w * c.rng.uniform(0.3, 0.7)
    c.glow(x, horizon, c.w * 0.42, 0.55)
    c.disc(x, horizon - c.h * 0.03, c.w * 0.17, c.palette.glow)
    for step in range(9):
        y = horizon + (c.h - horizon) * (step / 9) ** 1.35
        shift = c.rng.uniform(0, math.tau)
        line = [(c.w * i / 40, y + math.sin(i * 0.55 + shift) * c.h * 0.004 * (1 + step)) for i in range(41)]
        c.ground(line, mix(mix(c.palette.low, c.palette.high, 0.35), c.palette.dark, 0.15 + step / 10))
    if c.rng.random() < 0.6:
        boat, size = c.w * c.rng.uniform(0.2, 0.8), c.w * 0.05
        c.draw.polygon(
            [
                (boat, horizon - size * 2.1),
                (boat, horizon - size * 0.1),
                (boat + size * 1.2, horizon - size * 0.1),
            ],
            fill=c.palette.ink,
        )
        c.draw.polygon(
            [
                (boat - size, horizon),
                (boat + size * 1.5, horizon),
                (boat + size, horizon + size * 0.5),
                (boat - size * 0.6, horizon + size * 0.5),
            ],
            fill=c.palette.dark,
        )


def city(c: Canvas) -> None:
    """Two rows of towers with lit windows."""
    c.glow(c.w * 0.5, c.h * 0.62, c.w * 0.5, 0.45)
    c.disc(c.w * c.rng.uniform(0.2, 0.8), c.h * 0.2, c.w * 0.06, mix(c.palette.glow, c.palette.low, 0.2))
    for row, part in ((0, 0.55), (1, 1.0)):
        x = -c.w * 0.03
        while x < c.w:
            width = c.w * c.rng.uniform(0.07, 0.16)
            top = c.h * (c.rng.uniform(0.36, 0.6) + row * 0.12)
            fill = mix(c.palette.low, c.palette.dark, part)
            c.draw.rectangle((x, top, x + width, c.h), fill=fill)
            if row:
                _windows(c, x, top, width)
            x += width + c.w * 0.008


def _windows(c: Canvas, x: float, top: float, width: float) -> None:
    step = c.w * 0.026
    lit = mix(c.palette.glow, c.palette.dark, 0.15)
    for row in range(int((c.h - top) / (step * 1.5))):
        for column in range(max(1, int(width / step) - 1)):
            if c.rng.random() < 0.32:
                left, upper = x + step * (column + 0.6), top + step * (0.8 + row * 1.5)
                c.draw.rectangle((left, upper, left + step * 0.45, upper + step * 0.75), fill=lit)


def planets(c: Canvas) -> None:
    """A ringed world among stars."""
    c.image.paste(gradient(c.w, c.h, c.palette.dark, c.palette.high), (0, 0))
    radius = min(c.w, c.h * 0.75) * c.rng.uniform(0.2, 0.3)
    x, y = c.w * c.rng.uniform(0.35, 0.65), c.h * c.rng.uniform(0.34, 0.44)
    c.glow(x, y, radius * 1.5, 0.35)
    for _ in range(150):
        c.disc(
            c.rng.uniform(0, c.w), c.rng.uniform(0, c.h), c.w * c.rng.uniform(0.0008, 0.0024), c.palette.ink
        )
    ring = (x - radius * 1.9, y - radius * 0.42, x + radius * 1.9, y + radius * 0.42)
    c.draw.arc(ring, 180, 360, fill=mix(c.palette.glow, c.palette.dark, 0.3), width=int(c.w * 0.012))
    c.disc(x, y, radius, c.palette.low)
    shade = Image.new("L", (c.w, c.h), 0)
    ImageDraw.Draw(shade).ellipse((x - radius, y - radius, x + radius, y + radius), fill=175)
    ImageDraw.Draw(shade).ellipse(
        (x - radius * 1.35, y - radius * 1.25, x + radius * 0.75, y + radius * 0.85), fill=0
    )
    c.image.paste(Image.new("RGB", (c.w, c.h), c.palette.dark), (0, 0), shade)
    c.__dict__.pop("draw", None)
    c.draw.arc(ring, 0, 180, fill=c.palette.glow, width=int(c.w * 0.012))
    c.disc(x + radius * 1.5, y - radius * 1.1, radius * 0.13, c.palette.glow)


def forest(c: Canvas) -> None:
    """Firs in three depths of mist."""
    c.glow(c.w * c.rng.uniform(0.3, 0.7), c.h * 0.3, c.w * 0.3, 0.5)
    for layer, part in enumerate((0.3, 0.6, 1.0)):
        base = c.h * (0.6 + 0.16 * layer)
        fill = mix(c.palette.low, c.palette.dark, part)
        count = 16 - layer * 4
        for i in range(count + 1):
            x = c.w * (i + c.rng.uniform(-0.3, 0.3)) / count
            tall, wide = c.h * c.rng.uniform(0.14, 0.24) * (1 + layer * 0.3), c.w * 0.05 * (1 + layer * 0.35)
            for tier in range(3):
                top, foot = base - tall + tall * 0.26 * tier, base - tall + tall * (0.45 + 0.28 * tier)
                spread = wide * (0.45 + 0.28 * tier)
                c.draw.polygon([(x, top), (x - spread, foot), (x + spread, foot)], fill=fill)
        c.draw.rectangle((0, base - c.h * 0.02, c.w, c.h), fill=fill)


def dunes(c: Canvas) -> None:
    """Long curves of sand and a high sun."""
    x, y = c.w * c.rng.uniform(0.2, 0.8), c.h * 0.24
    c.glow(x, y, c.w * 0.24, 0.6)
    c.disc(x, y, c.w * 0.085, c.palette.glow)
    for layer in range(5):
        shift, base = c.rng.uniform(0, math.tau), c.h * (0.48 + layer * 0.1)
        line = [
            (c.w * i / 60, base + math.sin(i / 60 * math.tau * 0.8 + shift) * c.h * 0.05) for i in range(61)
        ]
        c.ground(line, mix(c.palette.low, c.palette.dark, 0.12 + layer * 0.2))


def rays(c: Canvas) -> None:
    """Beams from a point near the edge."""
    x, y = c.w * c.rng.uniform(0.3, 0.7), c.h * c.rng.uniform(0.5, 0.62)
    c.glow(x, y, c.w * 0.5, 0.35)
    count, turn, reach = c.rng.choice((14, 18, 22)), c.rng.random(), c.h * 1.5
    beam = mix(c.palette.high, c.palette.low, 0.42)
    for i in range(count):
        a, b = (math.tau * (i + turn + d) / count for d in (0.0, 0.5))
        c.draw.polygon(
            [
                (x, y),
                (x + math.cos(a) * reach, y + math.sin(a) * reach),
                (x + math.cos(b) * reach, y + math.sin(b) * reach),
            ],
            fill=beam,
        )
    for size, fill in ((0.24, c.palette.dark), (0.21, c.palette.glow), (0.12, c.palette.dark)):
        c.disc(x, y, c.w * size, fill)


def arches(c: Canvas) -> None:
    """Nested doorways with a light in the last one."""
    x, foot = c.w * 0.5, c.h * 0.8
    c.draw.rectangle((0, foot, c.w, c.h), fill=c.palette.dark)
    steps, unit = 6, min(c.w, c.h * 0.7)
    for step in range(steps):
        wide, tall = unit * (0.44 - step * 0.062), c.h * (0.62 - step * 0.085)
        fill = c.palette.glow if step == steps - 1 else mix(c.palette.dark, c.palette.low, step / steps)
        c.draw.rectangle((x - wide, foot - tall + wide, x + wide, foot), fill=fill)
        c.draw.ellipse((x - wide, foot - tall, x + wide, foot - tall + wide * 2), fill=fill)
    size = unit * 0.018
    c.disc(x, foot - size * 5.2, size, c.palette.dark)
    c.draw.polygon(
        [(x, foot - size * 5), (x - size * 1.5, foot), (x + size * 1.5, foot)], fill=c.palette.dark
    )


def circles(c: Canvas) -> None:
    """Overlapping discs, as on an old record sleeve."""
    for _ in range(7):
        radius = c.w * c.rng.uniform(0.1, 0.38)
        x, y = c.w * c.rng.uniform(0.05, 0.95), c.h * c.rng.uniform(0.05, 0.66)
        tint = mix(
            c.rng.choice((c.palette.glow, c.palette.dark, c.palette.low)),
            c.palette.high,
            c.rng.uniform(0.0, 0.5),
        )
        mask = Image.new("L", (c.w, c.h), 0)
        ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=190)
        c.image.paste(Image.new("RGB", (c.w, c.h), tint), (0, 0), mask)
    c.__dict__.pop("draw", None)
    for ring in range(5):
        radius = c.w * (0.1 + ring * 0.05)
        c.draw.ellipse(
            (c.w / 2 - radius, c.h * 0.36 - radius, c.w / 2 + radius, c.h * 0.36 + radius),
            outline=c.palette.ink,
            width=max(2, c.w // 400),
        )


def road(c: Canvas) -> None:
    """A road to the horizon."""
    horizon, x = c.h * 0.52, c.w * c.rng.uniform(0.42, 0.58)
    c.glow(x, horizon, c.w * 0.35, 0.7)
    c.ground(ridge(c, horizon - c.h * 0.03, c.h * 0.05, 40), mix(c.palette.low, c.palette.dark, 0.5))
    c.draw.rectangle((0, horizon, c.w, c.h), fill=mix(c.palette.low, c.palette.dark, 0.78))
    c.draw.polygon([(x, horizon), (-c.w * 0.1, c.h), (c.w * 1.1, c.h)], fill=c.palette.dark)
    for step in range(7):
        near, far = (step / 7) ** 2, ((step + 0.5) / 7) ** 2
        y1, y2 = horizon + (c.h - horizon) * near, horizon + (c.h - horizon) * far
        w1, w2 = c.w * 0.02 * near, c.w * 0.02 * far
        m1, m2 = x + (c.w / 2 - x) * near, x + (c.w / 2 - x) * far
        c.draw.polygon([(m1 - w1, y1), (m1 + w1, y1), (m2 + w2, y2), (m2 - w2, y2)], fill=c.palette.glow)
    for pole in range(5):
        part = ((pole + 1) / 5) ** 1.8
        px, py = x - (x + c.w * 0.02) * part * 0.95, horizon + (c.h - horizon) * part * 0.55
        c.draw.line(
            (px, py, px, py - c.h * 0.3 * part), fill=c.palette.dark, width=max(2, int(c.w * 0.008 * part))
        )


Scene = Callable[[Canvas], None]
ALL: tuple[Scene, ...] = (mountains, sea, city, planets, forest, dunes, rays, arches, circles, road)
BY_GENRE: dict[str, tuple[Scene, ...]] = {
    "Drama": (sea, city, arches, forest, mountains, road, circles, dunes),
    "Science Fiction": (planets, planets, rays, arches),
    "Western": (dunes, road, mountains),
    "Crime": (city, city, road, arches),
    "Thriller": (city, rays, road, sea),
    "Mystery": (arches, forest, city, sea),
    "Horror": (forest, arches, forest),
    "Fantasy": (mountains, planets, forest, arches),
    "Adventure": (mountains, sea, dunes, forest),
    "Romance": (sea, circles, city),
    "Comedy": (circles, rays, road),
    "Family": (circles, forest, rays),
    "Animation": (circles, planets, rays),
    "Music": (circles, rays),
    "Documentary": (mountains, sea, forest, dunes),
    "War": (dunes, mountains, road),
    "History": (arches, dunes, mountains),
}
