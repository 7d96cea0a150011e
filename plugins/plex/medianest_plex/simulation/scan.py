"""Scans the folder of the Videos library: files found become items, files gone take theirs away."""

from __future__ import annotations

import asyncio
import os
import re
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_plex.simulation.accounts import Person
from medianest_plex.simulation.catalog import VIDEOS, iso_day, sort_title
from medianest_plex.simulation.guard import find_section, route
from medianest_plex.simulation.library import Item, Section, Shape
from medianest_plex.simulation.world import World

SUFFIXES = frozenset({".mp4", ".mkv", ".webm", ".mp3", ".m4a"})
_SHAPES = {
    ".mp4": Shape("720", 1280, 720, "h264", 2500, "mp4", "aac", 2),
    ".mkv": Shape("1080", 1920, 1080, "h264", 5000, "mkv", "aac", 2),
    ".webm": Shape("1080", 1920, 1080, "vp9", 4000, "webm", "opus", 2),
    ".mp3": Shape("", 0, 0, "", 192, "mp3", "mp3", 2),
    ".m4a": Shape("", 0, 0, "", 160, "mp4", "aac", 2),
}
_NFO_LIMIT = 256 * 1024
_BRACKETED = re.compile(r"\s*\[[\w-]{6,}\]$")


@dataclass(frozen=True)
class Found:
    """One media file and what its NFO says."""

    path: str
    size: int
    modified_at: int
    title: str
    summary: str
    aired: str | None
    seconds: int | None


class Scanner:
    """Answers `refresh` at once and works in the background, as a server does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()
        self._busy: Counter[int] = Counter()

    def routes(self) -> list[BaseRoute]:
        """The scan, its cancellation, and emptying the trash."""
        path = "/library/sections/{section}/refresh"
        return [
            route(self.world, path, self.refresh, ("GET", "POST", "PUT"), owner=True),
            route(self.world, path, self.cancel, ("DELETE",), owner=True),
            route(
                self.world, "/library/sections/{section}/emptyTrash", self.empty_trash, ("PUT",), owner=True
            ),
        ]

    async def refresh(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        self.begin(section, request.query_params.get("path"))
        return Response()

    async def cancel(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        await self.stop()
        self.world.ledger.record("scan.cancelled", section=section.key)
        return Response()

    async def empty_trash(self, request: Request, person: Person) -> Response:
        self.world.ledger.record("trash.emptied", section=find_section(self.world, request, person).key)
        return Response()

    def begin(self, section: Section, path: str | None) -> None:
        """Start a scan of the whole section or of one folder of it."""
        self.world.ledger.record("scan.started", section=section.key, path=path)
        section.refreshing = True
        self._busy[section.key] += 1
        task = asyncio.create_task(self._scan(section, path))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, section))

    def _ended(self, task: asyncio.Task[None], section: Section) -> None:
        self._tasks.discard(task)
        self._busy[section.key] -= 1
        section.refreshing = self._busy[section.key] > 0

    async def stop(self) -> None:
        """End scans in progress."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _scan(self, section: Section, path: str | None) -> None:
        activity = str(uuid.uuid4())
        self._activity("started", activity, section, 0)
        await asyncio.sleep(self.world.options.scan_seconds)
        async with self._lock:
            added: list[Item] = []
            removed: list[int] = []
            if section.key == VIDEOS:
                added, removed = await self._apply(section, path)
            section.updated_at = int(time.time())
        self._activity("ended", activity, section, 100)
        self.world.ledger.record(
            "scan.finished", section=section.key, path=path, added=[i.key for i in added], removed=removed
        )
        self._announce(added)

    def _announce(self, items: list[Item]) -> None:
        """Webhooks go out beside the scan: a slow receiver does not keep a library refreshing."""

        async def announce() -> None:
            for item in items:
                await self.world.webhooks.announce("library.new", item)

        if items and self.world.webhooks.urls:
            task = asyncio.create_task(announce())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _apply(self, section: Section, path: str | None) -> tuple[list[Item], list[int]]:
        root = Path(section.location)
        folder = root if path is None else Path(path)
        if folder != root and root not in folder.parents:
            return [], []
        found = {f.path: f for f in await asyncio.to_thread(walk, folder)}
        library = self.world.library
        inside = str(folder) + os.sep
        known = {
            i.file: i
            for i in (library.items[k] for k in section.keys)
            if i.file and i.file.startswith(inside)
        }
        removed: list[int] = []
        for file, item in known.items():
            if file not in found:
                removed += library.remove(item)
                self._timeline(item, 9)
        added = [self._add(section, found[file]) for file in sorted(found.keys() - known.keys())]
        return added, removed

    def _add(self, section: Section, file: Found) -> Item:
        now = int(time.time())
        shape = _SHAPES[Path(file.path).suffix.lower()]
        aired = file.aired or iso_day(file.modified_at)
        item = Item(
            key=self.world.library.take_keys(),
            type="movie",
            section=section.key,
            title=file.title,
            title_sort=sort_title(file.title),
            added_at=now,
            updated_at=now,
            summary=file.summary,
            year=int(aired[:4]) if aired[:4].isdecimal() else None,
            available_at=aired,
            duration=None if file.seconds is None else file.seconds * 1000,
            shape=shape,
            file=file.path,
            file_size=file.size,
            unknown=True,
        )
        self.world.library.add(item)
        self._timeline(item, 0)
        self._timeline(item, 5)
        return item

    def _timeline(self, item: Item, state: int) -> None:
        row = {
            "identifier": "com.plexapp.plugins.library",
            "sectionID": str(item.section),
            "itemID": str(item.key),
            "type": 1,
            "title": item.title,
            "state": state,
            "updatedAt": item.updated_at,
        }
        self.world.events.send("timeline", [row])

    def _activity(self, event: str, activity: str, section: Section, progress: int) -> None:
        inner = {
            "uuid": activity,
            "type": "library.update.section",
            "cancellable": False,
            "userID": 1,
            "title": f"Scanning {section.title}",
            "subtitle": "",
            "progress": progress,
            "Context": {"librarySectionID": str(section.key)},
        }
        self.world.events.send("activity", [{"event": event, "uuid": activity, "Activity": inner}])


def walk(folder: Path) -> list[Found]:
    """Media files below `folder`, without hidden folders and unfinished files."""
    found: list[Found] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                try:
                    found.append(describe(path))
                except FileNotFoundError:
                    continue
    return found


def describe(path: Path) -> Found:
    """What a scanner learns of one file: its NFO if there is a readable one, else its name."""
    stat = path.stat()
    values = _nfo(path.with_suffix(".nfo"))
    seconds = values.get("durationinseconds") or ""
    minutes = values.get("runtime") or ""
    length = int(seconds) if seconds.isdecimal() else int(minutes) * 60 if minutes.isdecimal() else None
    return Found(
        path=str(path),
        size=stat.st_size,
        modified_at=int(stat.st_mtime),
        title=values.get("title") or _BRACKETED.sub("", path.stem) or path.stem,
        summary=values.get("plot") or "",
        aired=values.get("premiered") or values.get("aired"),
        seconds=length,
    )


def _nfo(path: Path) -> dict[str, str]:
    try:
        text = path.read_bytes()[:_NFO_LIMIT]
        root = ElementTree.fromstring(text)  # noqa: S314  # a bounded local file beside the video
    except (OSError, ElementTree.ParseError):
        return {}
    names = ("title", "plot", "premiered", "aired", "runtime", "durationinseconds")
    return {name: value.strip() for name in names if (value := root.findtext(f".//{name}"))}
