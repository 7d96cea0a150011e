"""The last stage of a request: the server has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medianest_core.sdk import EPISODE, MOVIE, SEASON, SHOW, RequestItem, StageReport, StageState, Tracked
from medianest_plex import stages

from .plex_kit import Plugged

W, A, D = StageState.WAITING, StageState.ACTIVE, StageState.DONE


async def looked(plex: Plugged, **items: RequestItem) -> Mapping[str, StageReport]:
    stages._known.clear()
    (stage,) = stages.stages()
    return await stage.look(plex.server, [Tracked(name, item, "") for name, item in items.items()])


async def _newest(plex: Plugged, title: str, kind: str) -> Any:
    records = [one.decode() for one in await plex.records(title)]
    return max(
        (one for one in records if one.kind == kind and one.added_at), key=lambda one: one.added_at or 0
    )


async def test_a_film_is_there_or_not_yet(plex: Plugged) -> None:
    film = await _newest(plex, "Movies", MOVIE)
    found = await looked(
        plex,
        here=RequestItem(MOVIE, {"tmdb": film.ids["tmdb"]}, film.title),
        by_imdb=RequestItem(MOVIE, {"imdb": film.ids["imdb"]}, film.title),
        not_yet=RequestItem(MOVIE, {"tmdb": "1"}, "Elsewhere"),
        nameless=RequestItem(MOVIE, {}, film.title),
        uhd=RequestItem(MOVIE, {"tmdb": film.ids["tmdb"]}, film.title, variant="4k"),
        song=RequestItem("song", {"tmdb": film.ids["tmdb"]}, film.title),
    )
    assert {name: one.state for name, one in found.items()} == {
        "here": D,
        "by_imdb": D,
        "not_yet": W,
        "nameless": W,
    }
    assert found["here"].at == film.added_at


async def test_parts_of_a_series(plex: Plugged) -> None:
    records = {one.key: one for one in (raw.decode() for raw in await plex.records("TV Shows"))}
    last = await _newest(plex, "TV Shows", EPISODE)
    season = records[last.parent]
    show = records[season.parent or ""]
    assert season.index is not None
    part = (season.index, int(last.index))
    found = await looked(
        plex,
        whole=RequestItem(SHOW, show.ids, show.title),
        season=RequestItem(SEASON, show.ids, show.title, seasons=(season.index,)),
        other=RequestItem(SEASON, show.ids, show.title, seasons=(99,)),
        episode=RequestItem(EPISODE, show.ids, show.title, episodes=(part,)),
        more=RequestItem(EPISODE, show.ids, show.title, episodes=(part, (99, 1))),
        stranger=RequestItem(SHOW, {"tvdb": "1"}, "Elsewhere"),
    )
    assert {name: one.state for name, one in found.items()} == {
        "whole": A,
        "season": A,
        "other": W,
        "episode": D,
        "more": A,
        "stranger": W,
    }
    assert found["episode"].at == last.added_at
    assert found["more"].message == "A part of it is there."


async def test_one_look_answers_for_all_and_for_a_while(plex: Plugged) -> None:
    film = await _newest(plex, "Movies", MOVIE)
    many = {f"r{n}": RequestItem(MOVIE, {"tmdb": film.ids["tmdb"]}, film.title) for n in range(60)}
    assert len(await looked(plex, **many)) == 60
    asked: list[str] = []
    match = plex.simulator.faults.match

    def counted(method: str, path: str) -> object:
        asked.append(path)
        return match(method, path)

    plex.simulator.faults.match = counted  # type: ignore[method-assign,assignment]  # only counts
    (stage,) = stages.stages()
    again = await stage.look(plex.server, [Tracked("r", many["r0"], "")])
    assert (again["r"].state, asked) == (D, [])
    assert await stage.look(plex.server, []) == {}
