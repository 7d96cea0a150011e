from __future__ import annotations

import io

import pytest
from PIL import Image

from medianest_core.domain.library.pictures.pictures import (
    AVIF,
    JPEG,
    MAX_BYTES,
    WEBP,
    WIDTHS,
    bucket,
    fit,
    format_for,
)
from medianest_core.sdk.errors import InvalidResponse


def picture(width: int = 800, height: int = 1200, kind: str = "JPEG", mode: str = "RGB") -> bytes:
    written = io.BytesIO()
    Image.new(mode, (width, height), (200, 30, 30, 128)[: len(mode)]).save(written, kind)
    return written.getvalue()


@pytest.mark.parametrize("wanted", [AVIF, WEBP, JPEG])
@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGBA"), ("WEBP", "RGB"), ("PNG", "L")])
def test_pictures_are_made_smaller_and_encoded(wanted: object, kind: str, mode: str) -> None:
    made = fit(picture(kind=kind, mode=mode), 320, wanted)  # type: ignore[arg-type]  # parametrized
    with Image.open(io.BytesIO(made)) as opened:
        assert opened.format == wanted.name  # type: ignore[attr-defined]  # parametrized
        assert opened.size == (320, 480)


def test_small_pictures_are_not_made_larger() -> None:
    with Image.open(io.BytesIO(fit(picture(100, 150), 320, JPEG))) as opened:
        assert opened.size == (100, 150)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a<script>",
        b"<!doctype html><title>Sign in</title>",
        picture()[:300],
        b"\0" * (MAX_BYTES + 1),
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
    ],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidResponse):
        fit(content, 320, WEBP)


def test_too_many_pixels_are_refused_before_they_are_unpacked() -> None:
    written = io.BytesIO()
    Image.new("1", (7000, 7000)).save(written, "PNG")
    with pytest.raises(InvalidResponse):
        fit(written.getvalue(), 320, WEBP)


def test_orientation_is_applied_and_metadata_dropped() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "where it was taken"
    written = io.BytesIO()
    Image.new("RGB", (600, 400)).save(written, "JPEG", exif=exif)
    with Image.open(io.BytesIO(fit(written.getvalue(), 200, JPEG))) as opened:
        assert opened.size == (200, 300)
        assert not opened.getexif()


def test_the_best_format_that_is_understood() -> None:
    assert format_for("image/avif,image/webp,*/*;q=0.8") is AVIF
    assert format_for("image/webp,*/*") is WEBP
    assert format_for("image/avif;q=0,image/webp") is WEBP
    assert format_for("*/*") is JPEG
    assert format_for("") is JPEG


def test_widths_come_in_steps() -> None:
    assert bucket(1) == WIDTHS[0]
    assert bucket(300) == 320
    assert bucket(10**6) == WIDTHS[-1]
