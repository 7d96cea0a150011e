"""Who may call the media server: only the holders of its own tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medianest_plex.simulation.accounts import Person
from medianest_plex.simulation.library import Item, Section
from medianest_plex.simulation.reply import html_error, parameter
from medianest_plex.simulation.world import World

Handler = Callable[[Request, Person], Awaitable[Response]]


class Missing(Exception):
    """What the path names is not there, or not for this person."""


def guarded(
    world: World, handler: Handler, *, owner: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """`handler` for signed-in people, or for the owner alone; 401, 403 and 404 are HTML."""

    async def checked(request: Request) -> Response:
        person = world.accounts.by_server_token(parameter(request, "X-Plex-Token"))
        if person is None:
            return html_error(401)
        if owner and person.role != "owner":
            return html_error(403)
        try:
            return await handler(request, person)
        except Missing:
            return html_error(404)

    return checked


def route(
    world: World, path: str, handler: Handler, methods: tuple[str, ...] = ("GET",), *, owner: bool = False
) -> Route:
    """A guarded route."""
    return Route(path, guarded(world, handler, owner=owner), methods=list(methods))


def find_section(world: World, request: Request, person: Person) -> Section:
    """The section the path names; Missing."""
    raw = str(request.path_params["section"])
    section = world.library.sections.get(int(raw)) if raw.isdecimal() else None
    if section is None or not person.may_see(section.key):
        raise Missing
    return section


def find_item(world: World, raw: str, person: Person) -> Item:
    """The item with this rating key; Missing."""
    item = world.library.items.get(int(raw)) if raw.isdecimal() else None
    if item is None or not person.may_see(item.section):
        raise Missing
    return item
