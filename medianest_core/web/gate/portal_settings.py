"""The portal's settings as requests need them: at hand without a question to the database each time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import ValidationError

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database
from medianest_core.store.repos import portal_settings, settings_history
from medianest_core.store.repos.portal_settings import PortalSettings
from medianest_core.store.repos.settings_history import State

FRESH = 2.0


class PortalSettingsReader:
    """now: the settings as last read, the defaults before that."""

    def __init__(self, db: Database, steady: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._steady = steady
        self._read_at: float | None = None
        self.now = PortalSettings()
        self.version = 0
        self.other_way_in: Callable[[], Awaitable[bool]] | None = None
        """Whether people could sign in without a password of ours; None where that is not known yet."""

    async def current(self) -> PortalSettings:
        """At most two seconds old. Raises SettingsUnreadable, DatabaseAway."""
        if self._read_at is None or self._steady() - self._read_at >= FRESH:
            self.now, self.version = await portal_settings.load(self._db)
            self._read_at = self._steady()
        return self.now

    async def change(
        self,
        values: Mapping[str, Any],
        version: int | None,
        actor: str | None,
        *,
        restores: int | None = None,
    ) -> PortalSettings:
        """Save with `values` changed. restores: the state in the history that they are. Raises UserError, also where nobody could
        sign in any more, and Stale."""
        present, stored = await portal_settings.load(self._db)
        try:
            changed = PortalSettings.model_validate(present.model_dump() | dict(values))
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False, include_url=False)[0]
            said, field = str(first["msg"]), str(first["loc"][0]) if first["loc"] else None
            raise UserError(said, field) from None
        shut = present.local_sign_in and not changed.local_sign_in
        if shut and self.other_way_in is not None and not await self.other_way_in():
            raise UserError(
                N_("Nobody could sign in any more: no service that people can sign in with works now."),
                "local_sign_in",
            )
        async with self._db.begin() as tx:
            self.version = await portal_settings.save(
                tx,
                changed,
                version=stored if version is None else version,
                actor=actor,
                restores=restores,
            )
        self.now, self._read_at = changed, self._steady()
        return changed

    async def history(self, *, before: int | None = None, limit: int = 50) -> list[State]:
        """What the settings were, newest first. before: states older than the one with this id."""
        async with self._db.read() as tx:
            return await settings_history.states(tx, settings_history.PORTAL, before=before, limit=limit)

    async def state(self, state_id: int) -> State:
        """One state of the history. Raises UnknownState."""
        async with self._db.read() as tx:
            return await settings_history.state(tx, settings_history.PORTAL, state_id)

    async def restore(self, state_id: int, version: int | None, actor: str | None) -> PortalSettings:
        """Bring a state back, as if somebody had typed it. Raises UnknownState, UserError, Stale."""
        past = (await self.state(state_id)).values
        known = {name: past[name] for name in PortalSettings.model_fields if name in past}
        return await self.change(known, version, actor, restores=state_id)
