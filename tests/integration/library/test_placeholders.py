"""Placeholders of posters: made once for each picture, from what is kept, and shown in lists."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image
from sqlalchemy import select

from medianest_core.domain.library.pictures.images import Images
from medianest_core.domain.library.pictures.placeholders import JOB, PlaceholderArgs, Placeholders
from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.host.instances import Instances
from medianest_core.host.states import InstanceState
from medianest_core.ledger.states import JobInfo, JobState
from medianest_core.sdk.catalog import Catalog, CatalogEntry, CatalogPage
from medianest_core.sdk.errors import NotFound
from medianest_core.sdk.fields import FieldOwner
from medianest_core.sdk.media import Image as Picture
from medianest_core.store.tables.library import picture_blurs
from tests.fakes.media import FakeServer, movie
from tests.integration.library.conftest import Shelf
from tests.integration.library.test_enrich import FakeOwner, Register, enriched

SAID = "LEHV6nWB2yk8pyo0adR*.7kCMdnj"


def jpeg(colour: tuple[int, int, int] = (180, 40, 40)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (300, 450), colour).save(written, "JPEG")
    return written.getvalue()


@dataclass
class Wall:
    shelf: Shelf
    images: Images
    placeholders: Placeholders
    server: FakeServer

    async def make(self) -> JobInfo:
        async with self.shelf.floor.db.begin() as tx:
            job = await self.shelf.floor.ledger.enqueue(tx, JOB, PlaceholderArgs())
        return await self.shelf.floor.finished(job)

    async def posters(self) -> list[str]:
        page = await self.shelf.library.list_titles(LibraryQuery())
        return [one.poster for one in page.items if one.poster]

    async def stored(self) -> list[str]:
        async with self.shelf.floor.db.read() as tx:
            return [row[0] for row in (await tx.execute(select(picture_blurs.c.blurhash))).all()]


@pytest.fixture
async def wall(shelf: Shelf, tmp_path: Path) -> AsyncIterator[Wall]:
    images = Images(shelf.floor.db, cast(Instances, shelf.instances), tmp_path / "images")
    placeholders = Placeholders(shelf.floor.db, images, pause=0.0)
    for job in placeholders.jobs():
        shelf.floor.registry.add(job)
    server = shelf.server("a")
    server.image = jpeg()
    yield Wall(shelf, images, placeholders, server)
    await images.close()


async def test_each_poster_gets_one_and_only_once(wall: Wall) -> None:
    wall.server.put(*(movie(str(n)) for n in range(3)))
    await wall.shelf.sync()
    posters = await wall.posters()
    assert await wall.placeholders.of([*posters, None]) == {}
    assert (await wall.make()).result == {"made": 3, "failed": 0}
    fresh = Placeholders(wall.shelf.floor.db, wall.images)
    found = await fresh.of(posters)
    assert found.keys() == set(posters)
    assert all(one.startswith("data:image/webp;base64,") for one in found.values())
    asked = wall.server.calls.count("image")
    assert (await wall.make()).result == {"made": 0, "failed": 0}
    assert wall.server.calls.count("image") == asked == 3


async def test_what_is_kept_already_is_not_fetched_again(wall: Wall) -> None:
    wall.server.put(movie("1"))
    await wall.shelf.sync()
    (poster,) = await wall.posters()
    await wall.images.serve(poster, 300, "image/avif")
    wall.shelf.instances.states["a"] = InstanceState.RETRYING
    assert (await wall.make()).result == {"made": 1, "failed": 0}
    assert wall.server.calls.count("image") == 1


async def test_what_the_server_says_counts(wall: Wall) -> None:
    wall.server.put(
        movie("1", fields={"blurhash": {"poster": SAID}}),
        movie("2", fields={"blurhash": {"poster": "no hash"}}),
    )
    await wall.shelf.sync()
    await wall.make()
    assert wall.server.calls.count("image") == 1, "the second one's is none"
    assert SAID in await wall.stored()


async def test_another_picture_gets_another_one_and_the_old_one_goes(wall: Wall) -> None:
    wall.server.put(movie("1"))
    await wall.shelf.sync()
    await wall.make()
    (before,) = await wall.stored()
    wall.server.image = jpeg((20, 20, 200))
    wall.server.put(movie("1", fields={"assets": {"poster": "/poster/new"}}))
    await wall.shelf.sync()
    await wall.make()
    (after,) = await wall.stored()
    assert after != before


async def test_pictures_that_are_none_are_not_asked_for_again(wall: Wall) -> None:
    wall.server.image = b"<svg/>"
    wall.server.put(movie("1"))
    await wall.shelf.sync()
    assert (await wall.make()).result == {"made": 1, "failed": 0}
    await wall.make()
    assert wall.server.calls.count("image") == 1
    assert await Placeholders(wall.shelf.floor.db, wall.images).of(await wall.posters()) == {}


async def test_a_server_that_is_away_is_waited_for(wall: Wall) -> None:
    wall.server.put(*(movie(str(n)) for n in range(20)))
    await wall.shelf.sync()
    wall.shelf.instances.states["a"] = InstanceState.RETRYING
    async with wall.shelf.floor.db.begin() as tx:
        job = await wall.shelf.floor.ledger.enqueue(tx, JOB, PlaceholderArgs())
    while (
        seen := await wall.shelf.floor.job(job)
    ).state is not JobState.QUEUED or seen.due_at < seen.created_at + 60:
        await asyncio.sleep(0.01)
    assert await wall.stored() == []


class FakeCatalog(Catalog[Any, Any]):
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def search(self, text: str, *args: Any, **options: Any) -> CatalogPage:
        raise NotFound("There is nothing to search for.")

    async def details(self, kind: str, ids: Mapping[str, str], language: str = "en") -> CatalogEntry:
        raise NotFound("There is no such title.")

    async def image(self, reference: str, width: int, height: int) -> Picture:
        self.asked.append(reference)
        return Picture(jpeg((10, 200, 10)), "image/jpeg")


async def test_the_poster_of_an_owner_comes_from_its_catalog(wall: Wall) -> None:
    register, catalog = Register(known={"1": {"assets": {"poster": "/p1.jpg"}}}), FakeCatalog()
    wall.shelf.instances.add("o", FieldOwner, FakeOwner(register))
    wall.shelf.instances.add("o", Catalog, catalog)
    wall.server.put(movie("1", ids={"tmdb": "1"}))
    await wall.shelf.order("artwork", ["o", "a"])
    await wall.shelf.sync()
    await enriched(wall.shelf)
    (poster,) = await wall.posters()
    served = await wall.images.serve(poster, 300, "image/webp")
    assert served.media_type == "image/webp"
    assert catalog.asked == ["/p1.jpg"]
    assert "image" not in wall.server.calls
