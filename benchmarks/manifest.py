"""Syncing a large manifest from a plain web server: 10,000 films and 100,000 episodes unless said otherwise. First, then with lists
that did not change, that were written again and say the same, and of which every hundredth entry changed.

Each act with its seconds, its CPU seconds a record, the rows it wrote and the peak of memory since it began. The server is Python's
own, which answers 304 where a file's date did not change. Files beside the media (metadata, chapters) are left out: the lists are
what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.sync import Child

SEASON = 10
SHOW = 100
"""Episodes of a season, and of a show."""
_DAY = 86_400


def _quality(number: int) -> dict[str, Any]:
    return {
        "format": "HEVC",
        "bitDepth": 10,
        "colorSpace": "bt2020nc",
        "transferCharacteristics": "smpte2084",
        "isHDR": True,
        "viewingExperience": {"enhancedColor": True, "highDynamicRange": number % 2 == 0},
    }


def _captions(folder: str) -> dict[str, Any]:
    return {
        language: {"url": f"{folder}.{code}.srt", "srcLang": code, "lastModified": "2024-05-01T10:00:00Z"}
        for language, code in (("English", "en"), ("Deutsch", "de"))
    }


def _films(count: int, changed: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"version": 1.0}
    for number in range(count):
        name = f"Film {number:05} ({1950 + number % 70})"
        file, folder = f"{name}.mkv", f"/files/movies/{name}/{name}"
        edited = changed and number % 100 == 0
        found[f"{name} {{tmdb-{number + 1}}}"] = {
            "_id": f"{number:024x}",
            "fileNames": [file],
            "length": {file: 5_400_000 + number},
            "dimensions": {file: "3840x2160"},
            "urls": {
                "mp4": f"{folder}.mkv",
                "mediaLastModified": "2024-06-01T10:00:00Z" if edited else "2024-05-01T10:00:00Z",
                "poster": f"{folder}/poster.jpg?hash={number:x}",
                "backdrop": f"{folder}/backdrop.jpg?hash={number:x}",
                "subtitles": _captions(folder),
            },
            "hdr": "HDR10",
            "mediaQuality": _quality(number),
            "additional_metadata": {"size": {"kb": 9_000_000 + number}, "duration": 5_400_000 + number},
        }
    return found


def _series(episodes: int, changed: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"version": 1.0001}
    for first in range(0, episodes, SHOW):
        show = f"Show {first // SHOW:04} ({1990 + first // SHOW % 35})"
        seasons: dict[str, Any] = {}
        for start in range(first, min(first + SHOW, episodes), SEASON):
            season = (start - first) // SEASON + 1
            there: dict[str, Any] = {}
            lengths, dimensions = {}, {}
            for number in range(start, min(start + SEASON, episodes)):
                code = f"S{season:02}E{number - start + 1:02}"
                file, folder = f"{show} - {code}.mkv", f"/files/tv/{show}/Season {season}/{code}"
                lengths[file], dimensions[file] = 2_400_000 + number, "1920x1080"
                there[code] = {
                    "_id": f"{number:024x}",
                    "filename": file,
                    "episodeNumber": number - start + 1,
                    "videoURL": f"{folder}.mkv",
                    "mediaLastModified": "2024-06-01T10:00:00Z"
                    if changed and number % 100 == 0
                    else "2024-05-01T10:00:00Z",
                    "thumbnail": f"{folder}.jpg?hash={number:x}",
                    "subtitles": _captions(folder),
                    "hdr": None,
                    "mediaQuality": _quality(number),
                    "additionalMetadata": {
                        "size": {"kb": 900_000 + number},
                        "duration": 2_400_000 + number,
                    },
                }
            seasons[f"Season {season}"] = {
                "lengths": lengths,
                "dimensions": dimensions,
                "season_poster": f"/files/tv/{show}/Season {season}/poster.jpg?hash={start:x}",
                "episodes": there,
            }
        found[show] = {"poster": f"/files/tv/{show}/poster.jpg?hash={first:x}", "seasons": seasons}
    return found


def _publish(folder: Path, films: int, episodes: int, *, changed: bool, version: int) -> int:
    """Write both lists; returns their bytes. version: lists of another one bear another date."""
    at, size = time.time() - 10 * _DAY + version * _DAY, 0
    for name, made in (("movies", _films(films, changed)), ("tv", _series(episodes, changed))):
        path = folder / name
        path.write_bytes(json.dumps(made).encode())
        os.utime(path, (at, at))
        size += path.stat().st_size
    return size


@contextmanager
def _web_server(folder: Path) -> Iterator[str]:
    """Any web server that shows `folder`; gives its address."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]
    process = subprocess.Popen(
        [*command, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        told = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert told is not None
        yield told[0]
    finally:
        process.terminate()
        process.wait(20)


def measure(films: int, episodes: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="medianest-bench-") as name:
        folder = Path(name)
        lists = folder / "web" / "media"
        lists.mkdir(parents=True)
        size = _publish(lists, films, episodes, changed=False, version=0)
        with _web_server(folder / "web") as url:
            portal = Child("--portal", str(folder / "portal"))
            try:
                added = {
                    "plugin": "manifest",
                    "service": "manifest",
                    "name": "shelf",
                    "title": "Shelf",
                    "settings": {"url": url},
                }
                acts = {"first": portal.tell(f"add {json.dumps([added])}")}
                acts["no_change"] = portal.tell("sync")
                _publish(lists, films, episodes, changed=False, version=1)
                acts["sent_again"] = portal.tell("sync")
                _publish(lists, films, episodes, changed=True, version=2)
                acts["one_percent"] = portal.tell("sync")
            finally:
                portal.close()
    records = sum(count["done"] for count in acts["first"]["counts"][0]["instances"].values())
    found: dict[str, Any] = {"films": films, "episodes": episodes, "records": records, "mb": size / 1e6}
    for act, told in acts.items():
        found |= {
            f"{act}_s": round(told["seconds"], 3),
            f"{act}_cpu_us_a_record": round(told["cpu"] / max(records, 1) * 1e6, 1),
            f"{act}_rows_written": told["rows"],
            f"{act}_peak_mb": round(told["peak_mb"]),
        }
    found["problems"] = [problem for told in acts.values() for problem in told["problems"]]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--films", type=int, default=10_000)
    parser.add_argument("--episodes", type=int, default=100_000)
    options, _ = parser.parse_known_args()
    result = measure(options.films, options.episodes)
    for name, value in result.items():
        print(f"{name:28} {value}")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
