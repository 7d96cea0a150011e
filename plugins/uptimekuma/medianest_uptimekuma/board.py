"""What a live connection has told so far: monitors, their checks, certificates, maintenance. No I/O of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from medianest_core.sdk import Beat, Item
from medianest_uptimekuma.models import Reading, address
from medianest_uptimekuma.times import days_ahead, epoch
from medianest_uptimekuma.track import Track

_DEEPEST = 20


class Board:
    """Fed by the events of `EVENTS`; `news(urgent)` is called for each that changes something, urgent where a state did.

    What it tells is made when it is asked for, and only of monitors that changed meanwhile.
    """

    EVENTS: ClassVar[Mapping[str, str]] = {
        "info": "info",
        "monitorList": "monitor_list",
        "updateMonitorIntoList": "update_monitors",
        "deleteMonitorFromList": "delete_monitor",
        "heartbeatList": "heartbeat_list",
        "heartbeat": "heartbeat",
        "certInfo": "certificate",
        "maintenanceList": "maintenance_list",
        "statusPageList": "page_list",
        "notificationList": "notification_list",
    }

    def __init__(self, now: Callable[[], float], news: Callable[[bool], None] = lambda urgent: None) -> None:
        self._now = now
        self.news = news
        self.version: str | None = None
        self.listed: dict[str, Mapping[str, Any]] | None = None
        """Monitors by id; None until they were told."""
        self.maintenance: dict[str, Any] = {}
        self.pages: list[str] = []
        self.notifications: list[Mapping[str, Any]] = []
        self._tracks: dict[str, Track] = {}
        self._told: set[str] = set()
        self._certificates: dict[str, float] = {}
        self._texts: dict[str, str] = {}
        self._items: dict[str, Item] = {}
        self._stale: set[str] | None = None
        """Monitors whose item must be made anew; None for all."""

    @property
    def complete(self) -> bool:
        """Whether the checks of all monitors were told."""
        return self.listed is not None and self._told.issuperset(self.listed)

    def take(self, event: str, args: tuple[Any, ...]) -> None:
        """One event. What does not look as expected is left alone: it is another program's internal talk."""
        handler = getattr(self, f"_{self.EVENTS[event]}")
        try:
            handler(*args)
        except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError):
            return

    # Events

    def _info(self, facts: Any, *_: Any) -> None:
        if isinstance(version := facts.get("version"), str):
            self.version = version

    def _monitor_list(self, listed: Any, *_: Any) -> None:
        self.listed = {str(key): one for key, one in listed.items() if isinstance(one, dict)}
        for gone in self._tracks.keys() - self.listed.keys():
            del self._tracks[gone]
        self._all_changed()

    def _update_monitors(self, listed: Any, *_: Any) -> None:
        changed = {str(key): one for key, one in listed.items() if isinstance(one, dict)}
        self.listed = {**(self.listed or {}), **changed}
        self._told |= changed.keys()
        self._all_changed()

    def _delete_monitor(self, key: Any, *_: Any) -> None:
        if self.listed is not None and self.listed.pop(str(key), None) is not None:
            self._tracks.pop(str(key), None)
            self._all_changed()

    def _heartbeat_list(self, key: Any, rows: Any, *_: Any) -> None:
        self._track(str(key)).replace(rows)
        self._told.add(str(key))
        self._changed(str(key), urgent=False)

    def _heartbeat(self, row: Any, *_: Any) -> None:
        key = str(row["monitorID"])
        track = self._track(key)
        before = track.status
        if track.add(row):
            self._changed(key, urgent=track.status != before)

    def _certificate(self, key: Any, told: Any, *_: Any) -> None:
        facts = json.loads(told) if isinstance(told, str) else told
        inner = facts.get("certInfo") or {}
        ends = epoch(inner.get("validTo"))
        if ends is None:
            ends = days_ahead(inner.get("daysRemaining"), self._now())
        if ends is None:
            self._certificates.pop(str(key), None)
        else:
            self._certificates[str(key)] = ends
        self._changed(str(key), urgent=False)

    def _maintenance_list(self, listed: Any, *_: Any) -> None:
        self.maintenance = dict(listed)
        self.news(True)

    def _page_list(self, listed: Any, *_: Any) -> None:
        # Drafts can be read by everyone who guesses their name; nobody is told of them all the same.
        self.pages = [
            str(one["slug"])
            for one in listed.values()
            if isinstance(one, dict) and one.get("slug") and one.get("published") is not False
        ]

    def _notification_list(self, listed: Any, *_: Any) -> None:
        self.notifications = [one for one in listed if isinstance(one, dict)]

    def _track(self, key: str) -> Track:
        if key not in self._tracks:
            self._tracks[key] = Track(self._texts)
        return self._tracks[key]

    def _changed(self, key: str, *, urgent: bool) -> None:
        if self._stale is not None:
            self._stale.add(key)
        self.news(urgent)

    def _all_changed(self) -> None:
        self._stale = None
        self.news(True)

    # What is known

    def items(self) -> list[Item]:
        """All monitors but groups, which give the others their group."""
        listed = self.listed or {}
        if self._stale is None:
            self._items = {key: self._reading(key).item() for key in listed if not self._is_group(key)}
        else:
            for key in self._stale & self._items.keys():
                self._items[key] = self._reading(key).item()
        self._stale = set()
        return list(self._items.values())

    def readings(self) -> list[Reading]:
        """The same in Uptime Kuma's terms."""
        return [self._reading(key) for key in self.listed or {} if not self._is_group(key)]

    def beats(self, since: float) -> Iterator[Beat]:
        """What was told of past checks, monitor by monitor."""
        for key, track in self._tracks.items():
            if key in (self.listed or {}) and not self._is_group(key):
                yield from track.beats(key, since)

    def reaches_back(self, key: str) -> float:
        """Epoch seconds of the oldest check that is known of a monitor; now where there is none."""
        track = self._tracks.get(key)
        first = track.first_at if track is not None else None
        return self._now() if first is None else first

    def _is_group(self, key: str) -> bool:
        return (self.listed or {})[key].get("type") == "group"

    def _reading(self, key: str) -> Reading:
        monitor = (self.listed or {})[key]
        track = self._track(key)
        return Reading(
            key,
            str(monitor.get("name")),
            track.status,
            track.ping_ms,
            track.message,
            group=self._group(monitor),
            url=address(monitor.get("url")),
            certificate_ends_at=self._certificates.get(key),
            before=track.before,
            paused=monitor.get("active") in (False, 0) or monitor.get("forceInactive") is True,
        )

    def _group(self, monitor: Mapping[str, Any]) -> str:
        names: list[str] = []
        above = monitor.get("parent")
        while above is not None and len(names) < _DEEPEST:
            found = (self.listed or {}).get(str(above))
            if found is None:
                break
            names.insert(0, str(found.get("name")))
            above = found.get("parent")
        return " / ".join(names)
