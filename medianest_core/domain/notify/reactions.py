"""Which events become notifications, and for whom. Runs in the transaction that publishes the event: both are kept, or neither."""

from __future__ import annotations

from collections.abc import Callable

from medianest_core.bus.events import AccountChanged, DownloadChanged, ServiceStatus, SystemAlert
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.notify.service import Notifications
from medianest_core.sdk.storage import Transaction

_DOWNLOADS = {"done": "download.done", "partial": "download.partial", "failed": "download.failed"}


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
            bus.subscribe_durable(ServiceStatus, self.on_service),
            bus.subscribe_durable(SystemAlert, self.on_alert),
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

    async def on_service(self, tx: Transaction, event: ServiceStatus) -> None:
        key = f"service.down:{event.instance_id}"
        if event.up:
            await self._notifications.settle(tx, key)
            return
        await self._notifications.notify_admins(
            tx,
            "service.down",
            {"title": event.title, "reason": event.reason, "instance_id": event.instance_id},
            f"/admin/services/{event.instance_id}",
            coalesce=key,
        )

    async def on_alert(self, tx: Transaction, event: SystemAlert) -> None:
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
