"""Blurhashes of pictures."""

from __future__ import annotations

from pathlib import Path

import blurhash
from PIL import Image, UnidentifiedImageError

_SIDE = 24
_PARTS = 4


def hashed(image: Image.Image) -> str:
    """The blurhash of an image."""
    small = image.convert("RGB").resize((_SIDE, _SIDE))
    pixels = small.tobytes()
    rows = [
        [list(pixels[at : at + 3]) for at in range(line, line + 3 * _SIDE, 3)]
        for line in range(0, len(pixels), 3 * _SIDE)
    ]
    return str(blurhash.encode(rows, components_x=_PARTS, components_y=_PARTS))


def blurhash_of(path: Path) -> str | None:
    """The same of a file; None for what is no picture."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", (_SIDE * 4, _SIDE * 4))
            return hashed(image)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None
