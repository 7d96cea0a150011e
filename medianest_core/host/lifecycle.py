"""The plugin host: takes every plugin from found to active, or to a state with a reason, and back at the end.

Stages: discover, refuse, probe, import, declare, validate, migrate, activate, set up instances, `on_startup`. A plugin that
fails at one goes no further and holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.logging import get_logger
from medianest_core.base.settings import AppSettings
from medianest_core.base.tasks import TaskKeeper, contained
from medianest_core.base.texts import N_
from medianest_core.base.threads import in_thread
from medianest_core.bus.events import PluginChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.cached import Caches
from medianest_core.cache.memory import MemoryCache
from medianest_core.host import onefile, plugin_rows
from medianest_core.host.bootmark import BootMark
from medianest_core.host.context import Context, Translate
from medianest_core.host.declarations import Declarations
from medianest_core.host.discovery import Found, discover
from medianest_core.host.errors import UnknownPlugin
from medianest_core.host.facts import declared_facts, plain_info
from medianest_core.host.faults import Elsewhere, Fault, Faults
from medianest_core.host.files_watch import FilesWatch
from medianest_core.host.follow import Follower
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.instance import POLL, Surroundings
from medianest_core.host.instance_rows import (
    forget_plugin_state,
    forget_processes,
    plugin_reasons,
    process_name,
    put_plugin_state,
)
from medianest_core.host.instances import Instances
from medianest_core.host.leading import Leading
from medianest_core.host.leaks import MANY, tasks_of
from medianest_core.host.listeners import Listeners
from medianest_core.host.quality import Quality, assess
from medianest_core.host.registry import PluginInfo, Registry
from medianest_core.host.stages import Stages, Standing
from medianest_core.host.stamps import code_stamp
from medianest_core.host.states import PluginState
from medianest_core.host.validate import collisions
from medianest_core.host.watchdog import Owners, Watchdog
from medianest_core.host.watchers import clear_dead, keep_alive
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.settings import ServiceSettings
from medianest_core.sdk.storage import TableSet
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import DatabaseAway, Stale
from medianest_core.store.migrate import upgrade_plugin
from medianest_core.store.tables.all import core_metadata

_log = get_logger(__name__)
STARTUP_DEADLINE = 30.0
TOLD_EVERY = 1.0
"""Seconds between two writes of what plugins did wrong, however much that is."""
SHUTDOWN_DEADLINE = 5.0


COUNT_EVERY = 60.0
"""Seconds between two looks at how many tasks each plugin has."""


class StrictFailure(MediaNestError):
    """Strict mode: an enabled plugin is not active."""


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
        caches: Caches | None = None,
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
        self._caches = caches or Caches(MemoryCache(), self._clock)
        self._grace = grace
        self.process = process_name()
        self._tasks = TaskKeeper()
        self._contexts: dict[str, Context] = {}
        self._found: dict[str, Found] = {}
        self._quality: dict[str, tuple[Declarations, Quality]] = {}
        self._faulty: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._choice = plugin_rows.Choice({}, settings.plugins_disabled, settings.safe_mode)
        self._observers: list[Callable[[str, Declarations | None], None]] = []
        self.faults = Faults(self._clock, lambda plugin: self._faulty.add(plugin))
        self.hooks = Hooks(trace=settings.trace_hooks)
        self.hooks.on_fault = self.faults.note
        self._stages = stages(self.hooks) if stages else Stages(settings.data_dir, self.hooks)
        self._mark = BootMark(settings.data_dir)
        self.registry = Registry(lambda plugin: self.instances.count(plugin))
        self.instances = Instances(
            db=db,
            bus=bus,
            clock=self._clock,
            registry=self.registry,
            process=self.process,
            around=lambda instances: Surroundings(
                clock=self._clock,
                keyring=keyring,
                http=http,
                policy=policy,
                data_dir=settings.data_dir,
                changed=instances.changed,
                suspend=instances.suspend,
                poll=poll,
                fault=self.faults.note,
            ),
            settings_changed=self._settings_changed,
            leads=lambda: self._leading.now,
        )
        self._files = FilesWatch(settings.data_dir / "plugins", self._files_changed)
        self._leading = Leading(db, self._clock, self.process)
        self._follower = Follower(db, bus, self.instances, self._follow)
        self._listeners = Listeners(bus, ledger, self.context, self.faults.note)
        self.owners = Owners(self.registry.active)
        self.watchdog = Watchdog(self.faults, self, self._clock, self._tasks.spawn)

    @property
    def leads(self) -> bool:
        """Does this process do what only one of all processes shall do?"""
        return self._leading.now

    async def start(self) -> None:
        """Bring up everything that is enabled. Raises StrictFailure in strict mode, else only for a lost database."""
        self._loop = asyncio.get_running_loop()
        self.watchdog.start()
        await clear_dead(self._db, self.process)
        await self._leading.ask()
        await self.instances.load()
        await self._follower.begin()
        await self._files.begin()
        standings = await self._examine()
        # Written together: a plugin has no transactions of its own to wait for.
        await self._put(*[await self._judge(standing, self._grace) for standing in standings])
        self._mark.clear()
        self._tasks.spawn(keep_alive(self._db, self._clock, self.process), "plugin host: keep alive")
        self._tasks.spawn(self._leading.run(), "plugin host: leading")
        self._tasks.spawn(self._write_faults(), "plugin host: faults")
        self._tasks.spawn(self._count_tasks(), "plugin host: tasks")
        if not self._settings.dev:
            # There, whoever saves a file gets a new process.
            self._tasks.spawn(self._files.run(), "plugin host: files")
        if self._db.dialect == "postgresql":
            # SQLite has one process.
            self._tasks.spawn(self._follower.run(), "plugin host: follow")
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
        self._follower.close()
        try:
            await self._leading.release()
            async with self._db.begin() as tx:
                await forget_processes(tx, [self.process])
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
                caches=self._caches,
                translate=self._translate,
            )
        return self._contexts[plugin]

    async def quality(self) -> Mapping[str, Quality]:
        """Where the running plugins that are not the core's own stand on the quality scale; by name. Reads their files once."""
        wanted = [
            one for one in self.registry.active() if not one.module.__name__.startswith("medianest_core.")
        ]
        new = [one for one in wanted if self._quality.get(one.plugin, (None,))[0] is not one]
        if new:
            learnt = await in_thread(lambda: [(one, assess(one)) for one in new], name="plugin-quality")
            self._quality |= {one.plugin: (one, found) for one, found in learnt}
        return {one.plugin: self._quality[one.plugin][1] for one in wanted}

    def jobs(self) -> list[tuple[str, Job[Any]]]:
        """(plugin, job) of all jobs that plugins bring, durable listeners among them."""
        return [*self.registry.contributions(Job), *self._listeners.jobs()]

    def on_change(self, observer: Callable[[str, Declarations | None], None]) -> None:
        """Call `observer(plugin, declarations)` when a plugin is activated later, with None when it is taken back."""
        self._observers.append(observer)

    async def set_enabled(
        self, plugin: str, enabled: bool, actor: str | None, version: int | None = None
    ) -> PluginInfo:
        """Switch a plugin on or off, now and for later starts. version: as read; None for the portal itself.

        Raises Stale, UnknownPlugin.
        """
        async with self._follower.switching:
            info = self._known(plugin)
            try:
                async with self._db.begin() as tx:
                    await plugin_rows.set_enabled(tx, self._clock, plugin, enabled, actor, version)
                    self._follower.decided(plugin, enabled)
            except Stale as stale:
                if stale.current["enabled"] is not enabled:
                    raise
                # Another admin did the same.
                return info
            await self._switch(info, enabled)
        return self._known(plugin)

    @property
    def safe_mode(self) -> bool:
        """Whether nothing but what is built in may run."""
        return self._choice.safe

    @property
    def safe_mode_fixed(self) -> bool:
        """Whether this process was started so; then no admin can end it from within."""
        return self._settings.safe_mode

    async def set_safe_mode(self, on: bool, actor: str | None) -> None:
        """Stop every plugin that is not built in, or start those that are enabled; for all processes, and for later starts."""
        async with self._follower.switching:
            async with self._db.begin() as tx:
                await plugin_rows.set_safe_mode(tx, self._clock, on, actor)
                self._follower.decided(plugin_rows.EVERY, not on)
            await self._switch_all(not on)

    async def _switch_all(self, enabled: bool) -> None:
        """Bring every plugin that is not built in to where safe mode lets it be."""
        names = [info.name for info in self.registry.plugins() if not info.builtin]
        if not enabled:
            # Each has time for its farewell; all at once, or it would take as long as all of them together.
            await asyncio.gather(*(self._take_back(name) for name in names))
        await self._again(name for name in names if self.registry.declarations(name) is None)

    def mark_blocking(self, plugin: str) -> None:
        """Note on disk, on any thread, that a plugin holds up this process, which may be killed for it."""
        if (found := self._found.get(plugin)) is not None:
            self._mark.starting(found, code_stamp(found), blocking=True)

    def unmark(self) -> None:
        """It goes on."""
        self._mark.clear()

    def log_flooded(self, logger: str) -> None:
        """A logger writes so much that lines of it are left out; on any thread."""
        head, _, name = logger.partition(".")
        plugin = name.partition(".")[0] if head == "plugin" else self.owners(logger)
        if self._loop is not None and self.registry.plugin(plugin) is not None and not self._loop.is_closed():
            text = N_("It writes so much into the log that lines of it are left out.")
            self._loop.call_soon_threadsafe(self.faults.note, plugin, N_("log"), text)

    async def set_aside(self, plugin: str, reason: str, *, for_good: bool) -> None:
        """Take a running plugin back. for_good: also at later starts, until an admin retries it or its code is another."""
        found, info = self._found.get(plugin), self.registry.plugin(plugin)
        if found is None or info is None or self.registry.declarations(plugin) is None:
            return
        _log.error("a plugin was set aside", plugin=plugin, reason=reason)
        async with self._follower.switching:
            if for_good:
                async with self._db.begin() as tx:
                    await plugin_rows.suspend(tx, self._clock, plugin, code_stamp(found), reason)
            aside = replace(info, state=PluginState.SUSPENDED, reason=reason, since=self._clock.now())
            await self._take_back(plugin)
            # Known here whatever becomes of the row: it does not run any more.
            self.registry.put(aside)
            await self._put(aside)

    async def try_again(self, plugin: str) -> None:
        """Start a plugin that was set aside, unless somebody has decided otherwise meanwhile."""
        async with self._follower.switching:
            info = self.registry.plugin(plugin)
            if info is not None and info.state is PluginState.SUSPENDED:
                await self._again([plugin])

    async def _switch(self, info: PluginInfo, enabled: bool) -> None:
        if enabled and not info.state.running:
            await self._again([info.name])
        elif not enabled:
            await self._take_back(info.name)
            await self._put(
                replace(info, state=PluginState.DISABLED, reason=N_("Switched off."), enabled=False)
            )
        else:
            await self._put(info)

    async def _follow(self, plugin: str, enabled: bool) -> None:
        """Another process switched the plugin, or all of them."""
        if plugin == plugin_rows.EVERY:
            await self._switch_all(enabled)
        elif (info := self.registry.plugin(plugin)) is not None:
            await self._switch(info, enabled)

    async def _files_changed(self, paths: Collection[Path]) -> None:
        """Plugins of one file were added, changed or removed: what the files say now is what runs."""
        _log.info("plugins of one file have changed", files=sorted(path.name for path in paths))
        # A file whose name cannot be a plugin's is known by the name it has.
        names = {name for path in paths for name in (path.stem, onefile.label_of(path))}
        async with self._follower.switching:
            # Side by side, as each may take its time to say farewell.
            await asyncio.gather(*(self._take_back(name) for name in names))
            for name in names:
                self._found.pop(name, None)
                self.watchdog.forgive(name)
            gone = names - await self._again(names)
            async with self._db.begin() as tx:
                for name in sorted(gone):
                    if self.registry.plugin(name) is None:
                        continue
                    await forget_plugin_state(tx, self.process, name)
                    event = PluginChanged(
                        plugin=name, state=PluginState.STOPPED.value, reason=N_("Its file was removed.")
                    )
                    await self._bus.publish(tx, event, Audience.admins())
            for name in gone:
                self.faults.forget(name)
                self.registry.forget(name)

    async def retry(self, plugin: str, actor: str | None) -> PluginInfo:
        """Forget what was learnt about a plugin and try it again. Raises UnknownPlugin."""
        # Whoever edits a file may press the button while the file is taken in.
        async with self._follower.switching:
            info = self._known(plugin)
            async with self._db.begin() as tx:
                await plugin_rows.clear_suspension(tx, self._clock, plugin, actor)
            if not info.state.running:
                if (found := self._found.get(plugin)) is not None:
                    self._stages.forget(found)
                self.watchdog.forgive(plugin)
                await self._again([plugin])
            else:
                await self._put(info)
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

    async def _examine(self, only: Collection[str] | None = None) -> Sequence[Standing]:
        """Everything up to declarations, in threads, so that the loop stays free."""
        folder = self._settings.data_dir / "plugins"
        discovery = await in_thread(lambda: discover(folder=folder), name="plugin-discovery")
        async with self._db.read() as tx:
            rows = await plugin_rows.load(tx)
        culprit = self._mark.culprit()
        if culprit is not None:
            name, stamp, blocking = culprit
            reason = (
                N_("It held up the whole portal until that was ended. Update it, or retry.")
                if blocking
                else N_("It ended the process while it was being started. Update it, or retry.")
            )
            async with self._db.begin() as tx:
                await plugin_rows.suspend(tx, self._clock, name, stamp, reason)
                rows = await plugin_rows.load(tx)
        self._found |= {found.name: found for found in discovery.found}
        self._choice = choice = replace(self._choice, rows=rows)
        return await in_thread(
            lambda: self._stages.run(discovery, choice, self._mark, only), name="plugin-stages"
        )

    async def _judge(self, standing: Standing, after: float = 0.0) -> PluginInfo:
        """Activate it where nothing stands against it; → where it stands then."""
        info = plain_info(standing, self._clock.now())
        declared = standing.declared
        if declared is None:
            return info
        state, reason = await self._activate(declared, after)
        if state is PluginState.ACTIVE:
            info = replace(info, **declared_facts(declared))
        return replace(info, state=state, reason=reason)

    async def _activate(self, declared: Declarations, after: float) -> tuple[PluginState, str]:
        name = declared.plugin
        if problems := collisions(declared, self.registry.active(), core_metadata().tables):
            self.hooks.unregister(name)
            return PluginState.INVALID, " ".join(problems)
        for item in declared.contributions:
            if isinstance(item, TableSet):
                try:
                    await contained(upgrade_plugin(self._db, name, item))
                except DatabaseAway:
                    # Not the plugin's fault: whoever starts it starts it again.
                    self.hooks.unregister(name)
                    raise
                except Exception as error:
                    _log.error("migration failed", plugin=name, exc_info=error)
                    self.faults.note(name, N_("migration"), error.__cause__ or error)
                    self.hooks.unregister(name)
                    return PluginState.NEEDS_MIGRATION, (
                        N_(
                            "Its tables could not be brought up to date ({kind}). See the log, then retry."
                        ).format(kind=type(error).__name__)
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

    async def _again(self, plugins: Iterable[str]) -> set[str]:
        """Start these plugins anew; → those that are installed."""
        wanted, there = frozenset(plugins), set()
        for standing in await self._examine(wanted):
            there.add(standing.name)
            self.faults.forget(standing.name)
            await self._put(await self._judge(standing))
        self._mark.clear()
        for plugin in sorted(wanted):
            if (declared := self.registry.declarations(plugin)) is not None:
                self._tell(plugin, declared)
                self._tasks.spawn(self._startup([plugin]), f"plugin host: on_startup {plugin}")
        return there

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

    async def _put(self, *infos: PluginInfo) -> None:
        """Note where these plugins stand, for people and for other processes."""
        async with self._db.read() as tx:
            rows = await plugin_rows.load(tx)
        noted: list[tuple[PluginInfo, bool]] = []
        for info in infos:
            row = rows.get(info.name, plugin_rows.PluginRow())
            info = replace(info, row_version=row.version)
            if self.safe_mode:
                # What comes after safe mode is decided now as ever.
                info = replace(info, enabled=row.enabled)
            before = self.registry.plugin(info.name)
            if before is not None and before.state is info.state and before.reason == info.reason:
                info = replace(info, since=before.since)
            self.registry.put(info)
            if not info.state.running and info.state is not PluginState.DISABLED:
                _log.warning(
                    "plugin is not active", plugin=info.name, state=info.state.value, reason=info.reason
                )
            noted.append((info, before is not None))
        async with self._db.begin() as tx:
            for info, known in noted:
                await self._store(tx, info)
                if known:
                    event = PluginChanged(plugin=info.name, state=info.state.value, reason=info.reason)
                    await self._bus.publish(tx, event, Audience.admins())

    async def _store(self, tx: Tx, info: PluginInfo) -> None:
        """Write where a plugin stands; of one that runs, what it did wrong last."""
        newest = next(iter(self.faults.of(info.name)), None) if info.state.running else None
        await put_plugin_state(
            tx,
            self.process,
            info.name,
            {
                "state": info.state.value,
                "reason": newest.sentence() if newest is not None else info.reason,
                "trace": newest.trace if newest is not None else info.trace,
                "since_at": info.since,
                "seen_at": self._clock.now(),
            },
        )

    async def _write_faults(self) -> None:
        """Until cancelled: other processes, and the command line, learn of mistakes from the rows."""
        while True:
            await asyncio.sleep(TOLD_EVERY)
            names, self._faulty = self._faulty, set()
            infos = [info for name in names if (info := self.registry.plugin(name)) is not None]
            if not infos:
                continue
            try:
                async with self._db.begin() as tx:
                    for info in infos:
                        await self._store(tx, info)
            except DatabaseAway:
                self._faulty |= names

    async def elsewhere(self, plugin: str | None = None) -> Sequence[Elsewhere]:
        """What other processes tell of running plugins, or of this one, the newest first."""
        async with self._db.read() as tx:
            rows = await plugin_reasons(tx, self.process, plugin)
        return [
            Elsewhere(
                row["process"],
                row["plugin"],
                Fault("", row["reason"], row["seen_at"], row["seen_at"], row["trace"]),
            )
            for row in rows
            if PluginState(row["state"]).running
        ]

    async def _count_tasks(self) -> None:
        while True:
            await asyncio.sleep(COUNT_EVERY)
            for plugin, count in tasks_of(self.owners).items():
                if count >= MANY:
                    text = N_("It has more than {count} tasks running and starts others without end.")
                    self.faults.note(plugin, N_("tasks"), text.format(count=MANY))

    def _known(self, plugin: str) -> PluginInfo:
        if (info := self.registry.plugin(plugin)) is None:
            raise UnknownPlugin(N_("No plugin called {plugin} is installed.").format(plugin=plugin))
        return info

    def _failed(self) -> list[PluginInfo]:
        quiet = {PluginState.DISABLED, PluginState.ACTIVE, PluginState.NEEDS_SETTINGS}
        return [info for info in self.registry.plugins() if info.state not in quiet]

    def _tell(self, plugin: str, declared: Declarations | None) -> None:
        for observer in self._observers:
            observer(plugin, declared)


async def _ignore(awaitable: Any) -> None:
    await awaitable
