"""The library over the manifest plugin: a folder that any web server shows, and a file server beside a Plex server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from medianest_core.base.crypto import Keyring
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.settings import AppSettings
from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.domain.library.service import Library
from medianest_core.host.lifecycle import PluginHost
from medianest_core.testing.simulators import running
from medianest_core.testing.world.titles import MOVIE, household
from medianest_manifest.making.manifests import Plan, make
from medianest_manifest.simulator import ManifestSimulator, Options
from medianest_plex.simulator import PlexSimulator
from tests.fakes.portal import Floor, Writes, floor

FILM = "Mr. Test vs. the 4.5 (2009) {tmdb-603}"
LIMIT = 60.0


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Tests need no log."""


@dataclass
class Home:
    floor: Floor
    host: PluginHost
    library: Library

    async def add(self, plugin: str, name: str, settings: Any) -> str:
        """An instance as an admin adds it; returns when its first sync is through."""
        made = await self.host.instances.create(plugin, plugin, name, name.title(), settings, None)
        async with asyncio.timeout(LIMIT):
            while not await self._read(made.id):
                await asyncio.sleep(0.02)
        return made.id

    async def _read(self, instance: str) -> bool:
        """Whether all its libraries were, and no run is on its way."""
        runs = await self.library.sync_runs()
        sections = [one for one in await self.library.sections() if one.instance_id == instance]
        ended = all(one.state not in ("queued", "running") for one in runs)
        return ended and bool(sections) and all(one.first_complete_at for one in sections)

    async def sync(self, instance: str) -> Any:
        async with asyncio.timeout(LIMIT):
            return await self.floor.finished(await self.library.request_sync(instance_ids=[instance]))

    async def title(self, name: str) -> Any:
        for one in (await self.library.list_titles(LibraryQuery(limit=200))).items:
            if one.title == name:
                return await self.library.title(one.id)
        raise AssertionError(f"no title {name}")

    async def detailed(self, name: str, field: str) -> Any:
        """The title once its details are read."""
        async with asyncio.timeout(LIMIT):
            while field not in (found := await self.title(name)).values:
                await asyncio.sleep(0.02)
        return found


@pytest.fixture
async def home(tmp_path: Path, backend: str) -> AsyncIterator[Home]:
    settings = AppSettings(data_dir=tmp_path / "portal", _env_file=None)
    settings.data_dir.mkdir()
    async with floor(tmp_path) as base:
        http = HttpFactory(settings)
        keyring = Keyring.load_or_create(settings.data_dir / "keys.json")
        host = PluginHost(settings, base.db, keyring, base.bus, http, base.ledger)
        await host.start()
        library = Library(
            db=base.db, bus=base.bus, ledger=base.ledger, instances=host.instances, clock=base.clock
        )
        library.details.pause = 0.0
        for job in library.jobs():
            base.registry.add(job)
        await library.start()
        yield Home(base, host, library)
        await library.stop()
        await host.stop()
        await http.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A film as people have it: a real video with sound and chapters, captions, a poster, a metadata file."""
    film = tmp_path / "shelf" / "Movies" / FILM
    film.mkdir(parents=True)
    _video(film / "Mr. Test.mkv")
    (film / "Mr. Test.en.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello.\n")
    (film / "Mr. Test.de.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nHallo.\n")
    (film / "metadata.json").write_text(
        '{"title": "Mister Test", "overview": "He tests.", "imdb_id": "tt0133093"}'
    )
    Image.new("RGB", (60, 90), (200, 30, 60)).save(film / "poster.jpg")
    return tmp_path / "shelf"


def _video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=5)
        picture.width, picture.height, picture.pix_fmt = 1280, 534, "yuv420p"
        sound = container.add_stream("aac", rate=44_100, layout="stereo")
        container.set_chapters(
            [{"id": 1, "start": 0, "end": 1000, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}}]
        )
        for _ in range(10):
            for packet in picture.encode(av.VideoFrame(1280, 534, "yuv420p")):
                container.mux(packet)
        for stream in (picture, sound):
            for packet in stream.encode():
                container.mux(packet)


@pytest.fixture
def shown(folder: Path) -> Iterator[str]:
    """The folder, as the web server of Python's own library shows it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_folder_of_films_becomes_a_library(home: Home, folder: Path, shown: str) -> None:
    make(Plan(folder, shown))
    instance = await home.add("manifest", "shelf", {"url": shown})
    film = await home.detailed("Mister Test", "summary")
    values = film.values
    assert (film.row.year, film.ids) == (2009, {"tmdb": "603", "imdb": "tt0133093"})
    assert values["original_title"] == FILM and values["summary"] == "He tests."
    assert set(values["captions"]) == {"en", "de"}
    assert values["media"]["width"] == 1280 and values["media"]["video_codec"] == "mpeg4"
    assert values["media"]["resolution"] == "720p" and values["media"]["container"] == "mkv"
    assert abs(values["duration_ms"] - 2000) < 300
    assert [one["title"] for one in values["chapters"]] == ["One"]
    assert values["blurhash"]["poster"]
    assert await home.library.deep_link(film.row.id) == f"{shown}/Movies/" + (
        "Mr.%20Test%20vs.%20the%204.5%20%282009%29%20%7Btmdb-603%7D/Mr.%20Test.mkv"
    )
    with Writes(home.floor.db) as writes:
        job = await home.sync(instance)
    assert job.result["instances"][instance]["changed"] == 0
    assert not {"records", "titles", "title_docs"} & writes.tables.keys()

    (folder / "Movies" / FILM / "Mr. Test.fr.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nBonjour.\n")
    make(Plan(folder, shown))
    job = await home.sync(instance)
    assert job.result["instances"][instance]["changed"] == 1
    assert set((await home.title("Mister Test")).values["captions"]) == {"en", "de", "fr"}


async def test_a_film_of_two_servers_is_one(home: Home, tmp_path: Path) -> None:
    plex = PlexSimulator(items=40, data_dir=tmp_path / "plex")
    attic = ManifestSimulator(items=240, data_dir=tmp_path / "attic")
    shared = household(MOVIE)[4].title
    async with running(plex), running(attic):
        first = await home.add("plex", "living", plex.demo_instances()[0].settings)
        before = await home.title(shared)
        total = (await home.library.list_titles(LibraryQuery())).total
        second = await home.add("manifest", "attic", attic.demo_instances()[0].settings)
        both = await home.title(shared)
        assert {place.instance_id for place in both.availability} == {first, second}
        assert both.row.id == before.row.id
        assert set(both.values["captions"]) > set(before.values.get("captions", ())), "languages of both"
        own = len(attic.shelf.films) + len(attic.shelf.series)
        known = {title.title for kind in (MOVIE, "show") for title in household(kind)}
        alone = [one for one in attic.shelf.films if not any(one.startswith(title) for title in known)]
        after = (await home.library.list_titles(LibraryQuery())).total
        assert after < total + own and after >= total + len(alone)
        assert (await home.title("Dr. Okafor vs. the 4.5 Mile Reef")).values["assets"]["poster"]

        attic.options = Options(odd={"/media/movies": "empty", "/media/tv": "empty"})
        await home.sync(second)
        await home.sync(second)
        assert (await home.library.list_titles(LibraryQuery())).total == after, (
            "a list that is suddenly empty deletes nothing"
        )
