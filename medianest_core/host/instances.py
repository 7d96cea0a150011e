"""The configured services: finding their providers, and adding, changing, testing and removing them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar, cast

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.nested import editable
from medianest_core.base.tasks import bounded
from medianest_core.base.texts import N_
from medianest_core.bus.events import InstanceChanged, ServiceStatus
from medianest_core.bus.outbox import EventBus
from medianest_core.host import instance_rows as rows
from medianest_core.host.calls import DEFAULT, CallRule
from medianest_core.host.errors import InvalidSettings, UnknownInstance, UnknownService
from medianest_core.host.guard import translate
from medianest_core.host.handle import Handle as Handle
from medianest_core.host.handle import P, Unavailable
from medianest_core.host.health import Health
from medianest_core.host.instance import Instance, Surroundings
from medianest_core.host.instance import InstanceInfo as InstanceInfo
from medianest_core.host.instance_rows import InstanceRow
from medianest_core.host.kept_secrets import changed_secrets, merge_typed
from medianest_core.host.past_settings import as_typed, note_created, note_saved
from medianest_core.host.registry import Registry
from medianest_core.host.settings_models import secret_names, secret_places
from medianest_core.host.settings_store import check_settings, reveal, seal_settings, with_ids
from medianest_core.host.states import InstanceState
from medianest_core.host.trial import try_settings
from medianest_core.sdk.capabilities import capabilities_of
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.events import Audience
from medianest_core.sdk.portal import Action
from medianest_core.sdk.service import CheckResult, Provider, ServiceType
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos import settings_history
from medianest_core.store.repos.audit import record

T = TypeVar("T")
ACTION_DEADLINE = 60.0
_log = get_logger(__name__)


class Instances:
    """All configured instances; those of running plugins are set up and watched in this process."""

    def __init__(
        self,
        *,
        db: Database,
        bus: EventBus,
        clock: Clock,
        registry: Registry,
        process: str,
        around: Callable[[Instances], Surroundings],
        settings_changed: Callable[[str, str], Awaitable[None]],
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """leads: does this process tell everyone of states? Each writes its own down."""
        self._db = db
        self._bus = bus
        self._clock = clock
        self._registry = registry
        self._process = process
        self._settings_changed = settings_changed
        self._leads = leads
        self._rows: dict[str, InstanceRow] = {}
        self._running: dict[str, Instance] = {}
        self._lock = asyncio.Lock()
        self._around = around(self)
        self.before_remove: list[Callable[[str], Awaitable[None]]] = []
        """Called with the id of an instance that is about to be removed, while it still runs."""

    # Reading

    def all(self) -> list[InstanceInfo]:
        """All instances, oldest first."""
        return [self._info(row) for row in self._rows.values()]

    def info(self, instance_id: str) -> InstanceInfo:
        """One instance. Raises UnknownInstance."""
        return self._info(self._row(instance_id))

    def ready(self, kind: type[P]) -> list[Handle[P]]:
        """Handles of all instances that have such a provider and are ready."""
        return [handle for handle in self.any(kind) if handle.instance.ready]

    def any(self, kind: type[P]) -> list[Handle[P]]:
        """Handles of all enabled instances that have such a provider, also of those that are not ready."""
        return [
            self._handle(running, kind)
            for running in self._running.values()
            if running.row.enabled and kind in running.kinds
        ]

    def get(self, kind: type[P], instance_id: str) -> Handle[P]:
        """The handle of a ready instance. Raises NotReady with the reason, UnknownInstance."""
        info = self.info(instance_id)
        running = self._running.get(instance_id)
        if running is None or kind not in running.kinds:
            raise NotReady(
                info.reason or N_("{title} has no {kind}.").format(title=info.title, kind=kind.__name__)
            )
        if not info.ready:
            raise NotReady(
                N_("{title} is not available: {reason}").format(
                    title=info.title, reason=info.reason or info.state.value
                )
            )
        return self._handle(running, kind)

    def has(self, kind: type[Provider[Any, Any]], instance_id: str) -> bool:
        """Whether the instance's service type brings such a provider and its plugin runs."""
        running = self._running.get(instance_id)
        return running is not None and kind in running.kinds

    def provider_class(
        self, kind: type[Provider[Any, Any]], instance_id: str
    ) -> type[Provider[Any, Any]] | None:
        """The plugin's class of that kind, or None."""
        running = self._running.get(instance_id)
        return running.provider_class(kind) if running is not None else None

    def client(self, instance_id: str) -> Any:
        """The client object of a plugin's instance, for its actions. Raises NotReady, UnknownInstance."""
        info = self.info(instance_id)
        if (running := self._running.get(instance_id)) is None:
            raise NotReady(info.reason)
        return running.client

    async def use(
        self,
        instance_id: str,
        what: str,
        function: Callable[[Any], Awaitable[T]],
        rule: CallRule = DEFAULT,
    ) -> T:
        """The result of function(client): what a contribution does with a ready instance, guarded like a provider's call.

        what: for the log. Raises UnknownInstance, NotReady with the reason, and other errors of the SDK.
        """
        info = self.info(instance_id)
        running = self._running.get(instance_id)
        if running is None or not info.ready:
            raise NotReady(info.reason or N_("{title} is not set up yet.").format(title=info.title))
        return await running.use(rule, what, function)

    def health(self, instance_id: str) -> Health:
        """Health as this process sees it. Raises UnknownInstance."""
        self._row(instance_id)
        running = self._running.get(instance_id)
        if running is None:
            return Health("closed", None, "", None, None)
        return running.health.reading()

    def count(self, plugin: str) -> int:
        """How many instances of a plugin are configured."""
        return sum(row.plugin == plugin for row in self._rows.values())

    def form_values(self, instance_id: str) -> dict[str, Any]:
        """Stored settings for `form_fields`: secrets masked, references as they are."""
        return rows.masked(self._row(instance_id).stored)

    async def history(
        self, instance_id: str, *, before: int | None = None, limit: int = 50
    ) -> list[settings_history.State]:
        """What its settings were, newest first, secrets masked. before: states older than the one with this id.

        Raises UnknownInstance.
        """
        hide = self._secrets(self._row(instance_id))
        async with self._db.read() as tx:
            return await settings_history.states(tx, instance_id, before=before, limit=limit, hide=hide)

    async def state(self, instance_id: str, state_id: int) -> settings_history.State:
        """One state of the history. Raises UnknownInstance, UnknownState."""
        hide = self._secrets(self._row(instance_id))
        async with self._db.read() as tx:
            return await settings_history.state(tx, instance_id, state_id, hide=hide)

    # Writing; each in one transaction with its audit row and event

    async def create(
        self, plugin: str, service: str, name: str, title: str, values: Mapping[str, Any], actor: str | None
    ) -> InstanceInfo:
        """Add an instance and begin to set it up. name: address-like and unique in the plugin; "" makes one from the title.

        Raises InvalidSettings, UnknownService.
        """
        kind = self._type(plugin, service)
        title = _title(title, kind)
        settings = check_settings(kind.settings, values, protected=self._around.data_dir)
        instance_id = rows.fresh_id()
        stored = seal_settings(settings, values, self._around.keyring, instance_id)
        async with self._lock:
            async with self._db.begin() as tx:
                chosen = await rows.free_name(tx, plugin, name, title)
                await rows.insert_row(
                    tx,
                    self._clock,
                    instance_id=instance_id,
                    plugin=plugin,
                    service=service,
                    name=chosen,
                    title=title,
                    stored=stored,
                    actor=actor,
                )
                await note_created(tx, instance_id, stored, title, actor, at=self._clock.now())
                await self._note(
                    tx, actor, "instance.created", instance_id, plugin, service, {"title": title}
                )
            await self._reload(instance_id)
        await self._settings_changed(plugin, instance_id)
        return self.info(instance_id)

    async def update(
        self,
        instance_id: str,
        values: Mapping[str, Any],
        version: int,
        actor: str | None,
        *,
        title: str | None = None,
        restores: int | None = None,
    ) -> InstanceInfo:
        """Save settings and set the instance up anew. Secrets missing in `values` are kept, None removes one.

        restores: the state in the history that they are. Raises InvalidSettings, Stale (with the present values, secrets
        masked), UnknownInstance, UnknownService.
        """
        row = self._row(instance_id)
        kind = self._type(row.plugin, row.service)
        kept = self._kept(kind, row)
        merged = merge_typed(kind.settings, values, kept)
        settings = check_settings(kind.settings, merged, protected=self._around.data_dir)
        merged = with_ids(kind.settings, merged)
        stored = seal_settings(settings, merged, self._around.keyring, instance_id)
        new_title = row.title if title is None else _title(title, kind)
        async with self._lock:
            async with self._db.begin() as tx:
                await rows.change_row(
                    tx,
                    self._clock,
                    row,
                    {"settings_json": stored, "title": new_title, "suspended_fingerprint": ""},
                    version=version,
                    actor=actor,
                )
                # A secret is sealed anew with each save; whether it is another one shows in the clear alone.
                secrets = changed_secrets(kind.settings, merged, kept)
                plain, before = _without_secrets(kind, stored), _without_secrets(kind, row.stored)
                changed = [name for name in plain if plain[name] != before.get(name)]
                await note_saved(
                    tx, row, stored, new_title, secrets, actor, restores=restores, at=self._clock.now()
                )
                details: dict[str, Any] = {"fields": sorted([*changed, *secrets])}
                if restores is not None:
                    details["restores"] = restores
                await self._note(tx, actor, "instance.updated", instance_id, row.plugin, row.service, details)
            await self._reload(instance_id)
        await self._settings_changed(row.plugin, instance_id)
        return self.info(instance_id)

    async def restore(
        self,
        instance_id: str,
        state_id: int,
        version: int,
        actor: str | None,
        again: Mapping[str, str] = MappingProxyType({}),
    ) -> InstanceInfo:
        """Bring a state of the history back, by the way of everything that is typed. again: secrets typed anew.

        A secret whose value the history does not hold stays as it is. Raises UnknownState, and what `update` raises.
        """
        row = self._row(instance_id)
        kind = self._type(row.plugin, row.service)
        past = await self.state(instance_id, state_id)
        typed = as_typed(kind.settings, past.values, rows.masked(row.stored), again)
        return await self.update(
            instance_id, typed, version, actor, title=past.title or None, restores=state_id
        )

    async def set_enabled(
        self, instance_id: str, enabled: bool, actor: str | None, version: int | None = None
    ) -> InstanceInfo:
        """Switch on or off. version: as read; None for the portal itself. Raises Stale, UnknownInstance."""
        row = self._row(instance_id)
        if row.enabled is not enabled:
            async with self._lock:
                async with self._db.begin() as tx:
                    current = await rows.one_row(tx, instance_id)
                    known = current.version if version is None else version
                    await rows.change_row(
                        tx, self._clock, current, {"enabled": enabled}, version=known, actor=actor
                    )
                    what = "instance.enabled" if enabled else "instance.disabled"
                    await self._note(tx, actor, what, instance_id, row.plugin, row.service, {})
                await self._reload(instance_id)
            await self._settings_changed(row.plugin, instance_id)
        return self.info(instance_id)

    async def remove(self, instance_id: str, actor: str | None, version: int | None = None) -> None:
        """Delete, with all that refers to it. version: as read; None for the portal itself. Raises Stale, UnknownInstance."""
        row = self._row(instance_id)
        async with self._lock:
            async with self._db.read() as tx:
                rows.unchanged(await rows.one_row(tx, instance_id), version)
            for leave in self.before_remove:
                await leave(instance_id)
            await self._close(instance_id)
            async with self._db.begin() as tx:
                await rows.delete_row(tx, instance_id)
                await self._note(
                    tx, actor, "instance.removed", instance_id, row.plugin, row.service, {"title": row.title}
                )
            self._rows.pop(instance_id, None)
        await self._settings_changed(row.plugin, instance_id)

    async def test(
        self, plugin: str, service: str, values: Mapping[str, Any], instance_id: str | None = None
    ) -> CheckResult:
        """Try settings on a temporary instance; nothing is stored. instance_id: whose secrets are kept where none were typed.

        Raises InvalidSettings, UnknownService, UnknownInstance, and the SDK's errors for what the service answered.
        """
        kind = self._type(plugin, service)
        merged = dict(values)
        if instance_id is not None:
            merged = merge_typed(kind.settings, values, self._kept(kind, self._row(instance_id)))
        settings = check_settings(kind.settings, merged, protected=self._around.data_dir)
        declared = self._registry.declarations(plugin)
        assert declared is not None
        return await try_settings(declared, kind, settings, self._around)

    async def act(self, instance_id: str, action: Action, actor: str | None) -> str:
        """Do what a plugin's button says; returns its message. Raises NotReady, UnknownInstance, and the SDK's errors."""
        row = self._row(instance_id)
        client = self.client(instance_id)
        try:
            message = await bounded(action.handler(client), ACTION_DEADLINE)
        except Exception as error:
            raise translate(error, f"action {action.name}") from error
        async with self._db.begin() as tx:
            await self._note(
                tx, actor, "instance.action", instance_id, row.plugin, row.service, {"action": action.name}
            )
        return str(message)

    async def retry(self, instance_id: str) -> None:
        """Set up again now, also after a suspension; resets the breaker. Raises UnknownInstance."""
        row = self._row(instance_id)
        if row.suspended_fingerprint:
            async with self._db.begin() as tx:
                await rows.set_suspended(tx, instance_id, "")
            self._rows[instance_id] = replace(row, suspended_fingerprint="")
        running = self._running.get(instance_id)
        if running is not None:
            running.row = self._rows[instance_id]
            running.retry()

    # Called by the host

    async def load(self) -> None:
        """Read all rows; starts nothing."""
        async with self._db.read() as tx:
            self._rows = {row.id: row for row in await rows.load_rows(tx)}

    async def catch_up(self) -> None:
        """Follow what other processes have changed in the rows."""
        async with self._db.read() as tx:
            found = {row.id: row for row in await rows.load_rows(tx)}
        if found == self._rows:
            return
        changed: list[InstanceRow] = []
        async with self._lock:
            # Read again: we may have waited for a change of our own.
            async with self._db.read() as tx:
                found = {row.id: row for row in await rows.load_rows(tx)}
            for instance_id in [one for one in self._rows if one not in found]:
                changed.append(self._rows.pop(instance_id))
                await self._close(instance_id)
            for row in found.values():
                known = self._rows.get(row.id)
                self._rows[row.id] = row
                if known is None or known.version != row.version:
                    changed.append(row)
                    await self._close(row.id)
                    self._start(row)
                elif known.suspended_fingerprint and not row.suspended_fingerprint:
                    # Somebody said to try it again.
                    running = self._running.get(row.id)
                    if running is not None:
                        running.row = row
                        running.retry()
        for row in changed:
            await self._settings_changed(row.plugin, row.id)

    def start_plugin(self, plugin: str, after: float = 0.0) -> None:
        """Begin to set up a plugin's instances, in so many seconds."""
        for row in self._rows.values():
            if row.plugin == plugin and row.id not in self._running:
                self._start(row, after)

    async def stop_plugin(self, plugin: str) -> None:
        """Close a plugin's instances; their rows stay."""
        ids = [one for one, running in self._running.items() if running.row.plugin == plugin]
        await asyncio.gather(*(self._close(one) for one in ids))

    async def settle(self, deadline: float) -> None:
        """Wait until each instance has been tried once, at most `deadline` seconds."""
        await asyncio.gather(*(running.settled(deadline) for running in list(self._running.values())))

    async def close(self) -> None:
        """Close all."""
        await asyncio.gather(*(self._close(one) for one in list(self._running)))

    async def suspend(self, instance_id: str, fingerprint: str) -> None:
        """Remember that these settings crashed the plugin."""
        async with self._db.begin() as tx:
            await rows.set_suspended(tx, instance_id, fingerprint)
        if (row := self._rows.get(instance_id)) is not None:
            self._rows[instance_id] = replace(row, suspended_fingerprint=fingerprint)

    async def changed(self, before: InstanceInfo, now: InstanceInfo) -> None:
        """Write a new state down and tell everyone. An outage of the database only delays that."""
        health = self.health(now.id) if now.id in self._rows else None
        values = {
            "state": now.state.value,
            "reason": now.reason,
            "since_at": now.since,
            "next_at": now.next_at,
            "service_version": now.service_version,
            "last_ok_at": health.last_ok_at if health else None,
            "last_error": health.last_error if health else "",
            "last_error_at": health.last_error_at if health else None,
            "seen_at": self._clock.now(),
        }
        settled = {
            InstanceState.READY,
            InstanceState.RETRYING,
            InstanceState.NEEDS_REAUTH,
            InstanceState.FAILED,
        }
        try:
            async with self._db.begin() as tx:
                await rows.put_state(tx, self._process, now.id, values)
                if not self._leads():
                    return
                if before.state is not now.state:
                    await self._publish(tx, now.id, now.plugin, now.service, now.state.value, now.reason)
                if before.ready is not now.ready or (before.state not in settled and now.state in settled):
                    await self._bus.publish(
                        tx,
                        ServiceStatus(
                            instance_id=now.id,
                            plugin=now.plugin,
                            service=now.service,
                            title=now.title,
                            up=now.ready,
                            state=now.state.value,
                            reason=now.reason,
                            since_at=now.since,
                        ),
                        # Who else may see it is for the status domain to say, which passes it on.
                        Audience.admins(),
                    )
        except Exception as error:
            _log.warning("an instance's state could not be stored", instance=now.name, exc_info=error)

    def _handle(self, running: Instance, kind: type[P]) -> Handle[P]:
        api = running.api(kind)
        info = running.info
        if api is None:
            api = Unavailable(info.reason or N_("{title} is not set up yet.").format(title=info.title))
        provider = running.provider_class(kind)
        return Handle(info, cast(P, api), capabilities_of(provider) if provider else frozenset())

    def _row(self, instance_id: str) -> InstanceRow:
        if (row := self._rows.get(instance_id)) is None:
            raise UnknownInstance("There is no such service.")
        return row

    def _info(self, row: InstanceRow) -> InstanceInfo:
        if (running := self._running.get(row.id)) is not None:
            return running.info
        plugin = self._registry.plugin(row.plugin)
        if plugin is None:
            reason = N_("Its plugin {plugin} is not installed.").format(plugin=row.plugin)
        else:
            reason = N_("Its plugin {plugin} is not running: {reason}").format(
                plugin=plugin.title, reason=plugin.reason or plugin.state.value
            )
        return InstanceInfo(
            id=row.id,
            plugin=row.plugin,
            service=row.service,
            name=row.name,
            title=row.title,
            enabled=row.enabled,
            state=InstanceState.CLOSED,
            reason=reason if row.enabled else N_("Switched off."),
            since=plugin.since if plugin else 0.0,
            next_at=None,
            version=row.version,
        )

    def _type(self, plugin: str, service: str) -> ServiceType[Any, Any]:
        found = self._registry.service_type(plugin, service)
        if found is None:
            raise UnknownService(
                N_("No running plugin brings {plugin}/{service}.").format(plugin=plugin, service=service)
            )
        return found

    def _secrets(self, row: InstanceRow) -> frozenset[str]:
        """Settings that are secrets, as far as the plugin can be asked."""
        found = self._registry.service_type(row.plugin, row.service)
        return frozenset() if found is None else secret_names(found.settings)

    def _kept(self, kind: ServiceType[Any, Any], row: InstanceRow) -> Mapping[str, Any]:
        """Stored values for secrets that are not typed anew; what cannot be opened has to be typed."""
        kept = editable(row.stored)
        for place in secret_places(kind.settings, kept):
            if not isinstance(place.value, str) or place.value.startswith("$"):
                continue
            try:
                place.holder[place.key] = reveal(place, self._around.keyring, row.id)
            except Exception as error:
                _log.warning(
                    "a stored secret cannot be kept", instance=row.name, field=place.name, reason=str(error)
                )
                place.holder.pop(place.key)
        return kept

    def _start(self, row: InstanceRow, after: float = 0.0) -> None:
        declared = self._registry.declarations(row.plugin)
        if declared is None or row.service not in declared.services:
            return
        running = Instance(row, declared, self._around)
        self._running[row.id] = running
        running.start(after)

    async def _close(self, instance_id: str) -> None:
        running = self._running.pop(instance_id, None)
        if running is not None:
            await running.close()

    async def _reload(self, instance_id: str) -> None:
        await self._close(instance_id)
        async with self._db.read() as tx:
            row = await rows.one_row(tx, instance_id)
        self._rows[instance_id] = row
        self._start(row)

    async def _note(
        self,
        tx: Tx,
        actor: str | None,
        action: str,
        instance_id: str,
        plugin: str,
        service: str,
        details: Mapping[str, Any],
    ) -> None:
        await record(
            tx, actor=actor, action=action, target=f"{plugin}/{service}/{instance_id}", details=details
        )
        await self._publish(tx, instance_id, plugin, service, action.partition(".")[2], "")

    async def _publish(
        self, tx: Tx, instance_id: str, plugin: str, service: str, state: str, reason: str
    ) -> None:
        event = InstanceChanged(
            instance_id=instance_id, plugin=plugin, service=service, state=state, reason=reason
        )
        await self._bus.publish(tx, event, Audience.admins())


def _without_secrets(kind: ServiceType[Any, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored values by name, secrets left out: sealing makes them others each time."""
    values = editable(stored)
    for place in secret_places(kind.settings, values):
        place.holder.pop(place.key, None)
    return values


def _title(title: str, kind: ServiceType[Any, Any]) -> str:
    chosen = title.strip() or kind.title or kind.name.capitalize()
    if len(chosen) > 80:
        raise InvalidSettings({"title": N_("Use at most 80 characters.")})
    return chosen
