"""Calls hooks. pluggy registers and checks them; here each implementation runs by itself, so that none fails or delays others."""

from __future__ import annotations

import asyncio
import difflib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pluggy
from pluggy import PluginValidationError

from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import bounded
from medianest_core.host.errors import Invalid
from medianest_core.host.faults import Noting
from medianest_core.sdk import hookspecs
from medianest_core.sdk.markers import PROJECT

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one plugin's implementation did. error: None where it returned."""

    plugin: str
    value: Any = None
    error: BaseException | None = None


class Hooks:
    """The hook implementations of the active plugins."""

    def __init__(self, *, trace: bool = False) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._trace = trace
        self.on_fault: Noting = lambda *_: None
        """Told of each implementation of an async hook that fails."""
        self._names = frozenset(
            name for name in vars(hookspecs) if self._manager.parse_hookspec_opts(hookspecs, name) is not None
        )

    @property
    def names(self) -> frozenset[str]:
        """Names of all hooks."""
        return self._names

    def register(self, name: str, module: ModuleType) -> None:
        """Take on a plugin's implementations. Raises Invalid, and then has taken none."""
        if problems := self._problems(module):
            raise Invalid(problems)
        try:
            self._manager.register(module, name)
            self._manager.check_pending()
        except (PluginValidationError, ValueError) as error:
            self.unregister(name)
            raise Invalid([f"Its hooks do not fit: {error}"]) from error

    def unregister(self, name: str) -> None:
        """Forget a plugin; an unknown one is no error."""
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)

    def implemented(self, plugin: str) -> list[str]:
        """Names of the hooks that a plugin has."""
        return sorted(name for name in self._names if self._implementation(plugin, name) is not None)

    def collect(self, plugin: str, hook: str) -> Any:
        """Call one plugin's `register_*` hook in this thread; None where it has none. Raises what it raises."""
        implementation = self._implementation(plugin, hook)
        if implementation is None:
            return None
        if self._trace:
            _log.info("hook called", hook=hook, plugin=plugin)
        return implementation.function()

    async def call(
        self, hook: str, arguments: Mapping[str, Mapping[str, Any]], *, deadline: float
    ) -> Sequence[Outcome]:
        """Call an async hook in the plugins named by `arguments` (plugin → keyword arguments), all at once.

        Each has `deadline` seconds. Never raises for what an implementation does.
        """
        found = [
            (plugin, implementation, values)
            for plugin, values in arguments.items()
            if (implementation := self._implementation(plugin, hook)) is not None
        ]
        found.sort(key=lambda one: (not one[1].tryfirst, one[1].trylast))
        return await asyncio.gather(*(self._one(hook, *one, deadline=deadline) for one in found))

    async def _one(
        self, hook: str, plugin: str, implementation: Any, values: Mapping[str, Any], *, deadline: float
    ) -> Outcome:
        if self._trace:
            _log.info("hook called", hook=hook, plugin=plugin)
        chosen = {name: values[name] for name in implementation.argnames}
        try:
            return Outcome(plugin, value=await bounded(implementation.function(**chosen), deadline))
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            _log.warning("hook failed", hook=hook, plugin=plugin, exc_info=error)
            self.on_fault(plugin, hook, error)
            return Outcome(plugin, error=error)

    def _implementation(self, plugin: str, hook: str) -> Any:
        caller = getattr(self._manager.hook, hook)
        return next((one for one in caller.get_hookimpls() if one.plugin_name == plugin), None)

    def _problems(self, module: ModuleType) -> list[str]:
        problems: list[str] = []
        for name, member in list(vars(module).items()):
            if not inspect.isroutine(member):
                continue
            options = self._manager.parse_hookimpl_opts(module, name)
            if options is None:
                problems.extend(self._unmarked(module, name, member))
                continue
            target = options.get("specname") or name
            if target not in self._names:
                problems.append(f"There is no hook {target}.{self._suggestion(target)}")
                continue
            if options.get("wrapper") or options.get("hookwrapper"):
                problems.append(f"{name}: hook wrappers are not possible here.")
            coroutine = inspect.iscoroutinefunction(member)
            if target.startswith("register_") and coroutine:
                problems.append(f'{name} must be a plain "def": it only declares.')
            if not target.startswith("register_") and not coroutine:
                problems.append(f'{name} must be "async def".')
        return problems

    def _unmarked(self, module: ModuleType, name: str, member: Any) -> list[str]:
        if getattr(member, "__module__", None) != module.__name__:
            return []
        if name in self._names:
            return [f"{name} is named like a hook but lacks @hookimpl."]
        if name.startswith("register_") and (hint := self._suggestion(name)):
            return [f"{name} is no hook and lacks @hookimpl.{hint}"]
        return []

    def _suggestion(self, name: str) -> str:
        close = difflib.get_close_matches(name, sorted(self._names), n=1, cutoff=0.75)
        return f" Did you mean {close[0]}?" if close else ""
