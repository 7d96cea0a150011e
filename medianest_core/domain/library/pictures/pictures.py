"""Pictures made fit for a browser: sniffed, limited, resized, encoded. Runs in threads; knows nothing of where they come from."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medianest_core.sdk.errors import InvalidResponse

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
WIDTHS = (96, 160, 240, 320, 480, 640, 960, 1280, 1920)
_READ = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")


@dataclass(frozen=True, slots=True)
class Format:
    """name: Pillow's. extension: without dot."""

    name: str
    media_type: str
    extension: str
    options: tuple[tuple[str, int], ...]


AVIF = Format("AVIF", "image/avif", "avif", (("quality", 60), ("speed", 9)))
WEBP = Format("WEBP", "image/webp", "webp", (("quality", 80), ("method", 2)))
JPEG = Format("JPEG", "image/jpeg", "jpg", (("quality", 82),))


def format_for(accept: str) -> Format:
    """The best format that an Accept header names; JPEG is taken to be understood by all."""
    refused = {
        part.split(";")[0].strip() for part in accept.split(",") if ";q=0" in part.replace(" ", "") + ","
    }
    named = {part.split(";")[0].strip() for part in accept.split(",")}
    for candidate in (AVIF, WEBP):
        if candidate.media_type in named - refused:
            return candidate
    return JPEG


def bucket(width: int) -> int:
    """The width that is stored for a wanted width in pixels."""
    return next((step for step in WIDTHS if step >= width), WIDTHS[-1])


def fit(content: bytes, width: int, wanted: Format) -> bytes:
    """The picture at most `width` pixels wide, as `wanted`, without metadata. Raises InvalidResponse for what is no picture we
    show: SVG, too many bytes or pixels, damaged."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if len(content) > MAX_BYTES:
        raise InvalidResponse("The picture is too large.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=_READ) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise InvalidResponse("The picture has too many pixels.")
                opened.draft("RGB", (width, width * 2))
                picture: Image.Image = ImageOps.exif_transpose(opened)
                picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidResponse("This is no picture that can be shown.") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise InvalidResponse("The picture is damaged.") from error
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.convert("RGBA" if _has_alpha(picture) else "RGB").resize(
            (width, height), Image.Resampling.LANCZOS, reducing_gap=2.0
        )
    picture = _flat(picture) if wanted is JPEG else picture.convert("RGBA" if _has_alpha(picture) else "RGB")
    written = io.BytesIO()
    picture.save(written, wanted.name, **dict(wanted.options))
    return written.getvalue()


def _has_alpha(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info


def _flat(picture: Image.Image) -> Image.Image:
    if not _has_alpha(picture):
        return picture.convert("RGB")
    from PIL import Image

    layered = picture.convert("RGBA")
    ground = Image.new("RGB", layered.size, (24, 24, 28))
    ground.paste(layered, mask=layered.getchannel("A"))
    return ground
