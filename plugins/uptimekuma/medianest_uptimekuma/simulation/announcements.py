"""What a household is told: status pages with their incidents, and maintenance."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from medianest_uptimekuma.models import MAINTENANCE
from medianest_uptimekuma.simulation.world import World


@dataclass
class Page:
    """A public status page. groups: (name, ids of monitors)."""

    id: int
    slug: str
    title: str
    groups: list[tuple[str, list[int]]]
    description: str | None = None
    incidents: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Maintenance:
    """starts_at, ends_at: epoch seconds of the one window; None for one that is switched by hand."""

    id: int
    title: str
    description: str = ""
    monitors: list[int] = field(default_factory=list)
    strategy: str = "manual"
    starts_at: float | None = None
    ends_at: float | None = None
    active: bool = True

    def status(self, now: float) -> str:
        """As Uptime Kuma names it."""
        if not self.active:
            return "inactive"
        if self.starts_at is not None and now < self.starts_at:
            return "scheduled"
        if self.ends_at is not None and now > self.ends_at:
            return "ended"
        return "under-maintenance"


class Announcements:
    """All pages and maintenance of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.pages: dict[str, Page] = {}
        self.maintenance: dict[int, Maintenance] = {}

    def add_page(self, slug: str, title: str, groups: list[tuple[str, list[int]]] | None = None) -> Page:
        page = Page(len(self.pages) + 1, slug.lower(), title, groups or [])
        self.pages[page.slug] = page
        return page

    def add_maintenance(self, title: str, **values: Any) -> Maintenance:
        found = Maintenance(len(self.maintenance) + 1, title, **values)
        self.maintenance[found.id] = found
        return found

    def away(self, monitor: int) -> bool:
        """Whether a monitor is in maintenance now."""
        now = self.world.now()
        return any(
            monitor in one.monitors and one.status(now) == "under-maintenance"
            for one in self.maintenance.values()
        )

    def post(self, page: Page, given: dict[str, Any]) -> dict[str, Any]:
        """A new incident, pinned; the one before it is not any more."""
        for old in page.incidents:
            if not self.world.profile.incident_list:
                old["pin"] = False
        incident = {
            "id": self.world.next_id(),
            "style": given.get("style", "info"),
            "title": given.get("title"),
            "content": given.get("content"),
            "pin": True,
            "active": True,
            "createdDate": self.world.stamp(self.world.now()),
            "lastUpdatedDate": None,
            "status_page_id": page.id,
        }
        page.incidents.append(incident)
        return incident

    def config(self, page: Page) -> dict[str, Any]:
        body = {
            "id": page.id,
            "slug": page.slug,
            "title": page.title,
            "description": page.description,
            "icon": "/icon.svg",
            "theme": "auto",
            "published": True,
            "showTags": False,
            "domainNameList": [],
            "customCSS": "",
            "footerText": None,
            "showPoweredBy": True,
            "googleAnalyticsId": None,
            "showCertificateExpiry": True,
        }
        if self.world.profile.second:
            del body["googleAnalyticsId"]
            body |= {
                "autoRefreshInterval": 300,
                "analyticsId": None,
                "analyticsScriptUrl": None,
                "analyticsType": None,
                "showOnlyLastHeartbeat": False,
                "rssTitle": None,
            }
        return body

    def payload(self, page: Page) -> dict[str, Any]:
        """What everyone is told of a page."""
        groups = [
            {"id": number, "name": name, "weight": number, "monitorList": [self._shown(one) for one in ids]}
            for number, (name, ids) in enumerate(page.groups, 1)
        ]
        now = self.world.now()
        shown = [one for one in page.incidents if one["pin"] and one["active"]]
        body: dict[str, Any] = {"config": self.config(page)}
        if self.world.profile.incident_list:
            body["incidents"] = shown[::-1]
        else:
            body["incident"] = shown[-1] if shown else None
        ids = {one for _, members in page.groups for one in members}
        listed = [
            self.maintenance_document(one)
            for one in self.maintenance.values()
            if ids.intersection(one.monitors) and one.status(now) in ("under-maintenance", "scheduled")
        ]
        return body | {"publicGroupList": groups, "maintenanceList": listed}

    def _shown(self, identifier: int) -> dict[str, Any]:
        monitor = self.world.monitors[identifier]
        body: dict[str, Any] = {"id": monitor.id, "name": monitor.name, "sendUrl": 0, "type": monitor.type}
        if monitor.certificate_days is not None:
            body |= {"certExpiryDaysRemaining": monitor.certificate_days, "validCert": True}
        return body

    def history(self, page: Page) -> dict[str, Any]:
        """Older incidents, newest first, of a page of the latest generation."""
        return {
            "ok": True,
            "incidents": page.incidents[::-1][:20],
            "total": len(page.incidents),
            "nextCursor": None,
            "hasMore": False,
        }

    def beats(self, page: Page | None) -> dict[str, Any]:
        """The checks of a page's monitors; of no monitor where there is no such page."""
        rows: dict[str, Any] = {}
        ratios: dict[str, Any] = {}
        for identifier in [one for _, members in (page.groups if page else []) for one in members]:
            monitor = self.world.monitors[identifier]
            beats = self.world.beats(monitor)[-self.world.profile.page_beats :]
            rows[str(identifier)] = [
                {"status": beat.status, "time": self.world.stamp(beat.at), "msg": "", "ping": beat.ping}
                for beat in beats
            ]
            ratios[f"{identifier}_24"] = self.world.uptime(monitor, 86400.0)
        return {"heartbeatList": rows, "uptimeList": ratios}

    def maintenance_document(self, one: Maintenance) -> dict[str, Any]:
        """With the times of a single window in the server's own zone, whose distance from UTC stands beside them."""
        window = [_local(at) for at in (one.starts_at, one.ends_at) if at is not None]
        seconds = None if len(window) < 2 else round((one.ends_at or 0) - (one.starts_at or 0))
        return {
            "id": one.id,
            "title": one.title,
            "description": one.description,
            "strategy": one.strategy,
            "intervalDay": 1,
            "active": one.active,
            "dateRange": [*window, *[None] * (2 - len(window))],
            "timeRange": [{"hours": 2, "minutes": 0, "seconds": 0}, {"hours": 3, "minutes": 0, "seconds": 0}],
            "weekdays": [],
            "daysOfMonth": [],
            "timeslotList": [{"startDate": window[0], "endDate": window[1]}] if len(window) == 2 else [],
            "cron": None,
            "duration": seconds,
            "durationMinutes": None if seconds is None else seconds // 60,
            "timezone": "Europe/Berlin",
            "timezoneOption": "SAME_AS_SERVER",
            "timezoneOffset": "+02:00",
            "status": one.status(self.world.now()),
        }

    def maintenance_list(self) -> dict[str, Any]:
        return {str(one.id): self.maintenance_document(one) for one in self.maintenance.values()}

    def page_list(self) -> dict[str, Any]:
        return {str(page.id): self.config(page) for page in self.pages.values()}

    def status_of(self, monitor: int, fresh: int) -> int:
        """The status a check gets: whatever it found, maintenance goes first."""
        return MAINTENANCE if self.away(monitor) else fresh


def _local(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at + 7200))
