"""Routes that carry a policy, and the table of all of them. What has no policy does not start."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.base.texts import N_
from medianest_core.domain.accounts.access import Verdict, decide, scope_allows, scope_needed
from medianest_core.sdk.permissions import Policy
from medianest_core.web.gate.origin import SAFE
from medianest_core.web.gate.problems import Problem, Refused, route_path
from medianest_core.web.gate.viewer import key_of, viewer_of

Handler = Callable[[Request], Awaitable[Response]]


class NoPolicy(RuntimeError):
    """Something that can be reached says nothing about who may."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One line of the policy table. kind: "page", "api", "plugin", "live" or "mount". method: of HTTP, or "EVENT"."""

    kind: str
    method: str
    path: str
    policy: Policy


Listing = Callable[[], Iterable[Entry]]


@runtime_checkable
class Listed(Protocol):
    """A route or mounted application that lists what can be reached in it."""

    def entries(self) -> Iterable[Entry]: ...


def enforce(connection: HTTPConnection, policy: Policy, owner_id: str | None = None) -> None:
    """Raises Refused where the policy does not let this person in."""
    key = key_of(connection)
    if key is not None:
        needed = scope_needed(policy, reads=connection.scope.get("method") in SAFE)
        if not scope_allows(key.scopes, needed):
            raise Problem(403, N_('This key needs the scope "{scope}".').format(scope=needed), code="scope")
    verdict = decide(policy, viewer_of(connection), owner_id)
    if verdict is not Verdict.ALLOW:
        raise Refused(verdict)


class PolicyRoute(Route):
    """A route that asks its policy before anything of the request is read."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, policy: Policy, **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.policy = policy

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        enforce(HTTPConnection(scope), self.policy)
        services = getattr(getattr(scope.get("app"), "state", None), "services", None)
        if services is not None:
            # Before the handler reads anything: what happens from here on is replayed to the page it makes.
            scope["state"]["seq"] = services.bus.newest
        await super().handle(scope, receive, send)

    def entries(self) -> Iterable[Entry]:
        for method in sorted((self.methods or set()) - {"HEAD"}):
            yield Entry("page", method, self.path, self.policy)


class Dispatch(PolicyRoute):
    """A route behind which others are found at run time, e.g. those of plugins. The handler asks `enforce` for each.

    policy: the least that any of them asks for. listing: the entries of those that exist now.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        policy: Policy,
        listing: Listing,
        **options: Any,
    ) -> None:
        super().__init__(path, endpoint, policy=policy, **options)
        self._listing = listing

    def entries(self) -> Iterable[Entry]:
        return self._listing()


class PolicyMount(Mount):
    """A mounted application. Either all of it has one policy, or it lists its own entries and enforces them."""

    def __init__(
        self,
        path: str,
        app: ASGIApp,
        *,
        policy: Policy | None = None,
        listing: Listing | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(path, app, name=name)
        if (policy is None) == (listing is None):
            raise NoPolicy(f"{path}: give either a policy or a listing.")
        self.policy = policy
        self._listing = listing

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.policy is not None:
            enforce(HTTPConnection(scope), self.policy)
        await super().handle(scope, receive, send)

    def entries(self) -> Iterable[Entry]:
        if self._listing is not None:
            return self._listing()
        assert self.policy is not None
        return [Entry("mount", "GET", f"{self.path}/{{path:path}}", self.policy)]


class Later(BaseRoute):
    """Routes that the first request makes which nothing before them answers; they then stand in its place.

    Importing every page would take a seventh of the portal's start, for people of whom most open a few.
    """

    def __init__(self, make: Callable[[], Sequence[BaseRoute]], below: str = "") -> None:
        """make: imports and makes them, in a thread. below: what the paths of all of them begin with."""
        self._make = make
        self._below = below
        self._loading = asyncio.Lock()
        self._made: list[BaseRoute] | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        fits = scope["type"] == "http" and route_path(scope).startswith(self._below)
        return (Match.FULL if fits else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._loading:
            made = await asyncio.to_thread(self._routes)
        router: Router = scope["router"]
        if self in router.routes:
            place = router.routes.index(self)
            router.routes[place : place + 1] = made
        # As if they had been there from the first, methods that are not allowed and slashes too many included.
        await router(scope, receive, send)

    def entries(self) -> Iterable[Entry]:
        return policy_table(self._routes())

    def _routes(self) -> list[BaseRoute]:
        """Raises NoPolicy for one that has none."""
        if self._made is None:
            made = list(self._make())
            check_policies(made)
            self._made = made
        return self._made


def page(
    path: str,
    handler: Handler,
    *,
    methods: Sequence[str] = ("GET",),
    policy: Policy,
    name: str | None = None,
) -> PolicyRoute:
    """A page or fragment of the portal, or another address answered by an async function."""
    return PolicyRoute(path, handler, policy=policy, methods=list(methods), name=name)


def check_policies(routes: Iterable[BaseRoute]) -> None:
    """Raises NoPolicy for a route that has none. What is loaded later is checked then."""
    for route in routes:
        if not isinstance(route, PolicyRoute | PolicyMount | Later):
            raise NoPolicy(f"The route {getattr(route, 'path', route)!r} has no policy.")
        if isinstance(route, PolicyRoute) and not isinstance(route.policy, Policy):
            raise NoPolicy(f"The route {route.path!r} has no policy.")


def policy_table(routes: Iterable[BaseRoute]) -> list[Entry]:
    """Everything that can be reached, with its policy. Raises NoPolicy for a route that has none."""
    routes = list(routes)
    check_policies(routes)
    found = [
        entry
        for route in routes
        if isinstance(route, PolicyRoute | PolicyMount | Later)
        for entry in route.entries()
    ]
    for entry in found:
        if not isinstance(entry.policy, Policy):
            raise NoPolicy(f"{entry.method} {entry.path} has no policy.")
    return sorted(found, key=lambda entry: (entry.kind, entry.path, entry.method))
