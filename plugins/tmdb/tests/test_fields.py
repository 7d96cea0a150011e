"""The owner of titles, descriptions, artwork and ids."""

from __future__ import annotations

import time

import pytest

from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import MOVIE, SHOW, AuthFailed, NotReady, TitleKey
from medianest_core.testing.faults import Rule
from medianest_core.testing.shapes import check_owner
from medianest_core.testing.simulators import RunningSimulator

from .tmdb_kit import FILM, SERIES, Plugged, plug

FILM_KEY = TitleKey("1", MOVIE, {"imdb": FILM.ids["imdb"]}, FILM.title, FILM.year)
SERIES_KEY = TitleKey("2", SHOW, {"tmdb": SERIES.ids["tmdb"]}, SERIES.title, SERIES.year)
STRANGER = TitleKey("3", MOVIE, {"tmdb": "1"}, "Nobody's", 2001)
HOME_VIDEO = TitleKey("4", MOVIE, {}, "Birthday", 2020)


async def test_what_it_says_of_titles(tmdb: Plugged) -> None:
    report = await check_owner(tmdb.fields, [FILM_KEY, SERIES_KEY, STRANGER, HOME_VIDEO])
    assert report.complete
    assert report.probed == {"1", "2", "3", "4"}
    assert set(report.values) == {"1", "2"}
    film = report.values["1"]
    assert (film["title"], film["summary"], film["tagline"]) == (FILM.title, FILM.summary, FILM.tagline)
    assert film["ids"] == {"tmdb": FILM.ids["tmdb"], "imdb": FILM.ids["imdb"]}
    assert film["assets"]["poster"].startswith("poster:/")
    assert set(film) <= set(tmdb.fields.fields()[MOVIE])
    assert report.values["2"]["ids"] == dict(SERIES.ids)


async def test_in_the_language_of_the_setting(served: RunningSimulator, factory: HttpFactory) -> None:
    tmdb = await plug(factory, served, language="de-DE")
    report = await tmdb.fields.report([FILM_KEY])
    assert report.values["1"]["title"] == "Der Meridian-Coup"
    assert report.values["1"]["original_title"] == FILM.title


async def test_what_could_not_be_asked_was_not_probed(tmdb: Plugged) -> None:
    tmdb.simulator.faults.set(Rule("500", f"/3/tv/{SERIES.ids['tmdb']}"))
    report = await tmdb.fields.report([FILM_KEY, SERIES_KEY])
    assert (set(report.probed), report.complete) == ({"1"}, False)
    tmdb.simulator.faults.set(Rule("down", "/3"))
    with pytest.raises(NotReady):
        await tmdb.fields.report([SERIES_KEY])


async def test_a_refused_token_is_told_and_not_tried_again(tmdb: Plugged) -> None:
    tmdb.simulator.faults.set(Rule("401", "/3"))
    keys = [TitleKey(str(number), MOVIE, {"tmdb": str(number)}, "", None) for number in range(2, 60)]
    with pytest.raises(AuthFailed):
        await tmdb.fields.report(keys)
    assert (await tmdb.fields.report([])).complete


async def test_what_changed_lately(tmdb: Plugged) -> None:
    changed = [one async for one in tmdb.fields.changes(time.time() - 90 * 86400)]
    assert changed
    known = {str(number) for _, number in tmdb.simulator.service.catalogue.works}
    assert {one["tmdb"] for one in changed} <= known
    assert {one["path"] for one in tmdb.asked()} == {"/3/movie/changes", "/3/tv/changes"}
    assert {one["status"] for one in tmdb.asked()} == {200}
