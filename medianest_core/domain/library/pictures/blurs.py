"""What stands in a picture's place while it loads: its BlurHash, and the tiny picture that this means. Pure; runs in threads."""

from __future__ import annotations

import base64
import io
from typing import Any

from medianest_core.sdk.errors import InvalidResponse

LONGEST = 60
"""Characters of a BlurHash that is taken from a source."""
_TALL, _WIDE = (3, 4), (4, 3)
_SMALL = 24
_SHOWN_TALL, _SHOWN_WIDE = (8, 12), (12, 7)


def hash_of(content: bytes) -> str:
    """The BlurHash of a picture. Raises InvalidResponse for what is no picture."""
    import blurhash
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as opened:
            opened.draft("RGB", (_SMALL, _SMALL))
            picture = opened.convert("RGB")
            picture.thumbnail((_SMALL, _SMALL))
    except (OSError, ValueError, SyntaxError) as error:
        raise InvalidResponse("This is no picture that can be shown.") from error
    across, down = _TALL if picture.height >= picture.width else _WIDE
    flat = picture.tobytes()
    pixels = [tuple(flat[at : at + 3]) for at in range(0, len(flat), 3)]
    rows = [pixels[at : at + picture.width] for at in range(0, len(pixels), picture.width)]
    return str(blurhash.encode(rows, components_x=across, components_y=down))


def preview_of(found: str, *, wide: bool = False) -> str:
    """A `data:` address of a few bytes that shows a BlurHash when it is drawn large; empty for what is none."""
    import blurhash
    from PIL import Image

    width, height = _SHOWN_WIDE if wide else _SHOWN_TALL
    try:
        if not 6 <= len(found) <= LONGEST:
            return ""
        rows: Any = blurhash.decode(found, width, height)
        picture = Image.frombytes(
            "RGB", (width, height), bytes(part for row in rows for pixel in row for part in pixel)
        )
    except (ValueError, KeyError, IndexError, TypeError, OverflowError):
        return ""
    written = io.BytesIO()
    picture.save(written, "WEBP", quality=35, method=4)
    return "data:image/webp;base64," + base64.b64encode(written.getvalue()).decode()
