"""Pictures at the size that is asked for, drawn when they are first looked at. Pillow is imported then."""

from __future__ import annotations

import io
import re

from medianest_tmdb.simulation.catalogue import Person, Picture, Work


def draw(picture: Picture, of: Work | Person, size: str, seed: int) -> bytes:
    """JPEG bytes. size: "w342", "h632" or "original"."""
    from PIL import Image

    from medianest_core.testing.world import pictures

    if isinstance(of, Person):
        original = pictures.avatar(of.name)
    else:
        title = of.title
        kind = "movie" if of.kind == "movie" else "show"
        subject = pictures.Subject(kind, title.title, title.year, title.genres, studio=title.studio)
        original = (pictures.backdrop if picture.kind == "backdrop" else pictures.poster)(seed, subject)
    side = re.fullmatch(r"([wh])(\d+)", size)
    if side is None:
        return original
    with Image.open(io.BytesIO(original)) as opened:
        width, height = opened.size
        wanted = int(side[2])
        scale = wanted / (width if side[1] == "w" else height)
        if scale >= 1:
            return original
        small = opened.resize((max(1, round(width * scale)), max(1, round(height * scale))))
        written = io.BytesIO()
        small.save(written, "JPEG", quality=86)
        return written.getvalue()
