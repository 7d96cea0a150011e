"""Pictures through our own address."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from medianest_core.domain.library.pictures.images import Images, collection_image_id
from medianest_core.domain.library.pictures.pictures import JPEG, fit
from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.host.instances import Instances
from medianest_core.host.states import InstanceState
from medianest_core.sdk.errors import InvalidResponse, NotFound, NotReady
from medianest_core.sdk.media import Collection
from tests.fakes.media import movie
from tests.integration.library.conftest import Shelf


def jpeg(width: int = 600, height: int = 900) -> bytes:
    written = io.BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(written, "JPEG")
    return written.getvalue()


async def pictures(shelf: Shelf, folder: Path, **options: int) -> tuple[Images, list[str]]:
    images = Images(shelf.floor.db, cast(Instances, shelf.instances), folder, **options)
    page = await shelf.library.list_titles(LibraryQuery())
    return images, [one.poster for one in page.items if one.poster]


async def test_a_picture_is_fetched_once_and_then_kept(shelf: Shelf, tmp_path: Path) -> None:
    server = shelf.server("a")
    server.put(movie("1"))
    server.image = jpeg()
    await shelf.sync()
    images, (poster,) = await pictures(shelf, tmp_path / "cache")
    server.gate = asyncio.Event()
    asking = [asyncio.create_task(images.serve(poster, 300, "image/webp")) for _ in range(20)]
    while "image" not in server.calls:
        await asyncio.sleep(0.005)
    server.gate.set()
    served = await asyncio.gather(*asking)
    assert server.calls.count("image") == 1
    assert {one.etag for one in served} == {served[0].etag}
    assert served[0].media_type == "image/webp"
    with Image.open(io.BytesIO(served[0].content)) as opened:
        assert (opened.format, opened.width) == ("WEBP", 320)
    assert (await images.serve(poster, 300, "image/avif")).media_type == "image/avif"
    shelf.instances.states["a"] = InstanceState.RETRYING
    assert (await images.serve(poster, 310, "image/webp")).content == served[0].content
    with pytest.raises(NotReady):
        await images.serve(poster, 900, "image/webp")
    names = [path.stem for path in (tmp_path / "cache").glob("*/*")]
    assert names and all(re.fullmatch(r"[0-9a-f]{64}", name) for name in names)


async def test_only_ids_that_were_given_out_are_served(shelf: Shelf, tmp_path: Path) -> None:
    server = shelf.server("a")
    server.put(movie("1"))
    server.image = jpeg()
    await shelf.sync()
    images, (poster,) = await pictures(shelf, tmp_path)
    title = poster.split("-")[0]
    for wrong in (
        "",
        "../../etc/passwd",
        f"{title}-logo-{'0' * 12}",
        f"9{title}-poster-{'0' * 12}",
        f"{poster}0",
        "http://169.254.169.254/",
        f"{title}-cast999-{'0' * 12}",
        f"collection-{'0' * 12}",
    ):
        with pytest.raises(NotFound):
            await images.serve(wrong, 300)
    assert server.calls.count("image") == 0


async def test_an_older_version_serves_the_present_picture(shelf: Shelf, tmp_path: Path) -> None:
    server = shelf.server("a")
    server.put(movie("1"))
    server.image = jpeg()
    await shelf.sync()
    images, (old,) = await pictures(shelf, tmp_path)
    server.put(movie("1", fields={"assets": {"poster": "/poster/new"}}))
    await shelf.sync()
    _, (new,) = await pictures(shelf, tmp_path)
    assert old != new
    assert not (await images.serve(old, 300)).current
    assert (await images.serve(new, 300)).current


async def test_what_is_no_picture_is_not_kept(shelf: Shelf, tmp_path: Path) -> None:
    server = shelf.server("a")
    server.put(movie("1"))
    server.image = b"<html>sign in</html>"
    await shelf.sync()
    images, (poster,) = await pictures(shelf, tmp_path)
    with pytest.raises(InvalidResponse):
        await images.serve(poster, 300)
    server.image = jpeg()
    assert (await images.serve(poster, 300)).media_type == "image/jpeg"


async def test_the_cache_stays_below_its_size(shelf: Shelf, tmp_path: Path) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n)) for n in range(12)))
    server.image = jpeg()
    await shelf.sync()
    capacity = 5 * len(fit(server.image, 160, JPEG))
    images, posters = await pictures(shelf, tmp_path, capacity=capacity)
    for poster in posters:
        await images.serve(poster, 160)
    kept = [path.stat().st_size for path in tmp_path.glob("??/*")]
    assert 0 < sum(kept) <= capacity
    assert len(kept) < len(posters) == 12


async def test_people_and_collections_have_pictures(shelf: Shelf, tmp_path: Path) -> None:
    server = shelf.server("a")
    server.put(movie("1", fields={"cast": [{"name": "Ann", "role": "Herself", "image": "/people/ann"}]}))
    server.collections["c1"] = (Collection("c1", "Best", "1", 1, image="/collection/1"), ["1"])
    server.image = jpeg()
    await shelf.sync()
    images, _ = await pictures(shelf, tmp_path)
    title = (await shelf.library.search("movie"))[0]
    detail = await shelf.library.title(title.id)
    assert detail is not None
    assert (await images.serve(detail.cast[0]["image_id"], 100)).current
    (card,) = await shelf.library.collections()
    assert card.image == collection_image_id("a", "/collection/1")
    assert (await images.serve(card.image, 100)).media_type == "image/jpeg"
