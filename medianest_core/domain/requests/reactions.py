"""What requests do when something happens elsewhere: titles arrive, a service is back, a backend calls a title available."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from sqlalchemy import select

from medianest_core.bus.events import InstanceChanged, LibraryChanged, RequestUpdate
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.service import Library
from medianest_core.domain.requests.following import Following
from medianest_core.domain.requests.polling import LOOK_JOB, LookArgs
from medianest_core.domain.requests.sending import Sending
from medianest_core.domain.requests.states import State
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.requests import requests


class Reactions:
    def __init__(
        self,
        db: Database,
        bus: EventBus,
        ledger: Ledger,
        instances: Instances,
        library: Library,
        following: Following,
        sending: Sending,
    ) -> None:
        self._db = db
        self._bus = bus
        self._ledger = ledger
        self._instances = instances
        self._library = library
        self._following = following
        self._sending = sending
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        self._ends = [
            self._bus.subscribe_durable(LibraryChanged, self._library_changed),
            self._bus.subscribe(InstanceChanged, self._instance_changed, name="requests"),
            self._bus.subscribe(RequestUpdate, self._request_changed, name="requests: scan"),
        ]

    def stop(self) -> None:
        for end in self._ends:
            end()
        self._ends = []

    async def _library_changed(self, tx: Transaction, event: LibraryChanged) -> None:
        if not event.added and not event.changed:
            return
        if await self._following.waits(cast(Tx, tx)):
            await self._ledger.enqueue(tx, LOOK_JOB, LookArgs())

    async def _instance_changed(self, event: InstanceChanged) -> None:
        if event.state == "ready":
            await self._sending.resume(event.instance_id)

    async def _request_changed(self, event: RequestUpdate) -> None:
        """What a backend calls available the servers may not have seen yet: they are asked for news."""
        if event.user_id or event.status != State.AVAILABLE or event.status == event.previous:
            return
        async with self._db.read() as tx:
            known = await tx.scalar(select(requests.c.title_id).where(requests.c.id == event.request_id))
        if known is not None:
            return
        for handle in self._instances.ready(MediaSource):  # type: ignore[type-abstract]  # a key, not made
            await self._library.request_titles(handle.instance.id, None)
