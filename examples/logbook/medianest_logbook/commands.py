"""`medianest logbook show` and `medianest logbook forget`: beside the portal, also while it does not run."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from medianest_core.sdk import Command, PluginContext
from medianest_logbook.book import forget, latest

DAY = 86_400.0


async def show(context: PluginContext, arguments: Sequence[str]) -> int:
    """The exit code: 0, or 2 for arguments that make no sense."""
    parser = argparse.ArgumentParser(
        "medianest logbook show", description="The latest entries, the newest first."
    )
    parser.add_argument("--event", default="", help="beginning of the events' names")
    parser.add_argument("--limit", type=int, default=20)
    try:
        given = parser.parse_args(arguments)
    except SystemExit as error:
        return int(error.code or 0)
    async with context.read() as tx:
        for one in await latest(tx, max(1, given.limit), event=given.event):
            print(f"{datetime.fromtimestamp(one.at, UTC):%Y-%m-%d %H:%M:%S} {one.event} {one.told}")  # noqa: T201  # what it is for
    return 0


async def tear_out(context: PluginContext, arguments: Sequence[str]) -> int:
    """The same."""
    parser = argparse.ArgumentParser("medianest logbook forget", description="Tear out old entries.")
    parser.add_argument("--days", type=float, default=90.0, help="what is older goes; default 90")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as error:
        return int(error.code or 0)
    async with context.begin() as tx:
        gone = await forget(tx, time.time() - given.days * DAY)
    print(f"{gone} entries are gone.")  # noqa: T201  # what it is for
    return 0


COMMANDS = (
    Command("show", show, "Show the latest entries."),
    Command("forget", tear_out, "Tear out old entries."),
)
