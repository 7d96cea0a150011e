"""Requests for films, taken by Radarr."""

from __future__ import annotations

from pathlib import Path

import pytest

from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import Rejected, RequestStatus
from medianest_core.testing.simulators import running

from .arr_kit import Plugged, film_item, held_film, plug, radarr_simulator, wished_film


@pytest.mark.usefixtures("still")
async def test_a_film_is_added_watched_and_looked_for(radarr: Plugged) -> None:
    item = film_item(wished_film())
    assert await radarr.radarr.find(item, "") is None
    state = await radarr.radarr.submit(item, "")
    assert state.status is RequestStatus.PROCESSING
    assert state.message == "It is being looked for."
    (added,) = radarr.simulator.ledger.facts("movie.added")
    assert (added["tmdb"], added["monitored"]) == (wished_film().ids["tmdb"], True)
    radarr.pass_time(2)
    going = await radarr.radarr.state(state.reference)
    assert (going.status, going.message) == (RequestStatus.PROCESSING, "It is being downloaded.")
    assert radarr.done("grabbed") == 1
    radarr.pass_time(70)
    assert (await radarr.radarr.state(state.reference)).status is RequestStatus.AVAILABLE
    found = await radarr.radarr.find(item, "")
    assert found is not None
    assert found.reference == state.reference


async def test_what_is_there_already_is_available_and_nothing_is_done(radarr: Plugged) -> None:
    state = await radarr.radarr.submit(film_item(held_film()), "")
    assert state.status is RequestStatus.AVAILABLE
    assert radarr.simulator.ledger.entries() == []


async def test_a_film_that_is_not_watched_is_watched_and_looked_for(radarr: Plugged) -> None:
    film = radarr.films.add(wished_film(), monitored=False)
    item = film_item(wished_film())
    assert await radarr.radarr.find(item, "") is None
    state = await radarr.radarr.submit(item, "")
    assert state.status is RequestStatus.PROCESSING
    assert film.monitored
    assert radarr.done("movie.added") == 0
    assert [facts["name"] for facts in radarr.simulator.ledger.facts("command")] == ["MoviesSearch"]


async def test_an_imdb_id_is_enough(radarr: Plugged) -> None:
    title = wished_film()
    item = film_item(title)
    by_imdb = type(item)(item.kind, {"imdb": title.ids["imdb"]}, title.title)
    assert await radarr.radarr.find(by_imdb, "") is None
    state = await radarr.radarr.submit(by_imdb, "")
    assert (await radarr.radarr.find(item, "")) is not None
    assert state.reference.startswith("movie/")


async def test_someone_else_was_faster(radarr: Plugged, monkeypatch: pytest.MonkeyPatch) -> None:
    item = film_item(wished_film())
    backend = radarr.radarr
    await backend.submit(item, "")
    held = backend._held
    answers = [None]

    async def blind(asked: object) -> object:
        return answers.pop() if answers else await held(item)

    monkeypatch.setattr(backend, "_held", blind)
    state = await backend.submit(item, "")
    assert state.status is RequestStatus.PROCESSING
    assert radarr.done("movie.added") == 1


async def test_nothing_suitable_and_not_out_yet(radarr: Plugged) -> None:
    title = wished_film()
    radarr.films.fates[title.ids["tmdb"]] = "nothing"
    state = await radarr.radarr.submit(film_item(title), "")
    radarr.pass_time(2)
    waiting = await radarr.radarr.state(state.reference)
    assert waiting.status is RequestStatus.PROCESSING
    assert waiting.message == "Nothing suitable was found yet; Radarr goes on looking."


async def test_cancelling_only_stops_looking(radarr: Plugged) -> None:
    state = await radarr.radarr.submit(film_item(wished_film()), "")
    await radarr.radarr.cancel(state.reference)
    assert (await radarr.radarr.state(state.reference)).status is RequestStatus.DECLINED
    await radarr.radarr.cancel(state.reference)
    kept = await radarr.radarr.find(film_item(held_film()), "")
    assert kept is not None
    await radarr.radarr.cancel(kept.reference)
    assert (await radarr.radarr.state(kept.reference)).status is RequestStatus.AVAILABLE
    for kind in ("movie.deleted", "file.deleted", "queue.removed"):
        assert radarr.done(kind) == 0
    await radarr.radarr.cancel("movie/99999")
    await radarr.radarr.cancel("something else")


async def test_deleted_there(radarr: Plugged) -> None:
    state = await radarr.radarr.submit(film_item(wished_film()), "")
    radarr.films.films.clear()
    gone = await radarr.radarr.state(state.reference)
    assert (gone.status, gone.message) == (RequestStatus.GONE, "Radarr does not have this title any more.")
    assert (await radarr.radarr.state("series/1")).status is RequestStatus.GONE


async def test_choices(radarr: Plugged, tmp_path: Path, factory: HttpFactory) -> None:
    options = {option.name: option for option in await radarr.radarr.options("movie")}
    assert [choice.title for choice in options["quality_profile"].choices][2] == "Ultra-HD"
    assert options["root_folder"].default == "/data/movies"
    assert options["tags"].many
    picked = {"quality_profile": "5", "root_folder": "/data/movies/", "tags": "1,2"}
    await radarr.radarr.submit(film_item(wished_film(), options=picked), "")
    film = radarr.films.by_tmdb(wished_film().ids["tmdb"])
    assert film is not None
    assert (film.profile, film.tags) == (5, [1, 2])


async def test_defaults_of_the_instance(tmp_path: Path, factory: HttpFactory) -> None:
    values = {"quality_profile": "hd-1080P", "root_folder": "/data/movies", "tags": "Household, unknown"}
    async with running(radarr_simulator(tmp_path)) as served:
        plugged = await plug(factory, served, **values)
        await plugged.radarr.submit(film_item(wished_film()), "")
        film = plugged.films.by_tmdb(wished_film().ids["tmdb"])
        assert film is not None
        assert (film.profile, film.tags) == (4, [2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quality_profile": "77"}, "no such quality profile"),
        ({"root_folder": "/elsewhere"}, "no such root folder"),
    ],
)
async def test_choices_that_are_not_there(radarr: Plugged, options: dict[str, str], message: str) -> None:
    with pytest.raises(Rejected, match=message):
        await radarr.radarr.submit(film_item(wished_film(), options=options), "")
    assert radarr.done("movie.added") == 0


async def test_a_title_that_nobody_knows_and_a_folder_that_is_away(radarr: Plugged) -> None:
    item = film_item(wished_film())
    with pytest.raises(Rejected, match="does not know this title"):
        await radarr.radarr.submit(type(item)("movie", {"tmdb": "1"}, "Nobody knows"), "")
    radarr.films.broken_roots = {"/data/movies"}
    with pytest.raises(Rejected, match="cannot reach any of its root folders"):
        await radarr.radarr.submit(item, "")


async def test_copies_of_the_other_kind_are_refused(
    radarr: Plugged, tmp_path: Path, factory: HttpFactory
) -> None:
    sharp = film_item(wished_film(), variant="4k")
    with pytest.raises(Rejected, match="does not keep 4K"):
        await radarr.radarr.submit(sharp, "")
    assert await radarr.radarr.find(film_item(held_film(), variant="4k"), "") is None
    async with running(radarr_simulator(tmp_path / "uhd")) as served:
        uhd = await plug(factory, served, uhd=True)
        with pytest.raises(Rejected, match="only 4K"):
            await uhd.radarr.submit(film_item(wished_film()), "")
        assert (await uhd.radarr.submit(sharp, "")).status is RequestStatus.PROCESSING
