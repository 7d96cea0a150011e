"""The file server as a source: lists, records, details, pictures, links, and how little is asked for twice."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import (
    EPISODE,
    MOVIE,
    SEASON,
    SHOW,
    AuthFailed,
    MediaCapability,
    NotFound,
    NotReady,
    capabilities_of,
)
from medianest_core.testing.faults import Rule
from medianest_core.testing.simulators import RunningSimulator
from medianest_core.testing.world.titles import household
from medianest_manifest.media import ManifestMedia
from medianest_manifest.service import check
from medianest_manifest.simulator import PASSWORD, USER, Options

from .manifest_kit import Plugged, plug


async def test_both_lists(files: Plugged) -> None:
    assert [(one.key, one.kind) for one in await files.media.libraries()] == [(MOVIE, MOVIE), (SHOW, SHOW)]
    films, tv = await files.records(MOVIE), await files.records(SHOW)
    assert len(films) == len(files.simulator.shelf.films) == 15
    kinds = [one.kind for one in tv.values()]
    assert kinds.count(SHOW) == len(files.simulator.shelf.series) == 5
    seen: set[str] = set()
    for one in tv.values():
        assert one.parent is None if one.kind == SHOW else one.parent in seen, "parents come first"
        seen.add(one.key)


async def test_a_film_is_the_one_that_others_have_too(files: Plugged) -> None:
    shared = household(MOVIE)[4]
    film = next(one for one in (await files.records(MOVIE)).values() if one.title == shared.title)
    assert film.year == shared.year and film.ids == shared.ids, "its metadata file says so"
    assert str(film.fields["original_title"]).startswith(f"{shared.title} ({shared.year})")
    assert "en" in film.fields["captions"]
    assert film.fields["media"]["width"] and film.fields["files"][0]["size"] > 10**8
    assert film.fields["files"][0]["path"].startswith("Movies/")
    assert film.added_at and film.updated_at


async def test_names_with_dots(files: Plugged) -> None:
    titles = {one.title for one in (await files.records(MOVIE)).values()}
    assert {"Dr. Okafor vs. the 4.5 Mile Reef", "S.O.S. Lighthouse"} <= titles


async def test_an_episode(files: Plugged) -> None:
    tv = await files.records(SHOW)
    episode = next(one for one in tv.values() if one.kind == EPISODE and one.index == 2)
    season = tv[episode.parent or ""]
    assert season.kind == SEASON and season.index == 1 and season.title == "Season 1"
    assert episode.title != "S01E02" and episode.fields["assets"].keys() == {"thumb"}
    assert episode.fields["duration_ms"] > 0


async def test_reading_it_again_asks_only_whether_it_has_changed(files: Plugged) -> None:
    first = await files.raw(MOVIE)
    files.simulator.requests.clear()
    again = await files.raw(MOVIE)
    assert [one.digest for one in again] == [one.digest for one in first]
    assert files.asked() == [{"path": "/media/movies", "conditional": True}]


async def test_files_without_a_hash_are_asked_for_again_conditionally(
    files: Plugged, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medianest_manifest.simulation.lists import Lists

    with_hash = Lists._url
    monkeypatch.setattr(Lists, "_url", lambda self, path, work=None: with_hash(self, path))
    first = await files.raw(MOVIE)
    assert len(files.asked("/files/")) == len(first)
    files.simulator.requests.clear()
    assert [one.digest for one in await files.raw(MOVIE)] == [one.digest for one in first]
    assert len(files.asked("/files/")) == len(first) and all(one["conditional"] for one in files.asked())


async def test_a_new_film_is_all_that_changes(files: Plugged) -> None:
    before = {one.key: one.digest for one in await files.raw(MOVIE)}
    files.simulator.shelf.films["New. Film (2024)"] = files.simulator._made("New. Film (2024)")
    after = {one.key: one.digest for one in await files.raw(MOVIE)}
    assert after.keys() - before.keys() == {"movie/New. Film (2024)"}
    assert {key: after[key] for key in before} == before
    raw = await files.media.record("movie/New. Film (2024)")
    assert raw is not None and raw.digest == after[raw.key] and raw.decode().title == "New. Film"
    del files.simulator.shelf.films["New. Film (2024)"]
    files.server._kept.clear()
    assert await files.media.record("movie/New. Film (2024)") is None
    assert await files.media.record("somewhere/else") is None


async def test_details_come_from_the_files_beside_it(files: Plugged) -> None:
    films = await files.records(MOVIE)
    key = next(key for key, one in films.items() if one.title == household(MOVIE)[1].title)
    [film] = await files.media.details([key, "movie/gone"])
    assert film.fields["summary"] == household(MOVIE)[1].summary
    assert film.fields["chapters"][0] == {
        "title": "Part 1",
        "start_ms": 0,
        "end_ms": film.fields["duration_ms"] // 5,
    }
    assert set(film.fields["blurhash"]) == {"poster"} and len(film.fields["blurhash"]["poster"]) == 36
    episode = next(key for key, one in (await files.records(SHOW)).items() if one.kind == EPISODE)
    [found] = await files.media.details([episode])
    assert found.fields["summary"] and found.fields["blurhash"].keys() == {"thumb"}


async def test_details_without_the_files(files: Plugged) -> None:
    films = list(await files.records(MOVIE))
    files.simulator.files.get = lambda path: None  # type: ignore[method-assign]  # all of them are gone
    found = await files.media.details(films[:3])
    assert len(found) == 3 and "summary" not in found[0].fields
    assert {one.title for one in (await files.records(MOVIE)).values()}, "known by their folders"


async def test_a_picture_and_a_link(files: Plugged) -> None:
    key, film = next(iter((await files.records(MOVIE)).items()))
    image = await files.media.image(film.fields["assets"]["poster"], 300, 450)
    assert image.media_type == "image/jpeg" and Image.open(io.BytesIO(image.content)).size == (600, 900)
    link = await files.media.deep_link(key)
    assert link.endswith(".mp4") and link.startswith(f"{files.url}/files/Movies/")
    show = next(key for key, one in (await files.records(SHOW)).items() if one.kind == SHOW)
    with pytest.raises(NotFound, match="no video"):
        await files.media.deep_link(show)
    with pytest.raises(NotFound, match="not an image"):
        await files.media.image(film.fields["captions"]["en"]["url"], 1, 1)


async def test_files_of_other_servers_are_not_fetched(files: Plugged) -> None:
    for reference in ("http://127.0.0.1:1/x.jpg", "https://elsewhere.test/x.jpg", "//elsewhere.test/x.jpg"):
        with pytest.raises(NotFound):
            await files.media.image(reference, 1, 1)


async def test_behind_another_address(files: Plugged, served: RunningSimulator, factory: HttpFactory) -> None:
    """What browsers open is public, what the portal fetches is inside."""
    simulator = files.simulator
    simulator.base_url = "https://films.example.org"
    inside = await plug(
        factory, served, url="https://films.example.org", manifests=served.url, internal=served.url
    )
    key, film = next(iter((await inside.records(MOVIE)).items()))
    assert film.fields["assets"]["poster"].startswith("https://films.example.org/files/")
    assert (await inside.media.image(film.fields["assets"]["poster"], 1, 1)).media_type == "image/jpeg"
    assert (await inside.media.deep_link(key)).startswith("https://films.example.org/files/Movies/")


async def test_a_good_connection_says_what_it_found(files: Plugged) -> None:
    result = await check(files.settings, files.server)
    assert result.message == "The file server lists 15 films and 5 series."
    assert result.version == "1.0000" and result.warnings == ()
    files.simulator.requests.clear()
    assert await check(files.settings, files.server) == result
    assert all(one["conditional"] for one in files.asked()), "a long list is not read every minute"
    snapshot = await files.status.snapshot()
    assert [item.up for item in snapshot.items] == [True]


async def test_user_and_password(served: RunningSimulator, factory: HttpFactory) -> None:
    known = await plug(factory, served, token=None, username=USER, password=PASSWORD)
    assert len(await known.records(MOVIE)) == 15
    for values in (
        {"token": "canary"},
        {"token": None, "username": USER, "password": "canary"},
        {"token": None},
    ):
        wrong = await plug(factory, served, **values)
        with pytest.raises(AuthFailed, match="refuses the user name, password or token") as caught:
            await check(wrong.settings, wrong.server)
        assert "canary" not in str(caught.value)


async def test_lists_that_are_not_there(served: RunningSimulator, factory: HttpFactory) -> None:
    films = await plug(factory, served, tv="/nothing/tv")
    result = await check(films.settings, films.server)
    assert result.warnings == (
        "There is no list at /nothing/tv. If the server has none, leave that field empty.",
    )
    with pytest.raises(NotFound, match="no manifest at /nothing/tv"):
        await films.raw(SHOW)
    assert [item.message for item in (await films.status.snapshot()).items] == ["A list is missing"]
    neither = await plug(factory, served, tv="", movies="/nothing")
    with pytest.raises(NotFound):
        await check(neither.settings, neither.server)
    only = await plug(factory, served, tv="")
    assert [one.key for one in await only.media.libraries()] == [MOVIE]
    assert (await check(only.settings, only.server)).warnings == ()


async def test_another_version_is_read_with_a_warning(files: Plugged) -> None:
    files.simulator.options = Options(odd={"/media/movies": "version"})
    result = await check(files.settings, files.server)
    assert result.warnings == (
        "A list says version 9.5000, and 1.0000 is what is known here. It is read all the same.",
    )
    assert len(await files.raw(MOVIE)) == 15


async def test_titles_that_come_twice_stand_once(files: Plugged) -> None:
    first = await files.raw(MOVIE)
    files.simulator.options = Options(odd={"/media/movies": "twice"})
    assert sorted(one.key for one in await files.raw(MOVIE)) == sorted(one.key for one in first)


async def test_an_empty_list_is_a_list(files: Plugged) -> None:
    files.simulator.options = Options(odd={"/media/movies": "empty", "/media/tv": "empty"})
    assert await files.raw(MOVIE) == [] and await files.raw(SHOW) == []
    assert (
        await check(files.settings, files.server)
    ).message == "The file server lists 0 films and 0 series."


async def test_a_server_in_trouble_does_not_change_who_titles_are(files: Plugged) -> None:
    files.simulator.faults.set(Rule("500", "/files/"))
    with pytest.raises(NotReady):
        await files.raw(MOVIE)
    files.simulator.faults.set(Rule("500", "/files/Movies", times=2))
    assert len(await files.raw(MOVIE)) == 15, "a file or two may be missing"


def test_it_can_what_it_says() -> None:
    assert capabilities_of(ManifestMedia) == {
        MediaCapability.IMAGE,
        MediaCapability.DEEP_LINK,
        MediaCapability.DETAILS,
    }
