"""The simulator, held honest by a client that knows nothing of us."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import tmdbsimple
from PIL import Image

from medianest_core.testing.simulators import RunningSimulator
from medianest_core.testing.threaded import threaded
from medianest_core.testing.world.titles import MOVIE, SHOW, elsewhere, household
from medianest_tmdb.simulation.service import Options
from medianest_tmdb.simulator import KEY, TOKEN, TmdbSimulator

FILM, SERIES = elsewhere(MOVIE)[0], household(SHOW)[1]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with threaded(TmdbSimulator(items=240, data_dir=tmp_path_factory.mktemp("tmdb"))) as found:
        yield found


@pytest.fixture(autouse=True)
def as_usual(served: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tmdbsimple, "API_KEY", KEY)
    monkeypatch.setattr(tmdbsimple, "REQUESTS_TIMEOUT", 20)
    monkeypatch.setattr(tmdbsimple.base.TMDB, "_get_complete_url", _complete(f"{served.url}/3"))
    simulator(served).service.options = Options(per_second=100_000)


def simulator(served: RunningSimulator) -> TmdbSimulator:
    assert isinstance(served.simulator, TmdbSimulator)
    return served.simulator


def _complete(base: str) -> Any:
    def complete(self: Any, path: str) -> str:
        return f"{base}/{path}"

    return complete


def get(served: RunningSimulator, path: str, **params: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.get(f"{served.url}{path}", params=params, headers=headers, timeout=60)


def test_both_ways_to_sign_in(served: RunningSimulator) -> None:
    assert get(served, "/3/authentication").json()["success"] is True
    assert httpx.get(f"{served.url}/3/authentication", params={"api_key": KEY}, timeout=60).status_code == 200
    refused = httpx.get(
        f"{served.url}/3/authentication", headers={"Authorization": "Bearer wrong"}, timeout=60
    )
    assert (refused.status_code, refused.json()["status_code"]) == (401, 7)


def test_a_wrong_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tmdbsimple, "API_KEY", "0" * 32)
    with pytest.raises(requests.HTTPError) as refused:
        tmdbsimple.Configuration().info()
    assert refused.value.response.status_code == 401


def test_configuration() -> None:
    images = tmdbsimple.Configuration().info()["images"]
    assert "w342" in images["poster_sizes"]
    assert images["secure_base_url"].endswith("/t/p/")
    assert {
        "iso_639_1": "de",
        "english_name": "German",
        "name": "Deutsch",
    } in tmdbsimple.Configuration().languages()


def test_searching_all_kinds_at_once() -> None:
    search = tmdbsimple.Search()
    found = search.multi(query="the")["results"]
    assert {one["media_type"] for one in found} <= {"movie", "tv", "person"}
    assert found == search.results
    film = next(
        one for one in search.multi(query="meridian heist")["results"] if one["media_type"] == "movie"
    )
    assert (film["id"], film["title"]) == (int(FILM.ids["tmdb"]), "The Meridian Heist")
    assert "name" not in film
    assert search.multi(query="")["results"] == []
    assert [one["id"] for one in search.movie(query="Meridian-Coup", language="de-DE")["results"]] == [
        film["id"]
    ]
    [series] = search.tv(query=SERIES.title)["results"]
    assert series["id"] == int(SERIES.ids["tmdb"])
    assert "first_air_date" in series
    person = search.person(query=simulated_person(served_people()))["results"][0]
    assert "known_for_department" in person


def served_people() -> list[dict[str, Any]]:
    return list(tmdbsimple.Movies(int(FILM.ids["tmdb"])).credits()["cast"])


def simulated_person(cast: list[dict[str, Any]]) -> str:
    return str(cast[0]["name"])


def test_a_film_with_its_parts() -> None:
    film = tmdbsimple.Movies(int(FILM.ids["tmdb"]))
    info = film.info(append_to_response="credits,external_ids,keywords,watch/providers,nonsense")
    assert (film.title, film.imdb_id, film.runtime) == (FILM.title, FILM.ids["imdb"], 118)
    assert info["watch/providers"] == {"results": {}}
    assert "keywords" in info["keywords"]
    assert "tvdb_id" not in info["external_ids"]
    assert "nonsense" not in info
    assert [one["order"] for one in film.credits()["cast"]] == list(range(len(film.cast)))
    assert film.release_dates()["results"] == [] or film.results[0]["iso_3166_1"] == "US"
    german = film.info(language="de-DE")
    assert (german["title"], german["overview"][:13]) == ("Der Meridian-Coup", "Fünf Uhrmache")
    assert film.info(language="ja-JP")["overview"] == ""


def test_a_series_with_seasons_and_episodes() -> None:
    number = int(SERIES.ids["tmdb"])
    series = tmdbsimple.TV(number)
    info = series.info()
    assert [one["season_number"] for one in info["seasons"]] == list(range(SERIES.seasons + 1))
    assert series.external_ids()["tvdb_id"] == int(SERIES.ids["tvdb"])
    assert "results" in series.keywords()
    season = tmdbsimple.TV_Seasons(number, 1).info()
    assert len(season["episodes"]) == info["seasons"][1]["episode_count"]
    episode = tmdbsimple.TV_Episodes(number, 1, 2).info()
    assert episode == season["episodes"][1]
    with pytest.raises(requests.HTTPError) as missing:
        tmdbsimple.TV_Seasons(number, 40).info()
    assert missing.value.response.json()["status_code"] == 34


def test_finding_by_the_ids_of_others() -> None:
    found = tmdbsimple.Find(FILM.ids["imdb"]).info(external_source="imdb_id")
    assert [one["id"] for one in found["movie_results"]] == [int(FILM.ids["tmdb"])]
    found = tmdbsimple.Find(SERIES.ids["tvdb"]).info(external_source="tvdb_id")
    assert [one["id"] for one in found["tv_results"]] == [int(SERIES.ids["tmdb"])]
    nothing = tmdbsimple.Find("tt0000001").info(external_source="imdb_id")
    assert not any(nothing.values())


def test_charts_and_filters() -> None:
    trending = tmdbsimple.Trending(media_type="all", time_window="week").info()
    assert {one["media_type"] for one in trending["results"]} == {"movie", "tv"}
    assert len(tmdbsimple.Movies().popular()["results"]) == 20
    assert "dates" in tmdbsimple.Movies().now_playing()
    assert tmdbsimple.Movies().upcoming()["results"]
    assert tmdbsimple.TV().top_rated()["results"]
    assert isinstance(tmdbsimple.TV().on_the_air()["results"], list)
    drama = tmdbsimple.Discover().movie(with_genres="18,10751", sort_by="vote_average.desc")["results"]
    assert drama and all({18, 10751} <= set(one["genre_ids"]) for one in drama)
    either = tmdbsimple.Discover().movie(with_genres="37|27")["total_results"]
    assert either > 0
    assert tmdbsimple.Genres().movie_list()["genres"]


def test_what_changed_within_two_weeks(served: RunningSimulator) -> None:
    changed = tmdbsimple.Changes().movie(start_date="2026-01-01", end_date="2026-01-14")
    assert changed["total_results"] > 0
    refused = get(served, "/3/movie/changes", start_date="2026-01-01", end_date="2026-02-14")
    assert (refused.status_code, refused.json()["status_code"]) == (422, 20)


def test_its_refusals(served: RunningSimulator) -> None:
    def code(path: str, **params: Any) -> tuple[int, int]:
        reply = get(served, path, **params)
        return reply.status_code, reply.json()["status_code"]

    assert code("/3/movie/1") == (404, 34)
    assert code("/3/nowhere") == (404, 34)
    assert code("/3/movie/popular", page=501) == (400, 22)
    assert code("/3/movie/popular", page="x") == (400, 22)
    assert code("/3/movie/changes", start_date="soon") == (400, 23)
    many = ",".join(f"part{number}" for number in range(21))
    assert code(f"/3/movie/{FILM.ids['tmdb']}", append_to_response=many) == (400, 27)
    simulator(served).service.options = Options(per_second=0, retry_after=3)
    limited = get(served, "/3/configuration")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "3")
    simulator(served).service.options = Options(odd={"/3/search": "gateway"})
    assert get(served, "/3/search/multi", query="x").headers["content-type"].startswith("text/html")


def test_an_answer_that_is_known_is_not_sent_again(served: RunningSimulator) -> None:
    first = get(served, f"/3/movie/{FILM.ids['tmdb']}")
    headers = {"Authorization": f"Bearer {TOKEN}", "If-None-Match": first.headers["etag"]}
    again = httpx.get(f"{served.url}/3/movie/{FILM.ids['tmdb']}", headers=headers, timeout=60)
    assert (again.status_code, again.content) == (304, b"")
    assert "max-age" in first.headers["cache-control"]


def test_pictures_in_all_sizes_without_a_key(served: RunningSimulator) -> None:
    images = tmdbsimple.Movies(int(FILM.ids["tmdb"])).images()
    poster = images["posters"][0]["file_path"]
    assert {one["iso_639_1"] for one in images["posters"]} == {"en", "de", None}
    hidden = tmdbsimple.Movies(int(FILM.ids["tmdb"])).images(language="en-US")["posters"]
    assert {one["iso_639_1"] for one in hidden} == {"en"}
    both = tmdbsimple.Movies(int(FILM.ids["tmdb"])).images(include_image_language="en,null")["posters"]
    assert {one["iso_639_1"] for one in both} == {"en", None}
    for size, width in (("w342", 342), ("original", 600)):
        picture = httpx.get(f"{served.url}/t/p/{size}{poster}", timeout=60)
        assert picture.headers["content-type"] == "image/jpeg"
        with Image.open(io.BytesIO(picture.content)) as opened:
            assert opened.width == width
    assert httpx.get(f"{served.url}/t/p/w1280{poster}", timeout=60).status_code == 404
    assert httpx.get(f"{served.url}/t/p/w342/nothing.jpg", timeout=60).status_code == 404


def test_rows_that_lack_what_rows_usually_have(served: RunningSimulator) -> None:
    rows = [
        row
        for kind in ("movie", "tv")
        for page in range(1, 10)
        for row in get(served, f"/3/discover/{kind}", page=page).json()["results"]
    ]
    films = [row for row in rows if "title" in row]
    assert any(row["poster_path"] is None for row in rows)
    assert any(row["backdrop_path"] is None for row in rows)
    assert any(row.get("release_date") == "" for row in films)
    assert any("release_date" not in row for row in films)
    assert any("<b>" in row["title"] for row in films)


def test_the_same_seed_gives_the_same_answers(tmp_path: Path) -> None:
    one, other = (TmdbSimulator(items=200, data_dir=tmp_path).service.catalogue for _ in range(2))
    assert list(one.works) == list(other.works)
    assert [work.cast for work in one.works.values()] == [work.cast for work in other.works.values()]
