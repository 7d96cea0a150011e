"""The plugin host: takes every plugin from found to active, or to a state with a reason, and back at the end.

Stages: discover, refuse, probe, import, declare, validate, migrate, activate, set up instances, `on_startup`. A plugin that
fails at one goes no further and holds up no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.logging import get_logger
from medianest_core.base.settings import AppSettings
from medianest_core.base.tasks import TaskKeeper
from medianest_core.base.threads import in_thread
from medianest_core.bus.events import PluginChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.host import plugin_rows
from medianest_core.host.bootmark import BootMark
from medianest_core.host.context import Context, Translate
from medianest_core.host.declarations import Declarations
from medianest_core.host.discovery import Found, discover
from medianest_core.host.facts import declared_facts, plain_info
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.instance import POLL, Surroundings
from medianest_core.host.instance_rows import forget_processes, process_name, put_plugin_state
from medianest_core.host.instances import Instances
from medianest_core.host.listeners import Listeners
from medianest_core.host.registry import PluginInfo, Registry
from medianest_core.host.stages import Stages, Standing
from medianest_core.host.states import PluginState
from medianest_core.host.validate import collisions
from medianest_core.host.watchers import clear_dead, keep_alive
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.settings import ServiceSettings
from medianest_core.sdk.storage import TableSet
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade_plugin
from medianest_core.store.tables.all import core_metadata

_log = get_logger(__name__)
STARTUP_DEADLINE = 30.0
SHUTDOWN_DEADLINE = 5.0


class StrictFailure(MediaNestError):
    """Strict mode: an enabled plugin is not active."""


class UnknownPlugin(MediaNestError):
    """No plugin of that name is installed."""


class PluginHost:
    """All plugins of one process. Use `start`, then `registry` and `instances`; `stop` at the end."""

    def __init__(
        self,
        settings: AppSettings,
        db: Database,
        keyring: Keyring,
        bus: EventBus,
        http: HttpFactory,
        ledger: Ledger,
        *,
        clock: Clock | None = None,
        policy: Callable[[ServiceSettings], EgressPolicy] = EgressPolicy.for_settings,
        translate: Translate = lambda _, message: message,
        poll: float = POLL,
        grace: float = 0.0,
        stages: Callable[[Hooks], Stages] | None = None,
    ) -> None:
        """policy: what an instance with these settings may reach. translate: (plugin, message) for the present reader.

        poll: seconds between health checks of a ready instance. grace: seconds that instances stay untouched after the start, so
        that the portal answers before it connects to anything.
        """
        self._settings = settings
        self._db = db
        self._bus = bus
        self._ledger = ledger
        self._clock = clock or SystemClock()
        self._translate = translate
        self._grace = grace
        self._process = process_name()
        self._tasks = TaskKeeper()
        self._contexts: dict[str, Context] = {}
        self._found: dict[str, Found] = {}
        self._observers: list[Callable[[str, Declarations | None], None]] = []
        self.hooks = Hooks(trace=settings.trace_hooks)
        self._stages = stages(self.hooks) if stages else Stages(settings.data_dir, self.hooks)
        self._mark = BootMark(settings.data_dir)
        self.registry = Registry(lambda plugin: self.instances.count(plugin))
        self.instances = Instances(
            db=db,
            bus=bus,
            clock=self._clock,
            registry=self.registry,
            process=self._process,
            around=lambda instances: Surroundings(
                clock=self._clock,
                keyring=keyring,
                http=http,
                policy=policy,
                data_dir=settings.data_dir,
                changed=instances.changed,
                suspend=instances.suspend,
                poll=poll,
            ),
            settings_changed=self._settings_changed,
        )
        self._listeners = Listeners(bus, ledger, self.context)

    async def start(self) -> None:
        """Bring up everything that is enabled. Raises StrictFailure in strict mode, else only for a lost database."""
        await clear_dead(self._db, self._process)
        await self.instances.load()
        for standing in await self._examine():
            await self._take(standing, self._grace)
        self._mark.clear()
        self._tasks.spawn(keep_alive(self._db, self._clock, self._process), "plugin host: keep alive")
        if self._settings.plugins_strict and (failed := self._failed()):
            await self.stop()
            raise StrictFailure(
                "Plugins that are not active: " + "; ".join(f"{one.name} ({one.reason})" for one in failed)
            )
        active = [declared.plugin for declared in self.registry.active()]
        self._tasks.spawn(self._startup(active), "plugin host: on_startup")

    async def stop(self) -> None:
        """`on_shutdown` with five seconds for each, then close all instances. Never raises."""
        self._mark.clear()
        active = [declared.plugin for declared in self.registry.active()]
        await self._tasks.close()
        await self.hooks.call(
            "on_shutdown",
            {name: {"context": self.context(name)} for name in active},
            deadline=SHUTDOWN_DEADLINE,
        )
        await self.instances.close()
        self._listeners.close()
        try:
            async with self._db.begin() as tx:
                await forget_processes(tx, [self._process])
        except Exception as error:
            _log.warning("the state of this process could not be removed", exc_info=error)

    def context(self, plugin: str) -> Context:
        """The context of a plugin; one for the life of the process."""
        if plugin not in self._contexts:
            folder = self._settings.data_dir / "plugins" / plugin
            folder.mkdir(parents=True, exist_ok=True)
            self._contexts[plugin] = Context(
                plugin,
                folder.absolute(),
                db=self._db,
                bus=self._bus,
                ledger=self._ledger,
                registry=self.registry,
                instances=self.instances,
                translate=self._translate,
            )
        return self._contexts[plugin]

    def jobs(self) -> list[tuple[str, Job[Any]]]:
        """(plugin, job) of all jobs that plugins bring, durable listeners among them."""
        return [*self.registry.contributions(Job), *self._listeners.jobs()]

    def on_change(self, observer: Callable[[str, Declarations | None], None]) -> None:
        """Call `observer(plugin, declarations)` when a plugin is activated later, with None when it is taken back."""
        self._observers.append(observer)

    async def set_enabled(self, plugin: str, enabled: bool, actor: str | None) -> PluginInfo:
        """Switch a plugin on or off, now and for later starts. Raises UnknownPlugin."""
        info = self._known(plugin)
        async with self._db.begin() as tx:
            await plugin_rows.set_enabled(tx, self._clock, plugin, enabled, actor)
        if enabled and not info.state.running:
            await self._again(plugin)
        elif not enabled:
            await self._take_back(plugin)
            await self._put(replace(info, state=PluginState.DISABLED, reason="Switched off.", enabled=False))
        return self._known(plugin)

    async def retry(self, plugin: str, actor: str | None) -> PluginInfo:
        """Forget what was learnt about a plugin and try it again. Raises UnknownPlugin."""
        info = self._known(plugin)
        async with self._db.begin() as tx:
            await plugin_rows.clear_suspension(tx, self._clock, plugin, actor)
        if not info.state.running:
            if (found := self._found.get(plugin)) is not None:
                self._stages.forget(found)
            await self._again(plugin)
        return self._known(plugin)

    async def uninstall_data(self, plugin: str, actor: str | None) -> None:
        """Let a plugin clear up (`on_uninstall`) and remove its instances. Raises UnknownPlugin."""
        self._known(plugin)
        if self.registry.declarations(plugin) is not None:
            await self.hooks.call(
                "on_uninstall", {plugin: {"context": self.context(plugin)}}, deadline=STARTUP_DEADLINE
            )
        for info in self.instances.all():
            if info.plugin == plugin:
                await self.instances.remove(info.id, actor)
        await self.set_enabled(plugin, False, actor)

    async def _examine(self, only: str | None = None) -> Sequence[Standing]:
        """Everything up to declarations, in threads, so that the loop stays free."""
        discovery = await in_thread(discover, name="plugin-discovery")
        async with self._db.read() as tx:
            rows = await plugin_rows.load(tx)
        culprit = self._mark.culprit()
        if culprit is not None:
            async with self._db.begin() as tx:
                await plugin_rows.suspend(
                    tx,
                    self._clock,
                    *culprit,
                    "It ended the process while it was being started. Update it, or retry.",
                )
                rows = await plugin_rows.load(tx)
        self._found |= {found.name: found for found in discovery.found}
        choice = plugin_rows.Choice(rows, self._settings.plugins_disabled, self._settings.safe_mode)
        return await in_thread(
            lambda: self._stages.run(discovery, choice, self._mark, only), name="plugin-stages"
        )

    async def _take(self, standing: Standing, after: float = 0.0) -> None:
        info = plain_info(standing, self._clock.now())
        declared = standing.declared
        if declared is None:
            await self._put(info)
            return
        state, reason = await self._activate(declared, after)
        if state is PluginState.ACTIVE:
            info = replace(info, **declared_facts(declared))
        await self._put(replace(info, state=state, reason=reason))

    async def _activate(self, declared: Declarations, after: float) -> tuple[PluginState, str]:
        name = declared.plugin
        if problems := collisions(declared, self.registry.active(), core_metadata().tables):
            self.hooks.unregister(name)
            return PluginState.INVALID, " ".join(problems)
        for item in declared.contributions:
            if isinstance(item, TableSet):
                try:
                    await upgrade_plugin(self._db, name, item)
                except Exception as error:
                    _log.error("migration failed", plugin=name, exc_info=error)
                    self.hooks.unregister(name)
                    return PluginState.NEEDS_MIGRATION, (
                        f"Its tables could not be brought up to date ({type(error).__name__}). See the log, then retry."
                    )
        self.registry.activate(declared)
        self._listeners.add(declared)
        self.instances.start_plugin(name, after)
        return PluginState.ACTIVE, ""

    async def _take_back(self, plugin: str) -> None:
        if self.registry.declarations(plugin) is None:
            return
        await self.hooks.call(
            "on_shutdown", {plugin: {"context": self.context(plugin)}}, deadline=SHUTDOWN_DEADLINE
        )
        await self.instances.stop_plugin(plugin)
        self._listeners.remove(plugin)
        self.registry.deactivate(plugin)
        self.hooks.unregister(plugin)
        self._tell(plugin, None)

    async def _again(self, plugin: str) -> None:
        for standing in await self._examine(plugin):
            await self._take(standing)
        self._mark.clear()
        if (declared := self.registry.declarations(plugin)) is not None:
            self._tell(plugin, declared)
            self._tasks.spawn(self._startup([plugin]), f"plugin host: on_startup {plugin}")

    async def _startup(self, plugins: Iterable[str]) -> None:
        await self.hooks.call(
            "on_startup",
            {name: {"context": self.context(name)} for name in plugins},
            deadline=STARTUP_DEADLINE,
        )

    async def _settings_changed(self, plugin: str, instance: str) -> None:
        if self.registry.declarations(plugin) is not None:
            arguments = {plugin: {"context": self.context(plugin), "instance": instance}}
            self._tasks.spawn(
                _ignore(self.hooks.call("on_settings_changed", arguments, deadline=STARTUP_DEADLINE)),
                f"plugin host: on_settings_changed {plugin}",
            )

    async def _put(self, info: PluginInfo) -> None:
        before = self.registry.plugin(info.name)
        if before is not None and before.state is info.state and before.reason == info.reason:
            info = replace(info, since=before.since)
        self.registry.put(info)
        if not info.state.running and info.state is not PluginState.DISABLED:
            _log.warning("plugin is not active", plugin=info.name, state=info.state.value, reason=info.reason)
        async with self._db.begin() as tx:
            await put_plugin_state(
                tx,
                self._process,
                info.name,
                {
                    "state": info.state.value,
                    "reason": info.reason,
                    "trace": info.trace,
                    "since_at": info.since,
                    "seen_at": self._clock.now(),
                },
            )
            if before is not None:
                event = PluginChanged(plugin=info.name, state=info.state.value, reason=info.reason)
                await self._bus.publish(tx, event, Audience.admins())

    def _known(self, plugin: str) -> PluginInfo:
        if (info := self.registry.plugin(plugin)) is None:
            raise UnknownPlugin(f"No plugin called {plugin} is installed.")
        return info

    def _failed(self) -> list[PluginInfo]:
        quiet = {PluginState.DISABLED, PluginState.ACTIVE, PluginState.NEEDS_SETTINGS}
        return [info for info in self.registry.plugins() if info.state not in quiet]

    def _tell(self, plugin: str, declared: Declarations | None) -> None:
        for observer in self._observers:
            observer(plugin, declared)


async def _ignore(awaitable: Any) -> None:
    await awaitable
