"""Posters, backdrops and episode stills, a pure function of the seed and what is shown; all pictures are JPEG bytes."""

from __future__ import annotations

import hashlib
import io
import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from PIL import Image, ImageDraw, ImageFont

from medianest_core.testing.world.scenes import ALL, BY_GENRE, PALETTES, Canvas, Colour, gradient, mix

POSTER = (600, 900)
BACKDROP = (1280, 720)
STILL = (640, 360)
_SPELT = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "–": "-", "—": "-", "’": "'", "ł": "l"})


class Shown(Protocol):
    """What a picture is of. index: an episode's number. key: tells apart what bears the same name."""

    @property
    def type(self) -> str: ...

    @property
    def key(self) -> int: ...

    @property
    def title(self) -> str: ...

    @property
    def year(self) -> int | None: ...

    @property
    def genres(self) -> Sequence[str]: ...

    @property
    def directors(self) -> Sequence[str]: ...

    @property
    def studio(self) -> str | None: ...

    @property
    def index(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """`Shown` as plain facts."""

    type: str
    title: str
    year: int | None = None
    genres: Sequence[str] = ()
    directors: Sequence[str] = ()
    studio: str | None = None
    index: int | None = None
    key: int = 0


def poster(seed: int, item: Shown, label: str | None = None) -> bytes:
    """600 × 900 with the title set in type; `label` is a second line, such as a season's name."""
    canvas = _scene(seed, item, *POSTER)
    image = _finished(canvas, *POSTER)
    _veil(image, canvas.palette.dark)
    _title(image, item, canvas.palette.ink, canvas.palette.glow, label)
    return _jpeg(image)


def backdrop(seed: int, item: Shown, label: str | None = None) -> bytes:
    """1280 × 720 without words."""
    return _jpeg(_finished(_scene(seed, item, *BACKDROP), *BACKDROP))


def still(seed: int, item: Shown, label: str | None = None) -> bytes:
    """640 × 360 for one episode, with its number."""
    canvas = _scene(seed, item, *STILL)
    image = _finished(canvas, *STILL)
    if item.index is not None:
        draw = ImageDraw.Draw(image)
        draw.text((28, 330), f"{item.index:02d}", font=_font(92), fill=canvas.palette.ink, anchor="ls")
    return _jpeg(image)


def mosaic(title: str, pictures: list[bytes]) -> bytes:
    """600 × 900: up to four posters in a grid, or a plain card with the title when there are none."""
    rng = _random(0, title)
    palette = rng.choice(PALETTES)
    image = gradient(*POSTER, palette.high, palette.dark)
    if not pictures:
        ImageDraw.Draw(image).multiline_text(
            (300, 450),
            "\n".join(_wrap(_plain(title), 56, 480)),
            font=_font(56),
            fill=palette.ink,
            anchor="mm",
            align="center",
        )
        return _jpeg(image)
    across = 1 if len(pictures) == 1 else 2
    size = (POSTER[0] // across, POSTER[1] // across)
    for number, picture in enumerate(pictures[:4]):
        with Image.open(io.BytesIO(picture)) as opened:
            tile = _cover(opened.convert("RGB"), size)
        image.paste(tile, (number % across * size[0], number // across * size[1]))
    return _jpeg(image)


def avatar(name: str) -> bytes:
    """256 × 256 with initials."""
    palette = _random(0, name).choice(PALETTES)
    image = gradient(256, 256, palette.high, palette.low)
    initials = "".join(word[0] for word in _plain(name).split()[:2])
    ImageDraw.Draw(image).text((128, 132), initials, font=_font(104), fill=palette.ink, anchor="mm")
    return _jpeg(image)


def _random(seed: int, text: str) -> random.Random:
    digest = hashlib.blake2s(f"{seed}/{text}".encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest, "big"))


def _scene(seed: int, item: Shown, width: int, height: int) -> Canvas:
    # A film looks the same at every service; of what is part of a series there are many with one name.
    mark = item.year if item.type in ("movie", "show") and item.year else item.key
    rng = _random(seed, f"{item.type}/{mark}/{item.title}")
    palette = rng.choice(PALETTES)
    scene = rng.choice(BY_GENRE.get(item.genres[0], ALL) if item.genres else ALL)
    canvas = Canvas(width, height, rng, palette)
    scene(canvas)
    return canvas


def _finished(canvas: Canvas, width: int, height: int) -> Image.Image:
    image = canvas.image.resize((width, height), Image.Resampling.LANCZOS)
    edge = Image.radial_gradient("L").resize((width, height)).point(lambda v: max(0, v - 120) * 0.75)
    image.paste(Image.new("RGB", (width, height), canvas.palette.dark), (0, 0), edge)
    return Image.blend(image, _grain(width, height), 0.045)


@lru_cache(maxsize=4)
def _grain(width: int, height: int) -> Image.Image:
    return Image.effect_noise((width, height), 70).convert("RGB")


def _veil(image: Image.Image, dark: Colour) -> None:
    width, height = image.size
    ramp = Image.linear_gradient("L").resize((width, height // 2)).point(lambda v: min(235, v * 1.15))
    image.paste(
        Image.new("RGB", (width, height // 2), mix(dark, (0, 0, 0), 0.25)), (0, height - height // 2), ramp
    )


def _title(image: Image.Image, item: Shown, ink: Colour, glow: Colour, label: str | None) -> None:
    draw = ImageDraw.Draw(image)
    left, room = 48, POSTER[0] - 96
    size, lines = _fit(_plain(item.title), room)
    credit = label or (f"A film by {item.directors[0]}" if item.directors else item.studio or "")
    y = POSTER[1] - 62
    draw.text((left, y), _plain(credit), font=_font(24), fill=mix(ink, (0, 0, 0), 0.12), anchor="ls")
    if item.year is not None:
        draw.text(
            (POSTER[0] - left, y), str(item.year), font=_font(24), fill=mix(ink, (0, 0, 0), 0.12), anchor="rs"
        )
    y -= 46
    draw.line((left, y, left + 72, y), fill=glow, width=5)
    y -= 30
    for line in reversed(lines):
        draw.text(
            (left - 2, y), line, font=_font(size), fill=ink, anchor="ls", stroke_width=1, stroke_fill=ink
        )
        y -= int(size * 1.06)


def _plain(text: str) -> str:
    """What Pillow's own font can set: letters without their accents."""
    bare = unicodedata.normalize("NFKD", text.translate(_SPELT))
    return "".join(c for c in bare if c.isascii())


def _wrap(text: str, size: int, room: int) -> list[str]:
    """Lines no wider than `room`; a word that is too wide stands alone and is cut when drawn at the smallest size."""
    font = _font(size)
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= room:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines or ["?"]


def _fit(text: str, room: int) -> tuple[int, list[str]]:
    """The largest size at which the title takes at most three lines, else the smallest with what fits of it."""
    sizes = (84, 74, 66, 58, 50, 44, 38)
    for size in sizes:
        lines = _wrap(text, size, room)
        if len(lines) <= 3 and all(_font(size).getlength(line) <= room for line in lines):
            return size, lines
    lines = _wrap(text, sizes[-1], room)[:5]
    while any(_font(sizes[-1]).getlength(line) > room for line in lines):
        lines = [line if _font(sizes[-1]).getlength(line) <= room else line[:-1] for line in lines]
    return sizes[-1], lines


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _cover(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = max(size[0] / image.width, size[1] / image.height)
    grown = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    left, top = (grown.width - size[0]) // 2, (grown.height - size[1]) // 2
    return grown.crop((left, top, left + size[0], top + size[1]))


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=86, optimize=False)
    return out.getvalue()
