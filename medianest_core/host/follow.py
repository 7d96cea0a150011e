"""Follows what other processes decided: instances that were added, changed, switched or removed, plugins that were switched.

It compares versions of rows every two seconds, and at once when an event tells of a change. Without it a second process would go
on with settings that an admin has replaced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from medianest_core.base.logging import get_logger
from medianest_core.base.repeat import Repeater
from medianest_core.bus.events import InstanceChanged, PluginChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.host import plugin_rows
from medianest_core.host.instances import Instances
from medianest_core.store.engine import Database

EVERY = 2.0
_log = get_logger(__name__)


class Follower:
    """switch(plugin, enabled): brings a plugin of this process to where the row says it should be."""

    def __init__(
        self,
        db: Database,
        bus: EventBus,
        instances: Instances,
        switch: Callable[[str, bool], Awaitable[None]],
        *,
        every: float = EVERY,
    ) -> None:
        self._db = db
        self._instances = instances
        self._switch = switch
        self._repeat = Repeater(self.look, every, trouble="changes of other processes cannot be followed")
        self._enabled: dict[str, bool] = {}
        self.switching = asyncio.Lock()
        """Held while a plugin is switched: a row that was read before this process's own decision would undo it."""
        self._unsubscribe = [
            bus.subscribe(InstanceChanged, self._look_soon, name="host.follow", everywhere=True),
            bus.subscribe(PluginChanged, self._look_soon, name="host.follow", everywhere=True),
        ]

    def close(self) -> None:
        for end in self._unsubscribe:
            end()

    async def begin(self) -> None:
        """Remember how the plugins stand now."""
        async with self._db.read() as tx:
            self._enabled = {name: row.enabled for name, row in (await plugin_rows.load(tx)).items()}

    def decided(self, plugin: str, enabled: bool) -> None:
        """This process has just switched the plugin itself."""
        self._enabled[plugin] = enabled

    async def run(self) -> None:
        """Until cancelled."""
        await self._repeat.run()

    async def look(self) -> None:
        """Catch up with the rows."""
        async with self.switching:
            async with self._db.read() as tx:
                rows = await plugin_rows.load(tx)
            for name, row in rows.items():
                if self._enabled.get(name, True) is not row.enabled:
                    self._enabled[name] = row.enabled
                    _log.info("another process switched a plugin", plugin=name, enabled=row.enabled)
                    await self._switch(name, row.enabled)
        await self._instances.catch_up()

    async def _look_soon(self, _: object) -> None:
        self._repeat.soon()
