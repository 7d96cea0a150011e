"""What a plugin can put into the portal: pages, navigation, cards, slots and actions.

Templates live in the plugin's package under `templates/<plugin>/` and may use the portal's macros and documented classes.
No inline script or style: the content policy refuses them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from medianest_core.sdk.permissions import USER, Policy
from medianest_core.sdk.routes import Handler, Html, Request


@dataclass(frozen=True)
class Page:
    """Contribution: `/p/<plugin>/<path>`, a whole page inside the portal's frame."""

    path: str
    handler: Handler
    title: str
    policy: Policy = USER


@dataclass(frozen=True)
class NavItem:
    """Contribution: an entry of the navigation. path: of the portal, e.g. "/p/hello/". order: smaller comes first."""

    title: str
    path: str
    icon: str = "puzzle"
    order: int = 100
    policy: Policy = USER


@dataclass(frozen=True)
class Card:
    """Contribution: a tile of the home page.

    handler returns the tile's inside. refresh_on: names of events that make the tile load again. ttl: seconds that a rendered
    tile may be shown again to the same person.
    """

    name: str
    title: str
    handler: Callable[[Request], Awaitable[Html]]
    refresh_on: tuple[str, ...] = ()
    ttl: float = 30.0
    order: int = 100
    policy: Policy = USER


@dataclass(frozen=True)
class Slot:
    """Contribution: a fragment at a named place of a core page, e.g. "title.aside". Provisional."""

    place: str
    name: str
    handler: Callable[[Request], Awaitable[Html]]
    order: int = 100
    policy: Policy = USER


@dataclass(frozen=True)
class Action:
    """Contribution: something an admin can do to an instance, a button on its page. handler(provider client) → message.

    service: name of the service type.
    """

    name: str
    title: str
    service: str
    handler: Callable[[Any], Awaitable[str]]
    confirm: str = ""
    icon: str = "play"
