"""Which rooms a person's sockets are in, and what they may ask for. The server chooses; a client never names a room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medianest_core.bus.events import to_owner
from medianest_core.sdk.events import Audience
from medianest_core.sdk.permissions import USER, Policy
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.routing import Entry


@dataclass(frozen=True, slots=True)
class ClientEvent:
    """Something a client may send. room: what it joins or leaves, by the name of an Audience constructor."""

    name: str
    policy: Policy = USER


CLIENT_EVENTS: Mapping[str, ClientEvent] = {
    event.name: event
    for event in (
        ClientEvent("connect"),
        ClientEvent("subscribe:status"),
        ClientEvent("unsubscribe:status"),
        ClientEvent("subscribe:downloads"),
        ClientEvent("unsubscribe:downloads"),
        ClientEvent("replay"),
    )
}


def entries() -> list[Entry]:
    """The client events as lines of the policy table."""
    return [Entry("live", "EVENT", event.name, event.policy) for event in CLIENT_EVENTS.values()]


def at_once(viewer: Viewer) -> list[str]:
    """Rooms that a socket is in from the start."""
    rooms = [Audience.user(viewer.id), Audience.everyone(), Audience.library()]
    rooms.append(Audience.admins() if viewer.is_admin else to_owner(viewer.id))
    return [audience.room for audience in rooms]


def on_request(viewer: Viewer, name: str) -> list[str]:
    """The rooms that "subscribe:<name>" stands for."""
    if name == "status":
        return [Audience.status().room, Audience.status(viewer.role).room]
    if name == "downloads":
        return [Audience.downloads(viewer.id).room]
    return []


def entitled(viewer: Viewer) -> list[str]:
    """All rooms whose events the person may receive, joined or not: what a replay looks at."""
    return [*at_once(viewer), *on_request(viewer, "status"), *on_request(viewer, "downloads")]
