"""An independent client, pyarr, against the simulators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pyarr import RadarrAPI, SonarrAPI
from pyarr.exceptions import PyarrUnauthorizedError

from medianest_arr.simulator import KEY, RadarrSimulator, SonarrSimulator
from medianest_core.testing.simulators import RunningSimulator
from medianest_core.testing.threaded import threaded
from medianest_core.testing.world.titles import MOVIE, SHOW, elsewhere, household


@pytest.fixture
def served_radarr(tmp_path: Path) -> Iterator[RunningSimulator]:
    """In a thread, because pyarr blocks."""
    with threaded(RadarrSimulator(items=5, data_dir=tmp_path)) as served:
        yield served


@pytest.fixture
def served_sonarr(tmp_path: Path) -> Iterator[RunningSimulator]:
    with threaded(SonarrSimulator(items=3, data_dir=tmp_path)) as served:
        yield served


@pytest.fixture
def radarr(served_radarr: RunningSimulator) -> Any:
    """Untyped, as pyarr's annotations of arrays and objects are partly wrong."""
    return RadarrAPI(served_radarr.url, KEY)


@pytest.fixture
def sonarr(served_sonarr: RunningSimulator) -> Any:
    return SonarrAPI(served_sonarr.url, KEY)


def advance(served: RunningSimulator, seconds: float) -> None:
    requests.post(f"{served.url}/_sim/advance", json={"seconds": seconds}, timeout=60).raise_for_status()


def test_what_both_tell_about_themselves(radarr: Any, sonarr: Any) -> None:
    assert radarr.get_system_status()["appName"] == "Radarr"
    assert sonarr.get_system_status()["appName"] == "Sonarr"
    assert [row["name"] for row in radarr.get_quality_profile()][:2] == ["Any", "HD-1080p"]
    assert radarr.get_root_folder()[0]["path"] == "/data/movies"
    assert sonarr.get_root_folder()[0]["accessible"] is True
    assert radarr.get_health() == []
    made = radarr.create_tag("Portal")
    assert made["label"] == "portal"
    assert made in radarr.get_tag()


def test_a_wrong_key(served_radarr: RunningSimulator) -> None:
    client: Any = RadarrAPI(served_radarr.url, "wrong")
    with pytest.raises(PyarrUnauthorizedError):
        client.get_system_status()
    refused = requests.get(f"{served_radarr.url}/api/v3/movie", timeout=60)
    assert (refused.status_code, refused.content) == (401, b"")
    for way in ({"headers": {"X-Api-Key": KEY}}, {"params": {"apikey": KEY}}):
        found: Any = requests.get(f"{served_radarr.url}/api/v3/movie", timeout=60, **way)  # type: ignore[arg-type]
        assert found.status_code == 200
        assert found.headers["x-application-version"].startswith("6.")
    bearer = {"Authorization": f"Bearer {KEY}"}
    assert requests.get(f"{served_radarr.url}/api/v3/health", headers=bearer, timeout=60).status_code == 200
    assert requests.get(f"{served_radarr.url}/ping", timeout=60).json() == {"status": "OK"}


def test_a_film_from_looking_it_up_to_its_file(radarr: Any, served_radarr: RunningSimulator) -> None:
    title = next(one for one in elsewhere(MOVIE) if one.year < 2025)
    (found,) = radarr.lookup_movie(f"tmdb:{title.ids['tmdb']}")
    assert "id" not in found
    assert radarr.lookup_movie(f"imdb:{title.ids['imdb']}")[0]["tmdbId"] == int(title.ids["tmdb"])
    added = radarr.add_movie(found, "/data/movies", 4)
    assert added["hasFile"] is False
    assert radarr.get_movie(int(title.ids["tmdb"]), tmdb=True)[0]["id"] == added["id"]
    advance(served_radarr, 2)
    assert {row["status"] for row in radarr.get_command()} == {"completed"}
    queue = radarr.get_queue(page_size=500)
    (row,) = queue["records"]
    assert (queue["totalRecords"], row["movieId"], row["status"]) == (1, added["id"], "downloading")
    assert 0 < row["sizeleft"] <= row["size"]
    assert row["timeleft"].startswith("00:0")
    advance(served_radarr, 70)
    assert radarr.get_queue()["records"] == []
    film = radarr.get_movie(added["id"])
    assert film["hasFile"] is True
    assert film["movieFile"]["quality"]["quality"]["name"] == "Bluray-1080p"
    kinds = [row["eventType"] for row in radarr.get_movie_history(added["id"])]
    assert kinds == ["downloadFolderImported", "grabbed"]
    film["monitored"] = False
    assert radarr.upd_movie(film)["monitored"] is False
    radarr.del_movie(added["id"])
    missing = requests.get(f"{served_radarr.url}/api/v3/movie/{added['id']}?apikey={KEY}", timeout=60)
    assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")


def test_a_film_cannot_be_added_twice(served_radarr: RunningSimulator, radarr: Any) -> None:
    held = radarr.get_movie()[0]
    url = f"{served_radarr.url}/api/v3/movie"
    again = requests.post(url, json={**held, "id": 0}, headers={"X-Api-Key": KEY}, timeout=60)
    assert again.status_code == 400
    assert again.json()[0]["errorCode"] == "MovieExistsValidator"
    nothing = requests.post(url, headers={"X-Api-Key": KEY}, timeout=60)
    assert (nothing.status_code, nothing.json()["status"]) == (400, 400)
    unknown = requests.post(
        f"{served_radarr.url}/api/v3/command", json={"name": "Fly"}, headers={"X-Api-Key": KEY}, timeout=60
    )
    assert (unknown.status_code, sorted(unknown.json())) == (500, ["description", "message"])


@pytest.mark.usefixtures("still")
def test_a_series_season_by_season(sonarr: Any, served_sonarr: RunningSimulator) -> None:
    title = next(one for one in elsewhere(SHOW) if one.seasons > 1 and one.year < 2023)
    (found,) = sonarr.lookup_series(f"tvdb:{title.ids['tvdb']}")
    for season in found["seasons"]:
        season["monitored"] = season["seasonNumber"] == 1
    added = sonarr.add_series(found, 4, 1, "/data/tv", search_for_missing_episodes=True)
    assert sonarr.get_episode(added["id"], series=True) == []
    advance(served_sonarr, 2)
    episodes = sonarr.get_episode(added["id"], series=True)
    assert {row["seasonNumber"]: row["monitored"] for row in episodes}[1] is True
    assert {row["seasonNumber"]: row["monitored"] for row in episodes}[2] is False
    records = sonarr.get_queue(page_size=100)["records"]
    assert len(records) == sum(row["seasonNumber"] == 1 for row in episodes)
    assert len({row["downloadId"] for row in records}) == 1
    second = [row["id"] for row in episodes if row["seasonNumber"] == 2][:1]
    assert sonarr.upd_episode_monitor(second, True)[0]["monitored"] is True
    advance(served_sonarr, 70)
    season = sonarr.get_series(added["id"])["seasons"][0]["statistics"]
    assert season["percentOfEpisodes"] == 100.0
    assert len(sonarr.get_episode_file(added["id"], series=True)) == season["episodeFileCount"]


@pytest.mark.usefixtures("still")
def test_commands_that_are_asked_for_twice_are_one(radarr: Any) -> None:
    first = radarr.post_command("RescanMovie", movieId=1)
    assert radarr.post_command("RescanMovie", movieId=1)["id"] == first["id"]
    assert first["status"] in {"queued", "started"}


def test_pages_past_the_end_show_the_last(radarr: Any) -> None:
    page = radarr.get_history(page=9, page_size=10)
    assert (page["page"], page["totalRecords"], page["records"]) == (1, 0, [])


def test_what_the_household_has_is_what_its_media_servers_have(radarr: Any, sonarr: Any) -> None:
    assert {str(row["tmdbId"]) for row in radarr.get_movie()} == {
        one.ids["tmdb"] for one in household(MOVIE)[:5]
    }
    assert [str(row["tvdbId"]) for row in sonarr.get_series()] == [
        one.ids["tvdb"] for one in household(SHOW)[:3]
    ]
