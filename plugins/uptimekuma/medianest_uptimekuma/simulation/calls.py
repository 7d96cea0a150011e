"""What a signed-in page may ask for and change."""

from __future__ import annotations

from typing import Any

from medianest_uptimekuma.simulation.announcements import Announcements, Page
from medianest_uptimekuma.simulation.charts import chart
from medianest_uptimekuma.simulation.monitors import Monitor
from medianest_uptimekuma.simulation.pulse import Pulse
from medianest_uptimekuma.simulation.rows import listed, row
from medianest_uptimekuma.simulation.sessions import Call, Sessions
from medianest_uptimekuma.simulation.webhooks import Webhooks
from medianest_uptimekuma.simulation.world import World

_FIELDS = {
    "name": "name",
    "type": "type",
    "url": "url",
    "hostname": "hostname",
    "port": "port",
    "parent": "parent",
    "interval": "interval",
    "retryInterval": "retry_interval",
    "maxretries": "maxretries",
    "description": "description",
    "pushToken": "push_token",
}


class Calls:
    """Every call and its answer; see the table in `offer`."""

    def __init__(
        self,
        world: World,
        announcements: Announcements,
        sessions: Sessions,
        pulse: Pulse,
        webhooks: Webhooks,
    ) -> None:
        self.world = world
        self.announcements = announcements
        self.sessions = sessions
        self.pulse = pulse
        self.webhooks = webhooks

    def offer(self) -> None:
        """Make them known to the server. The second generation knows some more."""
        table: dict[str, Call] = {
            "getMonitorList": self.get_monitor_list,
            "getMonitor": self.get_monitor,
            "getMonitorBeats": self.get_monitor_beats,
            "add": self.add,
            "editMonitor": self.edit,
            "pauseMonitor": self.pause,
            "resumeMonitor": self.resume,
            "deleteMonitor": self.delete,
            "addAPIKey": self.add_key,
            "deleteAPIKey": self.delete_key,
            "addNotification": self.add_notification,
            "deleteNotification": self.delete_notification,
            "testNotification": self.test_notification,
            "addStatusPage": self.add_page,
            "saveStatusPage": self.save_page,
            "getStatusPage": self.get_page,
            "postIncident": self.post_incident,
            "unpinIncident": self.unpin_incident,
            "getTags": self.get_tags,
            "twoFAStatus": self.second_factor,
        }
        if self.world.profile.second:
            table |= {
                "getMonitorChartData": self.chart,
                "monitorImportantHeartbeatListCount": self.event_count,
                "monitorImportantHeartbeatListPaged": self.events,
            }
        for name, call in table.items():
            self.sessions.offer(name, call)

    def _said(self, key: str, /, **more: Any) -> dict[str, Any]:
        return {"ok": True, **self.world.profile.words(key), **more}

    def _monitor(self, identifier: Any) -> Monitor:
        found = self.world.monitors.get(int(identifier))
        if found is None:
            raise LookupError("Cannot read properties of null (reading 'id')")
        return found

    async def get_monitor_list(self, sid: str) -> Any:
        await self.sessions.server.emit("monitorList", self.sessions.monitor_list(), to=sid)
        return {"ok": True}

    async def get_monitor(self, sid: str, identifier: Any) -> Any:
        body = self.world.document(self._monitor(identifier))
        return {"ok": True, "monitor": body | {"path": [None], "pathName": ""}}

    async def get_monitor_beats(self, sid: str, identifier: Any, hours: Any) -> Any:
        monitor = self._monitor(identifier)
        since = self.world.now() - float(hours) * 3600
        rows = [row(self.world, monitor.id, beat) for beat in self.world.beats(monitor) if beat.at > since]
        return {"ok": True, "data": rows}

    async def chart(self, sid: str, identifier: Any, hours: Any) -> Any:
        """By minute for up to a day, by hour for up to a month, then by day; newest first."""
        monitor, wide = self._monitor(identifier), float(hours)
        step = 60 if wide <= 24 else 3600 if wide <= 720 else 86400
        data = chart(self.world, monitor, self.world.now() - wide * 3600, step)
        return {"ok": True, "data": data}

    def _events(self, identifier: Any) -> list[dict[str, Any]]:
        chosen = self.world.monitors.values() if identifier is None else [self._monitor(identifier)]
        found = [(beat, one) for one in chosen for beat in self.world.beats(one) if beat.important]
        found.sort(key=lambda pair: -pair[0].at)
        return [listed(self.world, one.id, beat) for beat, one in found]

    async def event_count(self, sid: str, identifier: Any) -> Any:
        return {"ok": True, "count": len(self._events(identifier))}

    async def events(self, sid: str, identifier: Any, offset: Any, count: Any) -> Any:
        return {"ok": True, "data": self._events(identifier)[int(offset) : int(offset) + int(count)]}

    async def add(self, sid: str, given: dict[str, Any]) -> Any:
        if "accepted_statuscodes" not in given:
            raise TypeError("Cannot read properties of undefined (reading 'every')")
        if self.world.profile.second and "conditions" not in given:
            raise ValueError(
                "insert into `monitor` - SQLITE_CONSTRAINT: NOT NULL constraint failed: monitor.conditions"
            )
        values = {ours: given[theirs] for theirs, ours in _FIELDS.items() if given.get(theirs) is not None}
        monitor = self.world.add(values.pop("name", "New"), **values)
        self.world.beats(monitor).clear()
        self.world.ledger.record("monitor.added", id=monitor.id, name=monitor.name)
        await self.changed(monitor)
        await self.pulse.beat(monitor)
        return self._said("successAdded", monitorID=monitor.id)

    async def edit(self, sid: str, given: dict[str, Any]) -> Any:
        monitor = self._monitor(given.get("id"))
        for theirs, ours in _FIELDS.items():
            if theirs in given:
                setattr(monitor, ours, given[theirs])
        self.world.ledger.record("monitor.edited", id=monitor.id)
        await self.changed(monitor)
        return self._said("successEdited", monitorID=monitor.id)

    async def pause(self, sid: str, identifier: Any) -> Any:
        monitor = self._monitor(identifier)
        monitor.active = False
        await self.changed(monitor)
        return self._said("successPaused")

    async def resume(self, sid: str, identifier: Any) -> Any:
        monitor = self._monitor(identifier)
        monitor.active = True
        await self.changed(monitor)
        await self.pulse.beat(monitor)
        return self._said("successResumed")

    async def delete(self, sid: str, identifier: Any, *_: Any) -> Any:
        await self.remove(self._monitor(identifier))
        return self._said("successDeleted")

    async def remove(self, monitor: Monitor) -> None:
        """Take a monitor away and tell everyone."""
        del self.world.monitors[monitor.id]
        for page in self.announcements.pages.values():
            page.groups = [(name, [one for one in ids if one != monitor.id]) for name, ids in page.groups]
        self.world.ledger.record("monitor.deleted", id=monitor.id)
        if self.world.profile.second:
            await self.sessions.emit("deleteMonitorFromList", monitor.id)
        else:
            await self.sessions.emit("monitorList", self.sessions.monitor_list())

    async def changed(self, monitor: Monitor) -> None:
        """Tell everyone of a new or changed monitor."""
        if self.world.profile.second:
            body = {str(monitor.id): self.world.document(monitor)}
            await self.sessions.emit("updateMonitorIntoList", body)
        else:
            await self.sessions.emit("monitorList", self.sessions.monitor_list())

    async def add_key(self, sid: str, given: dict[str, Any]) -> Any:
        key = self.world.add_key(str(given.get("name")), given.get("expires"))
        key.active = bool(given.get("active", True))
        await self.sessions.emit("apiKeyList", self.sessions.key_list())
        return self._said("successAdded", key=key.clear, keyID=key.id)

    async def delete_key(self, sid: str, identifier: Any) -> Any:
        self.world.keys.pop(int(identifier), None)
        await self.sessions.emit("apiKeyList", self.sessions.key_list())
        return self._said("successDeleted")

    async def add_notification(self, sid: str, given: dict[str, Any], identifier: Any = None) -> Any:
        key = max(self.world.notifications, default=0) + 1 if identifier is None else int(identifier)
        self.world.notifications[key] = dict(given)
        self.world.ledger.record("notification.saved", id=key, type=str(given.get("type")))
        await self.sessions.emit("notificationList", self.sessions.notification_list())
        return self._said("Saved.", id=key)

    async def delete_notification(self, sid: str, identifier: Any) -> Any:
        self.world.notifications.pop(int(identifier), None)
        self.world.ledger.record("notification.deleted", id=int(identifier))
        await self.sessions.emit("notificationList", self.sessions.notification_list())
        return self._said("successDeleted")

    async def test_notification(self, sid: str, given: dict[str, Any]) -> Any:
        status = await self.webhooks.test(given)
        if status is None or status >= 300:
            return {"ok": False, "msg": f"Error: AxiosError: Request failed with status code {status}"}
        return {"ok": True, "msg": "Sent Successfully."}

    def _page(self, slug: Any) -> Page:
        found = self.announcements.pages.get(str(slug).lower())
        if found is None:
            raise LookupError("No slug?")
        return found

    async def add_page(self, sid: str, title: Any, slug: Any) -> Any:
        self.announcements.add_page(str(slug), str(title))
        return self._said("successAdded", slug=str(slug).lower())

    async def save_page(self, sid: str, slug: Any, config: Any, picture: Any, groups: Any) -> Any:
        page = self._page(slug)
        page.title, page.description = config.get("title", page.title), config.get("description")
        page.groups = [
            (group["name"], [int(one["id"]) for one in group.get("monitorList", ())]) for group in groups
        ]
        return {"ok": True, "publicGroupList": self.announcements.payload(page)["publicGroupList"]}

    async def get_page(self, sid: str, slug: Any) -> Any:
        return {"ok": True, "config": self.announcements.config(self._page(slug))}

    async def post_incident(self, sid: str, slug: Any, given: dict[str, Any]) -> Any:
        return {"ok": True, "incident": self.announcements.post(self._page(slug), given)}

    async def unpin_incident(self, sid: str, slug: Any, *_: Any) -> Any:
        for incident in self._page(slug).incidents:
            incident["pin"] = False
        return {"ok": True}

    async def get_tags(self, sid: str) -> Any:
        return {"ok": True, "tags": []}

    async def second_factor(self, sid: str) -> Any:
        return {"ok": True, "status": self.world.secret is not None}
