"""What stands in a picture's place while it loads."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medianest_core.domain.library.pictures.blurs import hash_of, preview_of
from medianest_core.sdk.errors import InvalidResponse


def picture(
    width: int, height: int, colour: tuple[int, int, int] = (200, 30, 30), kind: str = "JPEG"
) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(written, kind)
    return written.getvalue()


def shown(preview: str) -> Image.Image:
    start, _, data = preview.partition(",")
    assert start == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "PNG"])
def test_a_preview_has_the_colour_of_its_picture_and_its_shape(kind: str) -> None:
    found = hash_of(picture(300, 450, kind=kind))
    preview = preview_of(found)
    with shown(preview) as seen:
        assert seen.width < seen.height
        red, green, blue = seen.getpixel((4, 6))  # type: ignore[misc]  # a pixel of an RGB picture
        assert abs(red - 200) < 30 and abs(green - 30) < 30 and abs(blue - 30) < 30
    assert len(preview) < 300, "many stand in one page"


def test_wide_pictures_have_wide_previews() -> None:
    with shown(preview_of(hash_of(picture(480, 270)), wide=True)) as seen:
        assert seen.width > seen.height


def test_light_above_and_dark_below_stay_so() -> None:
    both = Image.new("RGB", (40, 60), (240, 240, 240))
    both.paste((10, 10, 10), (0, 30, 40, 60))
    written = io.BytesIO()
    both.save(written, "PNG")
    with shown(preview_of(hash_of(written.getvalue()))) as seen:
        assert sum(seen.getpixel((4, 0))) > sum(seen.getpixel((4, 11))) + 200  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"GIF89a", picture(30, 40)[:60]])
def test_what_is_no_picture_says_so(content: bytes) -> None:
    with pytest.raises(InvalidResponse):
        hash_of(content)


@given(st.text(max_size=70))
def test_any_text_gives_a_preview_or_nothing(found: str) -> None:
    assert preview_of(found) == "" or preview_of(found).startswith("data:image/webp;base64,")
