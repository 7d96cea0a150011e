"""Pictures of downloads: whose they are, where they come from, and what is never shown."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image

from medianest_core.domain.downloads.entries import Preview
from medianest_core.sdk.errors import EgressDenied, InvalidResponse, NotFound, NotReady
from medianest_core.sdk.routes import Viewer
from tests.fakes.downloads import found
from tests.integration.downloads.conftest import ADMIN, ANN, BOB, Bench

LIST = "https://video.example/list/1"
PICTURE = "https://pictures.example/v1.jpg"


def jpeg(colour: str = "red") -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (640, 360), colour).save(written, "JPEG")
    return written.getvalue()


async def preview(bench: Bench, viewer: Viewer = ANN) -> Preview:
    bench.site.playlist(LIST, "Evenings", found("v1", thumbnail=PICTURE), found("v2"))
    return await bench.downloads.inspect(viewer, LIST)


async def shown(bench: Bench, viewer: Viewer, image_id: str | None) -> tuple[str, int, tuple[int, int, int]]:
    assert image_id is not None
    served = await bench.downloads.picture(viewer, image_id, 300, "image/webp")
    with Image.open(io.BytesIO(served.content)) as opened:
        pixel = opened.convert("RGB").getpixel((5, 5))
        assert isinstance(pixel, tuple)
        return served.media_type, opened.width, (round(pixel[0]), round(pixel[1]), round(pixel[2]))


async def test_a_preview_is_seen_by_whom_it_was_made_for(bench: Bench) -> None:
    bench.site.picture = jpeg()
    seen = await preview(bench)
    first, second = seen.items
    assert second.image is None
    assert seen.image == first.image
    assert PICTURE not in str(first.image)
    asked = [asyncio.create_task(shown(bench, ANN, first.image)) for _ in range(5)]
    assert {one[:2] for one in await asyncio.gather(*asked)} == {("image/webp", 320)}
    assert bench.site.pictures == [PICTURE], "fetched once"
    for other in (BOB, ADMIN):
        with pytest.raises(NotFound):
            await shown(bench, other, first.image)
    assert (await preview(bench, BOB)).items[0].image != first.image


async def test_ids_that_were_not_given_out_lead_nowhere(bench: Bench) -> None:
    bench.site.picture = jpeg()
    given = str((await preview(bench)).items[0].image)
    for wrong in (
        "",
        PICTURE,
        "http://169.254.169.254/",
        "../../etc/passwd",
        given[:-1] + "1",
        given[:-1] + "7",
        given[:10] + ("a" if given[10] != "a" else "b") + given[11:],
        "item-../../x",
        "download-1",
        "preview--0",
    ):
        with pytest.raises(NotFound):
            await shown(bench, ANN, wrong)
    assert not bench.site.pictures


async def test_downloads_and_items_show_theirs_to_their_owner(bench: Bench) -> None:
    bench.site.picture = jpeg()
    bench.site.gates["v1"] = asyncio.Event()
    await preview(bench)
    download_id = await bench.downloads.submit(ANN, LIST)
    download = await bench.downloads.get(ANN, download_id)
    items = await bench.items(ANN, download_id)
    assert download is not None
    assert items["v2"].image is None
    for image_id in (download.image, items["v1"].image):
        assert (await shown(bench, ANN, image_id))[2][0] > 200
        assert (await shown(bench, ADMIN, image_id))[2][0] > 200, "admins see what they steer"
        with pytest.raises(NotFound):
            await shown(bench, BOB, image_id)
    assert bench.site.pictures == [PICTURE]


async def test_a_finished_item_shows_the_picture_beside_its_file(bench: Bench) -> None:
    bench.site.picture, bench.site.side_picture = jpeg("red"), jpeg("blue")
    await preview(bench)
    download_id = await bench.downloads.submit(ANN, LIST)
    await bench.ended(ANN, download_id)
    download = await bench.downloads.get(ANN, download_id)
    items = await bench.items(ANN, download_id)
    assert download is not None
    for image_id in (download.image, items["v1"].image, items["v2"].image):
        assert (await shown(bench, ANN, image_id))[2][2] > 200
        with pytest.raises(NotFound):
            await shown(bench, BOB, image_id)
    assert not bench.site.pictures
    path = next(one.path for one in items["v1"].files if one.kind == "thumbnail")
    (bench.root / path).unlink()
    (bench.root / path).symlink_to("/etc/hostname")
    with pytest.raises(NotFound):
        await bench.downloads.picture(ANN, str(items["v1"].image), 900)


@pytest.mark.parametrize(
    ("picture", "error"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", InvalidResponse),
        (b"<html>", InvalidResponse),
        (b"\xff\xd8" + b"0" * (10 * 1024 * 1024), InvalidResponse),
        (EgressDenied("Not a host of this service."), NotFound),
        (NotReady("The site is away."), NotReady),
    ],
)
async def test_what_is_no_picture_is_not_sent_on(
    bench: Bench, picture: bytes | Exception, error: type[Exception]
) -> None:
    bench.site.picture = picture
    seen = await preview(bench)
    with pytest.raises(error):
        await shown(bench, ANN, seen.image)
