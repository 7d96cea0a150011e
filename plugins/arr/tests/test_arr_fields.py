"""What Radarr and Sonarr know of files."""

from __future__ import annotations

from medianest_arr.fields import facts_of
from medianest_arr.models import MediaFile, MediaInfo, Quality, QualityName
from medianest_core.sdk import TitleKey
from medianest_core.testing.shapes import check_owner, strange
from medianest_core.testing.world.titles import MOVIE, household

from .arr_kit import Plugged, held_film, held_series, series_item, wished_film, wished_series


def key(id: str, kind: str, **ids: str) -> TitleKey:
    return TitleKey(id, kind, ids, "Some title", 2020)


async def test_films_by_either_id(radarr: Plugged) -> None:
    held, wished = held_film().ids, wished_film().ids
    keys = [
        key("a", "movie", tmdb=held["tmdb"]),
        key("b", "movie", imdb=held["imdb"]),
        key("c", "movie", tmdb=wished["tmdb"]),
    ]
    report = await check_owner(radarr.fields(), keys)
    assert report.complete
    assert report.probed == {"a", "b", "c"}
    assert set(report.values) == {"a", "b"}
    facts = report.values["a"]
    assert facts["media"]["resolution"] == "1080p"
    assert facts["media"]["video_codec"] == "h264"
    assert facts["media"]["audio_channels"] == 6
    assert facts["files"][0]["path"].startswith("/data/movies/")
    assert facts["files"][0]["size"] > 2**30


async def test_many_films_are_read_at_once(radarr: Plugged) -> None:
    keys = [
        key(str(number), "movie", tmdb=title.ids["tmdb"])
        for number, title in enumerate(household(MOVIE)[:40])
    ]
    report = await radarr.fields().report(keys)
    assert set(report.values) == {"0", "1", "2", "3"}
    assert len(report.probed) == 40


async def test_what_cannot_be_looked_at_was_not_probed(radarr: Plugged) -> None:
    report = await check_owner(radarr.fields(), [key("a", "movie"), key("b", "episode", tvdb="1")])
    assert (report.values, report.probed, report.complete) == ({}, frozenset(), False)


async def test_episodes_by_their_own_id(sonarr: Plugged) -> None:
    series = sonarr.shows.by_tvdb(held_series().ids["tvdb"])
    assert series is not None
    have = next(one for one in series.episodes if one.file)
    report = await check_owner(
        sonarr.fields(),
        [key("a", "episode", tvdb=str(have.tvdb)), key("b", "episode", tvdb="1"), key("c", "show", tvdb="2")],
    )
    assert set(report.values) == {"a"}
    assert report.probed == {"a", "b"}
    assert not report.complete


async def test_changes_are_what_was_imported_lately(radarr: Plugged, sonarr: Plugged) -> None:
    radarr.films.add(wished_film())
    radarr.films.queue_command("MissingMoviesSearch", {})
    begun = radarr.films.now
    radarr.pass_time(90)
    found = [ids async for ids in radarr.fields().changes(begun - 60)]
    assert found == [{"tmdb": wished_film().ids["tmdb"]}]
    assert [ids async for ids in sonarr.fields().changes(0.0)] == []


async def test_after_a_change_is_told_it_is_read_anew(sonarr: Plugged) -> None:
    series = sonarr.shows.by_tvdb(held_series().ids["tvdb"])
    assert series is not None
    have = next(one for one in series.episodes if one.file)
    asked, owner = [key("a", "episode", tvdb=str(have.tvdb))], sonarr.fields()
    before = (await owner.report(asked)).values["a"]["files"][0]["path"]
    assert have.file is not None
    have.file.path += ".new"
    assert (await owner.report(asked)).values["a"]["files"][0]["path"] == before
    begun = sonarr.shows.now
    await sonarr.sonarr.submit(series_item(wished_series(), seasons=[1]), "")
    sonarr.pass_time(90)
    assert [ids async for ids in owner.changes(begun - 60)] != []
    assert (await owner.report(asked)).values["a"]["files"][0]["path"] != before


def test_names_are_those_of_media_sources() -> None:
    file = MediaFile(
        path="/films/A/a.MKV",
        size=5,
        quality=Quality(QualityName("Remux-2160p", "bluray", 2160)),
        media_info=MediaInfo(
            audio_channels=7.1,
            audio_codec="TrueHD Atmos",
            video_bit_depth=10,
            video_bitrate=52_000_000,
            video_codec="x265",
            video_dynamic_range_type="DV HDR10",
            resolution="3840x1606",
            run_time="2:01:30",
        ),
    )
    facts = facts_of(file)
    assert facts["media"] == {
        "container": "mkv",
        "bitrate_kbps": 52_000,
        "width": 3840,
        "height": 1606,
        "resolution": "4K",
        "video_codec": "hevc",
        "bit_depth": 10,
        "hdr": "Dolby Vision",
        "hdr_formats": ["Dolby Vision", "HDR10"],
        "audio_codec": "truehd atmos",
        "audio_channels": 8,
    }
    assert facts["files"] == [{"path": "/films/A/a.MKV", "size": 5, "duration_ms": 7_290_000}]
    assert facts_of(MediaFile()) == {"media": {}, "files": [{}]}


def test_every_range_that_a_file_can_be_shown_in() -> None:
    def ranges(text: str) -> tuple[object, object]:
        media = facts_of(MediaFile(media_info=MediaInfo(video_dynamic_range_type=text)))["media"]
        assert not strange({"media": media})
        return media.get("hdr"), media.get("hdr_formats")

    assert ranges("DV HDR10") == ("Dolby Vision", ["Dolby Vision", "HDR10"])
    assert ranges("HDR10Plus") == ("HDR10+", ["HDR10+"])
    assert ranges("PQ") == ("HDR10", ["HDR10"])
    assert ranges("SDR") == ranges("") == (None, None)
