"""Manifests of a local folder: what is found, how little is read twice, and that it is what the shapes say."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

from medianest_core.base.settings import AppSettings
from medianest_core.cli.contributed import Beside, commands_of
from medianest_manifest.commands import make as command
from medianest_manifest.making import manifests, probe
from medianest_manifest.making.manifests import Made, Plan, make
from medianest_manifest.simulation.clip import clip

from .manifest_kit import Plugged

SCHEMAS = Path(__file__).parent / "schema"
FILM = "Mr. Test vs. the 4.5 (2009) {tmdb-603}"


@lru_cache
def _schema(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(name: str, manifest: object) -> list[str]:
    return [f"{list(one.path)}: {one.message[:200]}" for one in _schema(name).iter_errors(manifest)]


def picture(path: Path, colour: tuple[int, int, int] = (200, 30, 60)) -> None:
    Image.new("RGB", (60, 90), colour).save(path)


def put(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    root = tmp_path / "shelf"
    film = root / "Movies" / FILM
    put(film / "Mr. Test.mp4", clip())
    put(film / "Mr. Test-trailer.mp4", clip())
    put(film / "Mr. Test.en.srt", "1\n00:00:00,000 --> 00:00:01,000\nHi\n")
    put(film / "Mr. Test.pt-BR.forced.vtt", "WEBVTT\n")
    put(film / "Mr. Test.srt", "1\n")
    put(film / "Mr. Test.chapters.vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\nOne\n")
    put(film / "metadata.json", '{"title": "Mister Test", "id": 603}')
    picture(film / "poster.png")
    picture(film / "fanart.jpg", (0, 90, 200))
    put(root / "Movies" / "Loose (1999).mp4", clip())
    put(root / "Movies" / "Not yet (2030)" / "readme.txt", "soon")
    season = root / "TV" / "The Show (2012)" / "Season 01"
    put(season / "The Show - S01E02 - Second.mp4", clip())
    put(season / "The Show - S01E02 - Second.de.vtt", "WEBVTT\n")
    put(season / "The Show - S01E03.mp4", "no video at all")
    picture(season / "The Show - S01E02 - Second-thumb.jpg")
    picture(season / "poster.jpg")
    put(root / "TV" / "The Show (2012)" / "The Show S02E01.mp4", clip())
    return root


def manifest(root: Path, name: str) -> Any:
    return json.loads((root / "media" / name).read_bytes())


def test_everything_is_listed_as_the_shapes_say(shelf: Path) -> None:
    made = make(Plan(shelf, "http://files.test/m"))
    assert (made.films, made.series, made.episodes) == (3, 1, 3)
    assert made.unreadable == ["TV/The Show (2012)/Season 01/The Show - S01E03.mp4"]
    films, tv = manifest(shelf, "movies"), manifest(shelf, "tv")
    assert problems("movies", films) == [] and problems("tv", tv) == []
    film = films[FILM]
    assert film["fileNames"] == ["Mr. Test.mp4"], "a trailer is no film"
    assert film["length"] == {"Mr. Test.mp4": 2000} and film["dimensions"] == {"Mr. Test.mp4": "320x180"}
    assert film["mediaQuality"]["format"] == "MPEG-4" and film["hdr"] is None
    urls = film["urls"]
    assert (
        urls["mp4"]
        == "http://files.test/m/Movies/Mr.%20Test%20vs.%20the%204.5%20%282009%29%20%7Btmdb-603%7D/Mr.%20Test.mp4"
    )
    assert {name: one["srcLang"] for name, one in urls["subtitles"].items()} == {
        "English": "en",
        "Portuguese (Brazil) (forced)": "pt-BR",
        "Unknown": "und",
    }
    assert {"poster", "posterBlurhash", "backdrop", "backdropBlurhash", "metadata", "chapters"} <= urls.keys()
    assert films["Loose (1999)"]["fileNames"] == ["Loose (1999).mp4"]
    assert "mp4" not in films["Not yet (2030)"]["urls"]
    first, second = tv["The Show (2012)"]["seasons"].values()
    assert list(tv["The Show (2012)"]["seasons"]) == ["Season 1", "Season 2"]
    assert (
        first["episodes"]["S01E02"]["episodeNumber"] == 2
        and "thumbnailBlurhash" in first["episodes"]["S01E02"]
    )
    assert "length" not in first["episodes"]["S01E03"] and first["season_poster"]
    assert list(second["episodes"]) == ["S02E01"]


def test_only_what_has_changed_is_read_again(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probed: list[str] = []
    look = probe.probe

    def noted(path: Path) -> probe.Video | None:
        probed.append(path.name)
        return look(path)

    monkeypatch.setattr(probe, "probe", noted)
    first = make(Plan(shelf))
    assert first.changed and len(probed) == 5
    written = (shelf / "media" / "movies").stat().st_mtime_ns
    second = make(Plan(shelf))
    assert (second.changed, second.read) == (False, 0) and len(probed) == 5
    assert (shelf / "media" / "movies").stat().st_mtime_ns == written, (
        "web servers tell by it that nothing has changed"
    )
    film = shelf / "Movies" / FILM / "Mr. Test.mp4"
    os.utime(film, ns=(film.stat().st_atime_ns, film.stat().st_mtime_ns + 10**9))
    third = make(Plan(shelf))
    assert third.changed and third.read == 1 and probed[5:] == ["Mr. Test.mp4"]
    film.unlink()
    fourth = make(Plan(shelf))
    assert fourth.changed and fourth.read == 0 and manifest(shelf, "movies")[FILM]["fileNames"] == []


def test_a_new_poster_has_a_new_address(shelf: Path) -> None:
    make(Plan(shelf))
    before = manifest(shelf, "movies")[FILM]["urls"]
    poster = shelf / "Movies" / FILM / "poster.png"
    picture(poster, (0, 200, 0))
    os.utime(poster, ns=(1, 10**18))
    make(Plan(shelf))
    after = manifest(shelf, "movies")[FILM]["urls"]
    assert {name for name in before if before[name] != after[name]} == {"poster", "posterBlurhash"}


def test_what_was_known_is_lost(shelf: Path) -> None:
    """A half-written file of an earlier time costs time and nothing else."""
    make(Plan(shelf))
    good = manifest(shelf, "movies")
    (shelf / "media" / ".known.json").write_text('{"format": 1, "files": {"video:')
    made = make(Plan(shelf))
    assert made.read == 9 and not made.changed and manifest(shelf, "movies") == good


def test_written_elsewhere(shelf: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(Plan(shelf, "http://files.test", out))
    assert not (shelf / "media").exists()
    urls = manifest(out, "movies")[FILM]["urls"]
    assert "posterBlurhash" not in urls, "nobody could fetch it"
    make(Plan(shelf, "http://files.test", out, "http://lists.test/x/"))
    urls = manifest(out, "movies")[FILM]["urls"]
    assert urls["posterBlurhash"].startswith("http://lists.test/x/media/beside/")


def test_names_that_are_no_text(shelf: Path) -> None:
    odd = os.fsencode(shelf / "Movies") + b"/Caf\xe9 # 100% (2001).mp4"
    try:
        Path(os.fsdecode(odd)).write_bytes(clip())
    except OSError:
        pytest.skip("this file system takes only text")
    make(Plan(shelf, "http://files.test"))
    films = manifest(shelf, "movies")
    assert problems("movies", films) == []
    [found] = [one for name, one in films.items() if name.startswith("Caf")]
    assert found["urls"]["mp4"] == "http://files.test/Movies/Caf%E9%20%23%20100%25%20%282001%29.mp4"


def test_folders_of_other_names(tmp_path: Path) -> None:
    put(tmp_path / "Kino" / "A (2001).mp4", clip())
    assert make(Plan(tmp_path)) == Made(changed=True)
    assert make(Plan(tmp_path, movies="Kino")).films == 1
    assert manifests.make(Plan(tmp_path, movies="nowhere")).films == 0


@pytest.mark.parametrize(
    ("ending", "found"),
    [
        ("en.srt", ("en", "English")),
        ("srt", ("und", "Unknown")),
        ("de.sdh.ass", ("de", "German (sdh)")),
        ("xx-nonsense!.srt", ("xx-nonsense!", "xx-nonsense!")),
    ],
)
def test_languages_of_captions(ending: str, found: tuple[str, str]) -> None:
    assert manifests._language(ending) == found


async def test_the_command(shelf: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    [made] = commands_of("manifest")
    assert made.name.endswith("make") and commands_of("no_such_plugin") == []
    context = Beside("manifest", AppSettings(data_dir=tmp_path / "portal", _env_file=None))
    assert await made.handler(context, [str(shelf), "--base-url", "http://files.test"]) == 0
    assert "3 films, 1 series with 3 episodes; 9 files looked into, changed." in capsys.readouterr().out
    assert not (tmp_path / "portal").exists(), "it needs no portal"
    assert await command(context, [str(shelf / "nothing")]) == 1
    assert await command(context, ["--watch", "sometimes", str(shelf)]) == 2
    assert await command(context, ["--help"]) == 0


async def test_the_simulator_serves_the_same_shapes(files: Plugged) -> None:
    for name in ("movies", "tv"):
        found = (
            await files.http.get(f"{files.url}/media/{name}", headers=files.server.addresses.credentials())
        ).json()
        assert problems(name, found) == [] and len(found) > 5


def test_the_shapes_refuse_what_is_none() -> None:
    assert problems("movies", {"A": {}, "version": 1.0}) and problems(
        "tv", {"A": {"seasons": []}, "version": 1.0001}
    )
    assert problems("movies", {}) and problems("movies", {"version": 2})


def test_the_catalogue_is_there() -> None:
    assert (resources("medianest_manifest") / "locale/de/LC_MESSAGES/manifest.po").is_file()
