"""Which events become notifications, and for whom. Runs in the transaction that publishes the event: both are kept, or neither."""

from __future__ import annotations

from collections.abc import Callable

from medianest_core.bus.events import (
    AccountChanged,
    DownloadChanged,
    IssueChanged,
    RequestCommented,
    RequestUpdate,
    ServiceTrouble,
    SyncEnded,
    SystemAlert,
)
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.notify.service import Notifications
from medianest_core.sdk.storage import Transaction

_TROUBLES = {
    ("down", False): "service.down",
    ("down", True): "service.down.many",
    ("up", False): "service.recovered",
    ("up", True): "service.recovered.many",
    ("flapping", False): "service.flapping",
    ("flapping", True): "service.flapping.many",
}
"""(what is told, several at once) → kind."""
_DOWNLOADS = {"done": "download.done", "partial": "download.partial", "failed": "download.failed"}
_REQUESTS = {
    "approved": "request.approved",
    "declined": "request.declined",
    "available": "request.available",
    "partially_available": "request.partial",
    "failed": "request.failed",
}


class Reactions:
    """Subscribed from `start` to `close`."""

    def __init__(self, bus: EventBus, notifications: Notifications) -> None:
        self._bus = bus
        self._notifications = notifications
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        bus = self._bus
        self._ends = [
            bus.subscribe_durable(AccountChanged, self.on_account),
            bus.subscribe_durable(DownloadChanged, self.on_download),
            bus.subscribe_durable(ServiceTrouble, self.on_trouble),
            bus.subscribe_durable(SystemAlert, self.on_alert),
            bus.subscribe_durable(SyncEnded, self.on_sync),
            bus.subscribe_durable(RequestUpdate, self.on_request),
            bus.subscribe_durable(RequestCommented, self.on_comment),
            bus.subscribe_durable(IssueChanged, self.on_issue),
        ]

    def close(self) -> None:
        for end in self._ends:
            end()
        self._ends = []

    async def on_account(self, tx: Transaction, event: AccountChanged) -> None:
        pending = f"account.pending:{event.user_id}"
        params = {"name": event.username, "user_id": event.user_id}
        link = f"/admin/users/{event.user_id}"
        if event.what == "created" and event.status == "pending":
            await self._notifications.notify_admins(tx, "account.pending", params, link, coalesce=pending)
        elif event.what == "revoked":
            await self._notifications.notify_admins(
                tx, "account.revoked", params, link, coalesce=f"account.revoked:{event.user_id}"
            )
        elif event.what in ("approved", "suspended", "removed"):
            await self._notifications.settle(tx, pending)
            if event.what == "approved":
                await self._notifications.notify(tx, event.user_id, "account.approved", params, "/")

    async def on_download(self, tx: Transaction, event: DownloadChanged) -> None:
        kind = _DOWNLOADS.get(event.status)
        if kind is None or event.item_id is not None or not event.user_id:
            return
        await self._notifications.notify(
            tx,
            event.user_id,
            kind,
            {"title": event.title, "reason": event.reason, "download_id": event.download_id},
            f"/downloads/{event.download_id}",
            coalesce=f"{kind}:{event.download_id}",
        )

    async def on_trouble(self, tx: Transaction, event: ServiceTrouble) -> None:
        about = event.monitor_id or f"{event.instance_id}:many"
        key = f"service.down:{about}"
        if event.told != "down":
            await self._notifications.settle(tx, key)
        kind = _TROUBLES.get((event.told, event.count > 1))
        if kind is None:
            return
        await self._notifications.notify_admins(
            tx,
            kind,
            {
                "title": event.title,
                "reason": event.reason,
                "count": event.count,
                "instance_id": event.instance_id,
            },
            f"/status/{event.monitor_id}" if event.monitor_id else "/status?show=trouble",
            coalesce=key if event.told == "down" else f"{kind}:{about}",
        )

    async def on_alert(self, tx: Transaction, event: SystemAlert) -> None:
        if not event.inbox:
            return
        key = f"alert:{event.key}"
        if not event.active:
            await self._notifications.settle(tx, key)
            return
        await self._notifications.notify_admins(
            tx,
            "system.alert",
            {"title": event.title, "message": event.message, "level": event.level},
            event.link or None,
            coalesce=key,
        )

    async def on_sync(self, tx: Transaction, event: SyncEnded) -> None:
        # Syncs run all day by themselves: only who asked for one waits for its end.
        kind = {"done": "sync.done", "failed": "sync.failed"}.get(event.state)
        if kind is None or not event.requested_by:
            return
        params = {"added": event.added, "changed": event.changed, "removed": event.removed}
        link = f"/admin/sync/runs/{event.run_id}"
        await self._notifications.notify(
            tx, event.requested_by, kind, params, link, coalesce=f"sync:{event.requested_by}"
        )

    async def on_request(self, tx: Transaction, event: RequestUpdate) -> None:
        pending = f"request.pending:{event.request_id}"
        link = f"/requests/{event.request_id}"
        params = {"title": event.title, "reason": event.reason, "request_id": event.request_id}
        if not event.user_id:
            if event.undecided and event.status != event.previous:
                kind = "request.pending" if event.status == "pending" else "request.held"
                await self._notifications.notify_admins(tx, kind, params, link, coalesce=pending)
            elif not event.undecided:
                await self._notifications.settle(tx, pending)
            return
        kind = _REQUESTS.get(event.status, "")
        # Nobody is told what they did themselves; and what was sent again is no new approval.
        news = event.status != event.previous and event.actor != event.user_id
        if not kind or not news or (event.status == "approved" and event.previous not in ("pending", "held")):
            return
        if event.status == "approved" and not event.actor:
            return
        await self._notifications.notify(
            tx, event.user_id, kind, params, link, coalesce=f"{kind}:{event.request_id}"
        )

    async def on_comment(self, tx: Transaction, event: RequestCommented) -> None:
        if event.user_id == event.actor:
            return
        params = {
            "title": event.title,
            "by": event.by,
            "text": event.text,
            "request_id": event.request_id,
        }
        if event.user_id:
            await self._notifications.notify(
                tx, event.user_id, "request.comment", params, f"/requests/{event.request_id}"
            )

    async def on_issue(self, tx: Transaction, event: IssueChanged) -> None:
        key, link = f"issue:{event.issue_id}", f"/requests/issues/{event.issue_id}"
        params = {
            "title": event.title,
            "message": event.message,
            "answer": event.answer,
            "issue_id": event.issue_id,
        }
        if not event.user_id:
            if event.state == "open":
                await self._notifications.notify_admins(tx, "issue.open", params, link, coalesce=key)
            else:
                await self._notifications.settle(tx, key)
        elif event.state == "resolved" and event.actor != event.user_id:
            await self._notifications.notify(tx, event.user_id, "issue.resolved", params, link)
