"""Looks at everything a plugin declared before any of it takes effect.

`collect` asks the hooks and checks each answer by itself; `collisions` compares a plugin with those already active. All
problems are reported together, so that an author need not fix them one start at a time.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from medianest_core.host.answers import Misfit, checker
from medianest_core.host.contributions import check_contributions
from medianest_core.host.declarations import KINDS, Declarations, Kind
from medianest_core.host.errors import Invalid
from medianest_core.host.settings_models import settings_problems
from medianest_core.sdk.auth import AuthFlow, AuthProvider
from medianest_core.sdk.manifest import Manifest
from medianest_core.sdk.service import Provider, ServiceType
from medianest_core.sdk.storage import TableSet

_SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")


def collect(manifest: Manifest, module: ModuleType, ask: Callable[[str], Any]) -> Declarations:
    """Ask each `register_*` hook and validate the answers. ask: hook name → its answer, or None where there is no hook.

    Raises Invalid with all problems.
    """
    services: dict[str, ServiceType[Any, Any]] = {}
    providers: dict[Kind, list[type[Provider[Any, Any]]]] = {}
    problems = [
        f'Permission {permission.name}: its name must start with "{manifest.name}.".'
        for permission in manifest.permissions
        if not permission.name.startswith(f"{manifest.name}.")
    ]

    for item in _answers("register_services", ask, problems):
        if isinstance(item, ServiceType):
            _add_service(item, services, problems)
        else:
            problems.append(f"register_services: {item!r} is no ServiceType.")
    for hook, kind in KINDS.items():
        for item in _answers(hook, ask, problems):
            found = _provider_problems(item, kind)
            problems.extend(found)
            if found:
                continue
            _add_service(item.service, services, problems)
            if any(other.service.name == item.service.name for other in providers.get(kind, ())):
                problems.append(
                    f"{hook}: service {item.service.name} has two providers of the kind {kind.__name__}."
                )
            providers.setdefault(kind, []).append(item)
    items, contribution_problems = check_contributions(
        manifest, _answers("register_contributions", ask, problems), services
    )
    problems.extend(contribution_problems)
    if problems:
        raise Invalid(problems)
    return Declarations(
        manifest.name, manifest, module, services, {k: tuple(v) for k, v in providers.items()}, items
    )


def collisions(
    new: Declarations, active: Iterable[Declarations], core_tables: Iterable[str] = ()
) -> list[str]:
    """What in `new` is taken already by an active plugin or by the core. Names of routes, jobs and events cannot be: they
    carry the plugin's own."""
    taken = dict.fromkeys(core_tables, "the core")
    for other in active:
        for item in other.contributions:
            if isinstance(item, TableSet):
                taken |= dict.fromkeys(own_tables(item), other.plugin)
    return [
        f"Table {name} is taken by {taken[name]}."
        for item in new.contributions
        if isinstance(item, TableSet)
        for name in own_tables(item)
        if name in taken
    ]


def own_tables(item: TableSet) -> Sequence[str]:
    """Names of the tables a TableSet brings, without the stand-ins for core tables."""
    return [name for name, table in item.metadata.tables.items() if not table.info.get("core")]


def _answers(hook: str, ask: Callable[[str], Any], problems: list[str]) -> Sequence[Any]:
    try:
        answer = ask(hook)
    except Exception as error:
        problems.append(f"{hook} raised {type(error).__name__}: {error}")
        return ()
    if answer is None:
        return ()
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
        problems.append(f"{hook} must return a list.")
        return ()
    return list(answer)


def _add_service(
    service: ServiceType[Any, Any], services: dict[str, ServiceType[Any, Any]], problems: list[str]
) -> None:
    known = services.get(service.name)
    if known is service:
        return
    if known is not None:
        problems.append(f"Two service types are called {service.name}.")
        return
    if not isinstance(service.name, str) or not _SERVICE_NAME.fullmatch(service.name):
        problems.append(
            f"Service {service.name!r}: its name must be lower-case letters, digits and underscores."
        )
        return
    services[service.name] = service
    problems.extend(settings_problems(service.settings))
    for part in ("connect", "check", "close"):
        function = getattr(service, part)
        if function is not None and not inspect.iscoroutinefunction(function):
            problems.append(f'Service {service.name}: {part} must be "async def".')


def _constant_problems(item: Kind, kind: Kind) -> list[str]:
    """What is wrong with the values that stand in the class itself, such as `WebhookReceiver.max_bytes`."""
    problems = []
    for name, hint in get_type_hints(kind).items():
        value = inspect.getattr_static(item, name, None)
        # What every provider has is looked at elsewhere, and what is not there, or computed, cannot be looked at now.
        if name in Provider.__annotations__ or value is None or hasattr(value, "__get__"):
            continue
        check = checker(get_args(hint)[0] if get_origin(hint) is ClassVar else hint)
        try:
            if check is not None:
                check(value)
        except Misfit as misfit:
            problems.append(
                f"{item.__name__}.{name}{misfit.place} must be {misfit.expected}, not {misfit.got}."
            )
    return problems


def _provider_problems(item: object, kind: Kind) -> list[str]:
    if not (isinstance(item, type) and issubclass(item, kind)):
        return [f"{getattr(item, '__name__', repr(item))} is no {kind.__name__} class."]
    problems = []
    if inspect.isabstract(item):
        missing = ", ".join(sorted(item.__abstractmethods__))
        problems.append(f"{item.__name__} does not define {missing}.")
    if not isinstance(getattr(item, "service", None), ServiceType):
        problems.append(f'{item.__name__} does not say which service it belongs to: add "service = …".')
    for name, base in vars(kind).items():
        own = getattr(item, name, None)
        if name.startswith("_") or not inspect.isfunction(base) or not inspect.isfunction(own):
            continue
        if inspect.iscoroutinefunction(base) != inspect.iscoroutinefunction(own):
            colour = "async def" if inspect.iscoroutinefunction(base) else "def"
            problems.append(f'{item.__name__}.{name} has the wrong colour: {kind.__name__} has a "{colour}".')
    problems += _constant_problems(item, kind)
    if issubclass(item, AuthProvider):
        if not isinstance(getattr(item, "title", None), str):
            problems.append(f"{item.__name__} has no title.")
        flows = getattr(item, "flows", None)
        if not flows or not all(isinstance(flow, AuthFlow) for flow in flows):
            problems.append(f"{item.__name__} has no flows.")
    return problems
