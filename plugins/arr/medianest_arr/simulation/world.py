"""The state that both simulators share, and what happens in it by itself: commands run, downloads move, files arrive.

Time goes on with the clock and by `advance`; everything due happens at the next look.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from medianest_arr.simulation.things import TROUBLES, Episode, Film, MediaFile, Series, Transfer, chance
from medianest_arr.simulation.wire import Refused, iso, problem, timespan
from medianest_core.testing.ledger import Ledger

T = TypeVar("T")
_RUN = 0.4
"""Seconds that a command takes."""
_IMPORT = 2.0
"""Seconds from the last byte to the library."""
_FAILING = 15.0
"""Seconds that a failed download is shown before it is given up."""
QUALITIES = {1: "Bluray-1080p", 4: "Bluray-1080p", 5: "Bluray-2160p", 6: "WEBDL-720p"}
GROUPS = ("NORTH", "LANTERN", "QUILL", "TIDE")


@dataclass
class CommandRun:
    """A command. body: as it was posted. times: epoch seconds."""

    id: int
    name: str
    body: dict[str, Any]
    queued: float
    trigger: str
    begins: float
    ends: float
    message: str = ""
    finished: bool = False

    def status(self, now: float) -> str:
        return "completed" if self.finished else "started" if now >= self.begins else "queued"

    def resource(self, now: float) -> dict[str, Any]:
        """As `command` shows it."""
        status = self.status(now)
        return {
            "name": self.name,
            "commandName": self.name,
            "message": self.message or None,
            "body": {**self.body, "sendUpdatesToClient": True, "name": self.name, "trigger": self.trigger},
            "priority": "normal",
            "status": status,
            "result": "successful" if self.finished else "unknown",
            "queued": iso(self.queued),
            "started": iso(self.begins) if status != "queued" else None,
            "ended": iso(self.ends) if self.finished else None,
            "duration": timespan(self.ends - self.begins) if self.finished else None,
            "trigger": self.trigger,
            "stateChangeTime": iso(self.ends if self.finished else self.begins),
            "id": self.id,
        }


@dataclass
class Event:
    """A row of the history."""

    id: int
    kind: str
    at: float
    owner: Film | Series
    episode: Episode | None
    source: str
    quality: str
    download: str
    data: dict[str, str] = field(default_factory=dict)


Announce = Callable[[str, str, dict[str, Any]], None]
"""Is told the name of the switch of a connection ("onGrab"), the type of the event and its facts."""


class World(ABC):
    """One service. app: "Radarr" or "Sonarr". fates: TMDB or TVDB id → a trouble of `things.Transfer`, or "nothing" where no
    search ever finds anything. download_seconds: how long a download takes. login_page: a proxy before it answers everything with its sign-in page."""

    app: str
    command_names: frozenset[str]

    def __init__(self, ledger: Ledger, *, key: str, download_seconds: float, automatic: bool) -> None:
        self.ledger = ledger
        self.key = key
        self.download_seconds = download_seconds
        self.automatic = automatic
        self.offset = 0.0
        self.announce: Announce = lambda switch, kind, facts: None
        self.fates: dict[str, str] = {}
        self.health: list[dict[str, str]] = []
        self.tags: dict[int, str] = {1: "kids", 2: "household"}
        self.roots: dict[int, str] = {}
        self.broken_roots: set[str] = set()
        self.login_page = False
        self.profiles = {1: "Any", 4: "HD-1080p", 5: "Ultra-HD", 6: "HD - 720p/1080p"}
        self.notifications: dict[int, dict[str, Any]] = {}
        self.transfers: list[Transfer] = []
        self.history: list[Event] = []
        self.commands: list[CommandRun] = []
        self._number = 0

    @property
    def now(self) -> float:
        return time.time() + self.offset

    def take(self) -> int:
        """A new id."""
        self._number += 1
        return self._number

    @abstractmethod
    def held(self) -> Sequence[Film | Series]:
        """Everything that was added."""

    @abstractmethod
    def fate_key(self, owner: Film | Series) -> str:
        """Its id in `fates`."""

    @abstractmethod
    def wanted(self, command: CommandRun | None) -> Sequence[tuple[Film | Series, list[Episode]]]:
        """What a search command is to find, or, with None, everything that is missing: one entry per download."""

    @abstractmethod
    def carry_out(self, command: CommandRun) -> None:
        """Anything but searching."""

    @abstractmethod
    def place(self, transfer: Transfer, made: MediaFile) -> None:
        """Put what was downloaded into the library."""

    @abstractmethod
    def told(self, transfer: Transfer) -> dict[str, Any]:
        """The title in a webhook."""

    @abstractmethod
    def upgradable(self) -> tuple[Film | Series, list[Episode]] | None:
        """Something that has a file, for a demo that never stands still."""

    def find(self, rows: Mapping[int, T], id: int) -> T:
        """A row; raises Refused with the framework's 404."""
        if id not in rows:
            raise Refused(problem(404, "Not Found"))
        return rows[id]

    def queue_command(
        self, name: str, body: dict[str, Any], trigger: str = "manual", delay: float = 0.05
    ) -> CommandRun:
        """A command; the same one that has not ended yet is given again."""
        for one in self.commands:
            if not one.finished and (one.name, one.body) == (name, body):
                return one
        begins = self.now + delay
        command = CommandRun(self.take(), name, body, self.now, trigger, begins, begins + _RUN)
        self.commands.append(command)
        self.ledger.record("command", name=name, body=body, trigger=trigger)
        return command

    def advance(self, seconds: float) -> None:
        """Let time pass; in steps, because what ends may begin something else."""
        steps = max(1, min(200, round(seconds)))
        for _ in range(steps):
            self.offset += seconds / steps
            self.tick()

    def tick(self) -> None:
        """Let happen what is due."""
        now = self.now
        for command in [one for one in self.commands if not one.finished and one.ends <= now]:
            command.finished = True
            self._run(command)
        for transfer in list(self.transfers):
            if transfer.done(now) < 1.0:
                continue
            over = now - transfer.started - transfer.seconds
            if transfer.trouble == "import" and not transfer.told:
                transfer.told = True
                self._call_for_help(transfer)
            if transfer.trouble == "failed" and over >= _FAILING:
                self._give_up(transfer)
            elif not transfer.trouble and over >= _IMPORT:
                self._import(transfer)
        if self.automatic:
            self._keep_moving()

    def _run(self, command: CommandRun) -> None:
        if "Search" not in command.name:
            self.carry_out(command)
            return
        grabbed = 0
        for owner, episodes in self.wanted(command):
            owner.searched = self.now
            if self.fates.get(self.fate_key(owner)) != "nothing" and not self.downloading(owner, episodes):
                self.grab(owner, episodes)
                grabbed += 1
        command.message = f"{grabbed} reports downloaded."

    def downloading(self, owner: Film | Series, episodes: Sequence[Episode]) -> bool:
        """Is any of this on its way already?"""
        ids = {one.id for one in episodes}
        return any(
            one.owner is owner and (not ids or ids & {each.id for each in one.episodes})
            for one in self.transfers
        )

    def grab(
        self,
        owner: Film | Series,
        episodes: list[Episode],
        *,
        trouble: str | None = None,
        done: float = 0.0,
        upgrade: bool = False,
    ) -> Transfer:
        """Begin a download. done: share that is there already."""
        quality = QUALITIES.get(owner.profile, "WEBDL-1080p")
        number = self.take()
        name = owner.title.title.replace(" ", ".").replace("'", "")
        if episodes:
            first = episodes[0]
            part = f"S{first.season:02d}" + (f"E{first.number:02d}" if len(episodes) == 1 else "")
            name = f"{name}.{part}"
        else:
            name = f"{name}.{owner.title.year}"
        group = GROUPS[chance("group", name) % len(GROUPS)]
        gib = (12 if "2160" in quality else 5) * (len(episodes) * 0.35 or 1)
        fate = self.fates.get(self.fate_key(owner), "") if trouble is None else trouble
        transfer = Transfer(
            records=[self.take() for _ in episodes] or [self.take()],
            download=f"SABnzbd_nzo_{number:06d}",
            owner=owner,
            episodes=episodes,
            release=f"{name}.{quality.rpartition('-')[2]}.{quality.partition('-')[0]}.x264-{group}",
            quality=quality,
            size=int(gib * 2**30),
            started=self.now - done * self.download_seconds,
            seconds=self.download_seconds,
            trouble=fate if fate in TROUBLES else "",
            upgrade=upgrade,
        )
        self.transfers.append(transfer)
        self.note("grabbed", transfer, {"indexer": "Usenet Index", "releaseGroup": group, "protocol": "1"})
        self.ledger.record("grabbed", title=owner.title.title, release=transfer.release, size=transfer.size)
        facts = {
            "release": self._release(transfer, group),
            "downloadClient": "SABnzbd",
            "downloadClientType": "SABnzbd",
            "downloadId": transfer.download,
            "customFormatInfo": {"customFormats": [], "customFormatScore": 0},
        }
        self.announce("onGrab", "Grab", {**self.told(transfer), **facts})
        return transfer

    def _release(self, transfer: Transfer, group: str) -> dict[str, Any]:
        return {
            "quality": transfer.quality,
            "qualityVersion": 1,
            "releaseGroup": group,
            "releaseTitle": transfer.release,
            "indexer": "Usenet Index",
            "size": transfer.size,
            "customFormats": [],
            "customFormatScore": 0,
            "languages": ["English"],
            "indexerFlags": [],
        }

    def note(self, kind: str, transfer: Transfer, data: dict[str, str]) -> None:
        """Rows in the history: one per episode."""
        rows: Sequence[Episode | None] = transfer.episodes or [None]
        for episode in rows:
            self.history.append(
                Event(
                    self.take(),
                    kind,
                    self.now,
                    transfer.owner,
                    episode,
                    transfer.release,
                    transfer.quality,
                    transfer.download,
                    data,
                )
            )

    def make_file(self, owner: Film | Series, path: str, size: int, quality: str, added: float) -> MediaFile:
        """A file at `path`."""
        group = GROUPS[chance("group", path) % len(GROUPS)]
        return MediaFile(
            self.take(), path, size, added, quality, group, "HDR10" if quality.endswith("2160p") else ""
        )

    def _import(self, transfer: Transfer) -> None:
        self.transfers.remove(transfer)
        made = self.make_file(
            transfer.owner,
            f"{transfer.owner.path}/{transfer.release}.mkv",
            transfer.size // max(1, len(transfer.episodes)),
            transfer.quality,
            self.now,
        )
        self.place(transfer, made)
        self.note("downloadFolderImported", transfer, {"importedPath": made.path, "fileId": str(made.id)})
        self.ledger.record("imported", title=transfer.owner.title.title, path=made.path)

    def _call_for_help(self, transfer: Transfer) -> None:
        facts = {
            "downloadInfo": {
                "quality": transfer.quality,
                "qualityVersion": 1,
                "title": transfer.release,
                "size": transfer.size,
            },
            "downloadClient": "SABnzbd",
            "downloadClientType": "SABnzbd",
            "downloadId": transfer.download,
            "downloadStatus": "Warning",
            "downloadStatusMessages": [{"title": transfer.release, "messages": ["No files found"]}],
            "release": self._release(transfer, "NORTH"),
        }
        switch = "onManualInteractionRequired"
        self.announce(switch, "ManualInteractionRequired", {**self.told(transfer), **facts})

    def _give_up(self, transfer: Transfer) -> None:
        self.transfers.remove(transfer)
        self.note("downloadFailed", transfer, {"message": "Aborted, cannot be completed"})
        self.ledger.record("failed", title=transfer.owner.title.title, release=transfer.release)

    def _keep_moving(self) -> None:
        if any(not one.trouble for one in self.transfers):
            return
        for owner, episodes in self.wanted(None):
            fate = self.fates.get(self.fate_key(owner))
            if fate != "nothing" and not self.downloading(owner, episodes):
                self.grab(owner, episodes, trouble="")
                return
        if (found := self.upgradable()) is not None and not self.downloading(*found):
            self.grab(*found, trouble="", upgrade=True)
