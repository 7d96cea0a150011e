"""Preview pictures: a gradient and the title, the same for the same video."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

_SIZE = (640, 360)
_PALETTES = (
    ("#14213d", "#e09f3e"),
    ("#132a13", "#90a955"),
    ("#3c096c", "#ff9e00"),
    ("#0b3954", "#bfd7ea"),
    ("#5f0f40", "#fb8b24"),
    ("#1d3557", "#a8dadc"),
)


@lru_cache(maxsize=600)
def thumbnail(key: str, title: str) -> bytes:
    """A JPEG of 640 by 360."""
    digest = hashlib.sha256(key.encode()).digest()
    dark, light = _PALETTES[digest[0] % len(_PALETTES)]
    ramp = Image.radial_gradient("L").resize((900, 900))
    left, top = digest[2] % 260, digest[3] * 2 % 540
    picture = Image.composite(
        Image.new("RGB", _SIZE, dark),
        Image.new("RGB", _SIZE, light),
        ramp.crop((left, top, left + 640, top + 360)),
    )
    draw = ImageDraw.Draw(picture, "RGBA")
    draw.rectangle((0, 220, 640, 360), fill=(0, 0, 0, 110))
    font = ImageFont.load_default(34)
    line, lines = "", []
    for word in "".join(c if c.isprintable() and ord(c) < 0x250 else " " for c in title).split():
        if line and draw.textlength(f"{line} {word}", font) > 590:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    for place, text in enumerate([*lines, line][:2]):
        draw.text((24, 240 + 46 * place), text[:60], fill="white", font=font)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=82)
    return out.getvalue()
