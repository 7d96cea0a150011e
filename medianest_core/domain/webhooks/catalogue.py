"""Which events can be sent to others, and what a message about one looks like."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from medianest_core.base.redact import mask_known
from medianest_core.bus import events
from medianest_core.bus.events import (
    JobChanged,
    MonitorChanged,
    SessionsEnded,
    StatusHint,
    UserNotification,
    WebhookChanged,
)
from medianest_core.sdk.events import Audience, Event

TEST = "webhook:test"
_WITHIN = (SessionsEnded, UserNotification, MonitorChanged, StatusHint, WebhookChanged)
"""Of sessions, of one person's inbox, or of no meaning outside."""
_OWN_JOBS = "webhooks."
_TO_ONE = ("user:", "owner:")


@dataclass(frozen=True, slots=True)
class EventKind:
    """name: as in `type` of a message. about: when it happens. fields: JSON schema of its `data`. plugin: whose it is; empty for the
    core's."""

    name: str
    about: str
    fields: Mapping[str, Any]
    plugin: str = ""


def core_events() -> Mapping[str, type[Event]]:
    """By name."""
    found = [
        one
        for one in vars(events).values()
        if inspect.isclass(one) and issubclass(one, Event) and one is not Event
    ]
    return {
        one.name: one
        for one in sorted(found, key=lambda one: one.name)
        if not (one.transient or one in _WITHIN)
    }


class Catalogue:
    """plugins: (plugin, event) of all that are active."""

    def __init__(self, plugins: Callable[[], Iterable[tuple[str, type[Event]]]] = lambda: ()) -> None:
        self._plugins = plugins

    def all(self) -> list[EventKind]:
        """The core's, then those of plugins, by name."""
        core = [_kind(one) for one in core_events().values()]
        others = [_kind(one, plugin) for plugin, one in self._plugins() if not one.transient]
        return core + sorted(others, key=lambda one: one.name)

    def names(self) -> frozenset[str]:
        return frozenset(one.name for one in self.all())


def _kind(event: type[Event], plugin: str = "") -> EventKind:
    schema = event.model_json_schema()
    fields: dict[str, Any] = {"type": "object"}
    fields |= {name: schema[name] for name in ("properties", "required") if name in schema}
    return EventKind(event.name, inspect.getdoc(event) or "", fields, plugin)


def goes_out(event: Event, to: Audience) -> bool:
    """Not the copies for single people of what admins are told too, nor what sending itself brings about."""
    if to.room.startswith(_TO_ONE):
        return False
    return not (isinstance(event, JobChanged) and event.job.startswith(_OWN_JOBS))


def body_of(name: str, at: float, data: Mapping[str, Any]) -> str:
    """The body of a message. at: epoch seconds; in the body as ISO 8601, as the standard wants it."""
    told = {
        "type": name,
        "timestamp": datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z"),
        "data": data,
    }
    return mask_known(orjson.dumps(told).decode())
