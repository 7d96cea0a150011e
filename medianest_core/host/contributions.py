"""Validates contributions: names, prefixes, policies, handlers and schemas of each."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from medianest_core.sdk.calendar import CalendarSource
from medianest_core.sdk.commands import Command
from medianest_core.sdk.events import Event, Listener
from medianest_core.sdk.jobs import Isolation, Job
from medianest_core.sdk.manifest import Manifest
from medianest_core.sdk.permissions import Access, Policy
from medianest_core.sdk.pipeline import MediaType, PipelineStage, QuotaMeter
from medianest_core.sdk.portal import Action, Card, NavItem, Page, Slot
from medianest_core.sdk.routes import ApiRoute, Route
from medianest_core.sdk.service import ServiceType
from medianest_core.sdk.settings import secret_fields
from medianest_core.sdk.storage import TableSet

MOST = 1000
"""Contributions that one plugin may bring."""
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
_PATH = re.compile(
    r"(?:[A-Za-z0-9._~-]+|\{[a-z_]+(?::path)?\})(?:/(?:[A-Za-z0-9._~-]+|\{[a-z_]+(?::path)?\}))*/?|"
)
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_JOB = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
_EVENT = re.compile(r"[a-z][a-z0-9_]*[:.][a-z0-9_.:-]+")
_CORE_TABLES = {"users", "instances"}


class _Check:
    """Problems found so far in one plugin's contributions, and what has been seen of them."""

    def __init__(self, manifest: Manifest, services: Mapping[str, ServiceType[Any, Any]]) -> None:
        self.plugin = manifest.name
        self.permissions = {permission.name for permission in manifest.permissions}
        self.services = services
        self.problems: list[str] = []
        self._seen: set[tuple[str, ...]] = set()

    def wrong(self, what: str, problem: str) -> None:
        self.problems.append(f"{what}: {problem}")

    def once(self, what: str, *key: str) -> None:
        if key in self._seen:
            self.wrong(what, "there are two of it.")
        self._seen.add(key)

    def policy(self, what: str, policy: object) -> None:
        if not isinstance(policy, Policy):
            self.wrong(what, "it has no policy.")
        elif policy.access is Access.PUBLIC:
            self.wrong(what, "plugins may not be open to the public.")
        elif policy.permission is not None and policy.permission not in self.permissions:
            self.wrong(what, f"permission {policy.permission} is not in the manifest.")

    def handler(self, what: str, handler: object) -> None:
        if not _is_async(handler):
            self.wrong(what, 'its handler must be "async def".')

    def path(self, what: str, path: object) -> str:
        text = path.strip("/") if isinstance(path, str) else None
        if text is None or not _PATH.fullmatch(text) or ".." in text.split("/"):
            self.wrong(what, f"{path!r} is no path below the plugin's own.")
            return ""
        return text


def check_contributions(
    manifest: Manifest, items: Sequence[Any], services: Mapping[str, ServiceType[Any, Any]]
) -> tuple[tuple[Any, ...], list[str]]:
    """(contributions with their full names, problems)."""
    check = _Check(manifest, services)
    if len(items) > MOST:
        # Every page asks all of them: nobody writes so many by hand.
        return (), [f"register_contributions: there are {len(items)} of them; at most {MOST} are possible."]
    done: list[Any] = []
    for item in items:
        if isinstance(item, type) and issubclass(item, Event):
            _event(item, check)
            done.append(item)
        elif (one := _CHECKS.get(type(item))) is not None:
            done.append(one(item, check) or item)
        else:
            check.problems.append(f"register_contributions: {item!r} is no contribution.")
    return tuple(done), check.problems


def _event(item: type[Event], check: _Check) -> None:
    name = getattr(item, "name", None)
    what = f"Event {item.__name__}"
    if not isinstance(name, str) or not _EVENT.fullmatch(name) or not re.match(rf"{check.plugin}[:.]", name):
        check.wrong(what, f'its name must look like "{check.plugin}:something".')
        return
    check.once(what, "event", name)
    _schema(item, what, check)


def _job(item: Job[Any], check: _Check) -> Job[Any]:
    name = item.name if item.name.startswith(f"{check.plugin}.") else f"{check.plugin}.{item.name}"
    what = f"Job {name}"
    if not _JOB.fullmatch(name):
        check.wrong(what, "its name must be lower-case words with dots between.")
    check.once(what, "job", name)
    check.policy(what, item.policy)
    if not (isinstance(item.args, type) and issubclass(item.args, BaseModel)):
        check.wrong(what, "args must be a pydantic model.")
    else:
        _schema(item.args, what, check)
        if secret_fields(item.args):
            check.wrong(what, "args may not hold secrets.")
        if item.schedule and any(field.is_required() for field in item.args.model_fields.values()):
            check.wrong(what, "a scheduled job's args all need defaults.")
    if (
        item.schedule
        and (item.schedule.cron is None) == (item.schedule.every is None)
        and not item.schedule.at_start
    ):
        check.wrong(what, "its schedule needs either cron or every.")
    if item.isolation is Isolation.LOOP:
        check.handler(what, item.handler)
    elif _is_async(item.handler):
        check.wrong(what, 'a handler outside the loop must be a plain "def".')
    elif item.isolation is Isolation.PROCESS and "<" in getattr(item.handler, "__qualname__", "<"):
        check.wrong(what, "a handler in a child process must be a function of a module.")
    if item.limit is not None and item.limit < 1:
        check.wrong(what, "limit must be at least 1.")
    if item.deadline is not None and item.deadline <= 0:
        check.wrong(what, "deadline must be more than 0 seconds, or None for a job that may take for ever.")
    return dataclasses.replace(item, name=name)


def _page(item: Page, check: _Check) -> None:
    what = f"Page /{item.path.strip('/')}"
    check.once(what, "route", "GET", check.path(what, item.path))
    check.policy(what, item.policy)
    check.handler(what, item.handler)


def _route(item: Route, check: _Check) -> None:
    what = f"Route {item.method} /{item.path.strip('/')}"
    if item.method not in _METHODS:
        check.wrong(what, f"unknown method; one of {', '.join(sorted(_METHODS))}.")
    check.once(what, "route", item.method, check.path(what, item.path))
    check.policy(what, item.policy)
    check.handler(what, item.handler)


def _api_route(item: ApiRoute, check: _Check) -> None:
    what = f"API route {item.method} /{item.path.strip('/')}"
    if item.method not in _METHODS:
        check.wrong(what, f"unknown method; one of {', '.join(sorted(_METHODS))}.")
    check.once(what, "api", item.method, check.path(what, item.path))
    check.policy(what, item.policy)
    check.handler(what, item.handler)
    for part, model in (("returns", item.returns), ("body", item.body)):
        if model is None and part == "body":
            continue
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            check.wrong(what, f"{part} must be a pydantic model.")
        else:
            _schema(model, what, check)


def _nav(item: NavItem, check: _Check) -> None:
    what = f"Navigation entry {item.title!r}"
    if not item.path.startswith(f"/p/{check.plugin}/") and item.path != f"/p/{check.plugin}":
        check.wrong(what, f"its path must start with /p/{check.plugin}/.")
    check.once(what, "nav", item.path)
    check.policy(what, item.policy)


def _card(item: Card, check: _Check) -> None:
    what = f"Card {item.name}"
    _named(what, item.name, check)
    check.once(what, "card", item.name)
    check.policy(what, item.policy)
    check.handler(what, item.handler)


def _slot(item: Slot, check: _Check) -> None:
    what = f"Slot {item.place}/{item.name}"
    _named(what, item.name, check)
    check.once(what, "slot", item.place, item.name)
    check.policy(what, item.policy)
    check.handler(what, item.handler)


def _action(item: Action, check: _Check) -> None:
    what = f"Action {item.name}"
    _named(what, item.name, check)
    check.once(what, "action", item.service, item.name)
    check.handler(what, item.handler)
    if item.service not in check.services:
        check.wrong(what, f"the plugin has no service {item.service}.")


def _tables(item: TableSet, check: _Check) -> None:
    for name, table in item.metadata.tables.items():
        what = f"Table {name}"
        if table.info.get("core"):
            if name not in _CORE_TABLES:
                check.wrong(what, "this core table may not be referred to.")
            continue
        if not name.startswith(f"{check.plugin}_"):
            check.wrong(what, f'its name must start with "{check.plugin}_".')
        if name == f"{check.plugin}_versions":
            check.wrong(what, "the core keeps the plugin's versions under this name.")
        for key in table.foreign_keys:
            target = key.target_fullname.partition(".")[0]
            if target not in _CORE_TABLES and not target.startswith(f"{check.plugin}_"):
                check.wrong(what, f"it may not refer to {target}.")
    if isinstance(item.migrations, str):
        _package(item.migrations, check)
    else:
        _steps(item.migrations, check)
    check.once("Tables", "tables")


def _package(name: str, check: _Check) -> None:
    try:
        found = importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        found = False
    if not found:
        check.wrong("Tables", f"there is no package {name} with migrations.")


def _steps(steps: object, check: _Check) -> None:
    if not isinstance(steps, list | tuple) or not steps:
        check.wrong("Tables", "its migrations are neither the name of a package nor a list of functions.")
        return
    homes = {getattr(step, "__module__", None) for step in steps}
    for place, step in enumerate(steps, 1):
        name = getattr(step, "__name__", repr(step))
        # They are looked up by name, also in other processes.
        if not inspect.isfunction(step) or getattr(sys.modules.get(step.__module__), name, None) is not step:
            check.wrong("Tables", f"migration {place} ({name}) is no function at the top of a module.")
        elif inspect.iscoroutinefunction(step):
            check.wrong("Tables", f'migration {name} must be "def", not "async def".')
        elif steps.index(step) != place - 1:
            check.wrong("Tables", f"migration {name} is listed twice.")
    if len(homes) > 1:
        check.wrong("Tables", "its migrations must stand in one module.")


def _listener(item: Listener, check: _Check) -> None:
    name = getattr(item.handler, "__name__", repr(item.handler))
    what = f"Listener {name}"
    if not (isinstance(item.event, type) and issubclass(item.event, Event)):
        check.wrong(what, "it names no event class.")
    elif item.durable and item.event is Event:
        # Each of its jobs would end with events, and each of those become a job again.
        check.wrong(
            what, "a durable listener needs a certain event: of all events it would never see the end."
        )
    check.handler(what, item.handler)


def _command(item: Command, check: _Check) -> None:
    what = f"Command {item.name}"
    _named(what, item.name, check)
    check.once(what, "command", item.name)
    check.handler(what, item.handler)


def _media_type(item: MediaType, check: _Check) -> None:
    what = f"Media type {item.name}"
    _named(what, item.name, check)
    check.once(what, "media type", item.name)


def _quota_meter(item: QuotaMeter, check: _Check) -> None:
    what = f"Quota meter {item.name}"
    _named(what, item.name, check)
    check.once(what, "quota meter", item.name)
    check.handler(what, item.measure)


def _stage(item: PipelineStage, check: _Check) -> None:
    what = f"Pipeline stage {item.name}"
    _named(what, item.name, check)
    check.once(what, "stage", item.service, item.name)
    check.handler(what, item.look)
    for action in item.actions:
        _named(f"{what}, action {action.name}", action.name, check)
        check.handler(f"{what}, action {action.name}", action.handler)
    if item.service not in check.services:
        check.wrong(what, f"the plugin has no service {item.service}.")


def _calendar(item: CalendarSource, check: _Check) -> None:
    what = f"Calendar {item.name}"
    _named(what, item.name, check)
    check.once(what, "calendar", item.service, item.name)
    check.handler(what, item.look)
    if item.service not in check.services:
        check.wrong(what, f"the plugin has no service {item.service}.")


def _named(what: str, name: object, check: _Check) -> None:
    if not isinstance(name, str) or not _WORD.fullmatch(name):
        check.wrong(what, "its name must be lower-case letters, digits, dashes and underscores.")


def _schema(model: type[BaseModel], what: str, check: _Check) -> None:
    try:
        model.model_json_schema()
    except Exception as error:
        check.wrong(what, f"{model.__name__} has no JSON schema: {error}")


def _is_async(handler: object) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(type(handler).__call__)


_CHECKS: Mapping[type, Callable[[Any, _Check], Any]] = {
    Job: _job,
    Page: _page,
    Route: _route,
    ApiRoute: _api_route,
    NavItem: _nav,
    Card: _card,
    Slot: _slot,
    Action: _action,
    TableSet: _tables,
    Listener: _listener,
    Command: _command,
    MediaType: _media_type,
    QuotaMeter: _quota_meter,
    PipelineStage: _stage,
    CalendarSource: _calendar,
}
