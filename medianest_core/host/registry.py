"""What the plugins of this process bring, and where each plugin stands. Written only by `lifecycle`; read by everyone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from medianest_core.base.texts import N_
from medianest_core.host.declarations import KINDS, Declarations, Kind
from medianest_core.host.states import PluginState
from medianest_core.sdk.service import Provider, ServiceType

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plugin as the admin page and the command line show it.

    api: "MAJOR.MINOR", or "MAJOR" where only that is known. since: epoch seconds of the present state. providers: names of
    the kinds it brings. instances: how many are configured.
    """

    name: str
    title: str
    distribution: str
    version: str
    api: str
    state: PluginState
    reason: str
    since: float
    builtin: bool = False
    enabled: bool = True
    description: str = ""
    homepage: str = ""
    icon: str = "puzzle"
    trace: str = ""
    providers: Sequence[str] = ()
    services: Sequence[str] = ()
    contributions: Mapping[str, int] = field(default_factory=dict)
    instances: int = 0
    row_version: int = 0
    """Of the admin's choice, to be handed back with the next one."""


class Registry:
    """Declarations of the running plugins and the state of all."""

    def __init__(self, count_instances: Callable[[str], int] = lambda _: 0) -> None:
        self._infos: dict[str, PluginInfo] = {}
        self._active: dict[str, Declarations] = {}
        self._count = count_instances

    def plugins(self) -> list[PluginInfo]:
        """All known plugins by name; the core's own ones last."""
        return [
            self._live(info) for info in sorted(self._infos.values(), key=lambda one: (one.builtin, one.name))
        ]

    def plugin(self, name: str) -> PluginInfo | None:
        """One plugin, or None where nothing of that name is installed."""
        info = self._infos.get(name)
        return self._live(info) if info is not None else None

    def active(self) -> list[Declarations]:
        """Declarations in force."""
        return list(self._active.values())

    def declarations(self, plugin: str) -> Declarations | None:
        """Declarations of one running plugin."""
        return self._active.get(plugin)

    def providers(self, kind: Kind) -> list[tuple[str, type[Provider[Any, Any]]]]:
        """(plugin, class) of each provider of a kind."""
        return [
            (name, one) for name, declared in self._active.items() for one in declared.providers.get(kind, ())
        ]

    def contributions(self, kind: type[T]) -> list[tuple[str, T]]:
        """(plugin, item) of each contribution of a type. For events, whose contribution is the class, pass `type`."""
        return [
            (name, item)
            for name, declared in self._active.items()
            for item in declared.contributions
            if isinstance(item, kind)
        ]

    def service_types(self) -> list[tuple[str, ServiceType[Any, Any]]]:
        """(plugin, service type) of all that can be configured."""
        return [
            (name, service)
            for name, declared in self._active.items()
            for service in declared.services.values()
        ]

    def service_type(self, plugin: str, service: str) -> ServiceType[Any, Any] | None:
        """One service type, or None where no running plugin brings it."""
        declared = self._active.get(plugin)
        return declared.services.get(service) if declared else None

    def put(self, info: PluginInfo) -> None:
        """Note where a plugin stands."""
        self._infos[info.name] = info

    def forget(self, plugin: str) -> None:
        """Nothing of that name is installed any more."""
        self._infos.pop(plugin, None)

    def activate(self, declared: Declarations) -> None:
        """Put all declarations of a plugin into force at once."""
        self._active = {**self._active, declared.plugin: declared}

    def deactivate(self, plugin: str) -> None:
        """Take all of them back at once."""
        self._active = {name: one for name, one in self._active.items() if name != plugin}

    def _live(self, info: PluginInfo) -> PluginInfo:
        count = self._count(info.name)
        declared = self._active.get(info.name)
        if declared is None:
            return replace(info, instances=count)
        state, reason = info.state, info.reason
        if state.running and declared.services and not info.builtin:
            waiting = count == 0
            state = PluginState.NEEDS_SETTINGS if waiting else PluginState.ACTIVE
            names = " or ".join(service.title or service.name for service in declared.services.values())
            reason = (
                N_("No {names} has been set up yet. Add one under Services.").format(names=names)
                if waiting
                else info.reason
            )
        return replace(info, state=state, reason=reason, instances=count)


def kind_names(kinds: Iterable[Kind]) -> list[str]:
    """Names of provider kinds in the order of the hooks."""
    wanted = set(kinds)
    return [kind.__name__ for kind in KINDS.values() if kind in wanted]


def contribution_counts(declared: Declarations) -> dict[str, int]:
    """How many of each type a plugin contributes, e.g. {"Page": 1}."""
    counts: dict[str, int] = {}
    for item in declared.contributions:
        name = "Event" if isinstance(item, type) else type(item).__name__
        counts[name] = counts.get(name, 0) + 1
    return counts
