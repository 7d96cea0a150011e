"""`medianest manifest make DIR`: makes the manifests of a local folder."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from medianest_core.sdk import N_, Command, PluginContext


def _seconds(value: str) -> float | None:
    if value == "no":
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if seconds < 1:
        raise argparse.ArgumentTypeError('seconds between two looks, or "no"')
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "medianest manifest make", description="Write the manifests of a folder with films and series."
    )
    parser.add_argument("dir", type=Path, help="the folder that holds Movies and TV")
    parser.add_argument(
        "--base-url", default="", help="where a web server shows DIR; without it paths are relative"
    )
    parser.add_argument("--out", type=Path, help="where to write; default DIR")
    parser.add_argument("--out-url", help="where a web server shows OUT, if it is not inside DIR")
    parser.add_argument("--movies", help="name of the folder of films; default one of Movies, Films, Filme")
    parser.add_argument("--tv", help="name of the folder of series; default one of TV, Shows, Series, Serien")
    parser.add_argument(
        "--watch", type=_seconds, default="no", help='look again every so many seconds; default "no"'
    )
    return parser


async def make(context: PluginContext, arguments: Sequence[str]) -> int:
    """The exit code: 0, or 1 where the folder cannot be read or written, or 2 for arguments that make no sense."""
    try:
        given = _parser().parse_args(arguments)
    except SystemExit as error:
        return int(error.code or 0)
    # Not before it is needed: it brings what reads videos.
    from medianest_manifest.making.manifests import Plan, make

    plan = Plan(given.dir, given.base_url, given.out, given.out_url, given.movies, given.tv)
    while True:
        try:
            made = await asyncio.to_thread(make, plan, _say)
        except OSError as error:
            _say(f"{error.filename or given.dir}: {error.strerror or error}")
            return 1
        for path in made.unreadable:
            _say(f"Nothing can be read of {path}; it is listed without facts.")
        counts = f"{made.films} films, {made.series} series with {made.episodes} episodes"
        print(f"{counts}; {made.read} files looked into, {'changed' if made.changed else 'nothing changed'}.")  # noqa: T201
        if given.watch is None:
            return 0
        await asyncio.sleep(given.watch)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # what a command says while it works


MAKE = Command("make", make, N_("Write the manifests of a folder with films and series."))
