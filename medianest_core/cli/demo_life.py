"""A household for the demo: people who ask for things, and what became of it.

Everything is done as people and services would do it: they sign in, ask, approve and complain through the portal's domains, and the
simulators are told what happens to a title. Nothing is written past them, and what a demo of few simulators lacks is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from medianest_core.base.logging import get_logger
from medianest_core.domain.accounts.models import Status
from medianest_core.domain.accounts.signin import Browser
from medianest_core.domain.requests.entries import Profile, Request
from medianest_core.domain.requests.issues import Complaint
from medianest_core.domain.requests.states import State
from medianest_core.domain.requests.wishes import Wish
from medianest_core.sdk.auth import AuthFlow
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.requests import RequestBackend
from medianest_core.sdk.routes import Viewer
from medianest_core.testing.world.titles import MOVIE, SHOW, Title, elsewhere, household

if TYPE_CHECKING:
    from medianest_core.web.gate.services import Services

_log = get_logger(__name__)
PATIENCE = 30.0
"""Seconds to wait for one thing to happen; what takes longer goes on while the demo is looked at."""
_LATELY = 2021
"""Newer films may be on their way at the simulators already."""


class Life:
    """simulators: their control addresses and facts. homes: id of each instance → address of its simulator."""

    def __init__(
        self,
        services: Services,
        admin: Viewer,
        simulators: Sequence[tuple[str, Mapping[str, Any]]],
        homes: Mapping[str, str],
    ) -> None:
        self._services = services
        self._requests = services.requests
        self._admin = admin
        self._simulators = simulators
        self._homes = homes
        self._films = iter([one for one in elsewhere(MOVIE)[:-8] if one.year < _LATELY])
        self._shows = iter([one for one in elsewhere(SHOW)[:-4] if one.seasons > 1])

    async def begin(self) -> None:
        """Let it all happen. What does not work is logged, and the rest happens nevertheless."""
        people = await self._people() or [self._admin]
        for part in (self._download, self._complain, self._ask):
            try:
                await part(people)
            except (MediaNestError, TimeoutError, OSError, StopIteration) as error:
                _log.info("a part of the demo's life was left out", part=part.__name__, reason=str(error))

    async def _people(self) -> list[Viewer]:
        """Those whom a simulated sign-in service knows: the demo's own person and somebody else."""
        found = []
        for address, facts in self._simulators:
            first = facts.get("plex_username")
            if not first:
                continue
            others = [name for name in facts["users"] if name not in (first, facts.get("owner"))]
            for name in [first, *others[:1]]:
                with contextlib.suppress(MediaNestError, TimeoutError, OSError):
                    found.append(await self._sign_in(address, name))
        return found

    async def _sign_in(self, address: str, name: str) -> Viewer:
        accounts, browser = self._services.accounts, Browser("demo", "127.0.0.1")
        methods = [one for one in await accounts.sign_in.methods() if one.flow is AuthFlow.CODE and one.ready]
        if not methods:
            raise TimeoutError("nobody can sign in by code")
        attempt, cookie = await accounts.sign_in.begin(methods[0].key, return_url="/")
        await _tell(f"{address}/_sim/approve", {"code": attempt.code, "user": name})

        async def known() -> Any:
            await accounts.sign_in.poll(cookie, browser)
            listed = (await accounts.users.list(text=name)).users
            return next((one for one in listed if one.username == name), None)

        user = await _until(known)
        if user.status is not Status.ACTIVE:
            user = await accounts.users.set_status(user.id, Status.ACTIVE, None, self._admin.id)
        return Viewer(user.id, user.username, user.role, frozenset())

    async def _download(self, people: Sequence[Viewer]) -> None:
        """Some videos for an evening."""
        for _, facts in self._simulators:
            if url := facts.get("tonight_playlist_url"):
                await self._services.downloads.submit(people[0], str(url))

    async def _complain(self, people: Sequence[Viewer]) -> None:
        """Something is wrong with a film of the library."""
        film = household(MOVIE)[2]
        complaint = Complaint(
            MOVIE, film.ids, film.title, "subtitles", "They come two seconds too late.", film.year
        )
        await self._requests.report(people[-1], complaint)

    async def _ask(self, people: Sequence[Viewer]) -> None:
        """Requests in every state that lasts, and one that is just being sent."""
        casey, other = people[0], people[-1]
        await self._wish(casey, next(self._films), comment="For Friday, if that is possible.")
        talk = await self._wish(other, next(self._shows), seasons=(1,))
        await self._requests.comment(self._admin, talk.id, "Only the first season, or all of them?")
        await self._requests.comment(other, talk.id, "The first is enough to see whether we like it.")
        declined = await self._wish(other, next(self._films))
        await self._requests.decline(self._admin, declined.id, "It comes to the library next week anyway.")
        cancelled = await self._wish(casey, next(self._films))
        await self._requests.cancel(casey, cancelled.id, "I have seen it meanwhile.")
        await asyncio.gather(
            self._sent(casey, next(self._films), None),
            self._sent(casey, next(self._films), "arrives", State.AVAILABLE),
            self._sent(casey, next(self._films), "fails", State.FAILED),
            self._sent(casey, next(self._shows), "begins", State.PARTIALLY_AVAILABLE),
            self._waits(casey, next(self._films)),
        )
        await self._being_sent(casey, next(self._films))

    async def _wish(self, viewer: Viewer, title: Title, **more: Any) -> Request:
        kind = SHOW if title.seasons else MOVIE
        wish = Wish(kind, dict(title.ids), title.title, title.year, **more)
        made = (await self._requests.submit(viewer, wish)).request
        if made is None:
            raise TimeoutError(f"{title.title} is there already")
        return made

    def _takers(self, kind: str) -> list[str]:
        """Instances that take such requests; one that takes more kinds first."""
        ready = self._services.host.instances.ready(RequestBackend)  # type: ignore[type-abstract]  # a key, not made
        able = [one for one in ready if kind in one.api.kinds()]
        return [one.instance.id for one in sorted(able, key=lambda one: -len(one.api.kinds()))]

    async def _sent(
        self, viewer: Viewer, title: Title, fate: str | None, state: State = State.PROCESSING
    ) -> None:
        """Approved and handed on; then what the simulators make of it."""
        kind = SHOW if title.seasons else MOVIE
        takers = self._takers(kind)
        if not takers:
            return
        seasons = (1, 2) if title.seasons else ()
        made = await self._wish(viewer, title, seasons=seasons)
        taker = takers[0] if fate else takers[-1]
        await self._approve(made, taker)
        sent = await self._reaches(made, State.PROCESSING, State.PARTIALLY_AVAILABLE, State.AVAILABLE)
        if fate is None:
            return
        happens = {"kind": kind, "ids": title.ids, "title": title.title, "year": title.year, "fate": fate}
        for address, _ in self._simulators:
            # Those to whom it means nothing say so.
            with contextlib.suppress(OSError):
                await _tell(f"{address}/_sim/fate", happens)
        if fate == "arrives":
            await self._services.library.request_sync(force=True)
        await self._requests.refresh(taker, [sent.reference] if sent.reference else [])
        await self._reaches(made, state)

    async def _waits(self, viewer: Viewer, title: Title) -> None:
        """A second service of a kind that is switched off: what is to go there waits for it."""
        takers = self._takers(MOVIE)
        if not takers:
            return
        instances = self._services.host.instances
        first = instances.info(takers[-1])
        other = await instances.create(
            first.plugin,
            first.service,
            f"{first.name}-4k",
            f"{first.title} 4K",
            await _settings_of(self._homes[first.id], first.service),
            self._admin.id,
        )
        await instances.set_enabled(other.id, False, self._admin.id)
        profile = Profile("", "4K", kinds=(MOVIE,), variant="4k", instance_id=other.id, preferred=True)
        made = await self._requests.put_profile(profile, self._admin.id)
        asked = await self._wish(self._admin, title, variant="4k", profile_id=made.id, for_user=viewer.id)
        await self._approve(asked, other.id)
        await self._reaches(asked, State.HELD)

    async def _being_sent(self, viewer: Viewer, title: Title) -> None:
        """The service takes its time to answer; nobody sends it again until that is known."""
        takers = self._takers(MOVIE)
        if not takers:
            return
        made = await self._wish(viewer, title)
        await _tell(
            f"{self._homes[takers[0]]}/_sim/faults", [{"mode": "hang", "method": "POST", "times": 1}], "PUT"
        )
        await self._approve(made, takers[0])
        await self._reaches(made, State.SUBMITTING)

    async def _approve(self, one: Request, instance_id: str) -> None:
        found = await self._requests.get(self._admin, one.id)
        if found is not None and found.needs_decision:
            await self._requests.approve(self._admin, one.id, instance_id=instance_id)

    async def _reaches(self, one: Request, *states: State) -> Request:
        async def there() -> Request | None:
            found = await self._requests.get(self._admin, one.id)
            return found if found is not None and found.state in states else None

        found: Request = await _until(there)
        return found


async def _until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """The condition's first true value. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while not (value := await condition()):  # noqa: ASYNC110  # rows are the truth, and only the demo waits for them
            await asyncio.sleep(0.1)
    return value


async def _settings_of(address: str, service: str) -> Mapping[str, Any]:
    found = await asyncio.to_thread(_send, f"{address}/_sim/instances", None, "GET")
    return next(one["settings"] for one in found if one["service"] == service)


async def _tell(url: str, body: object, method: str = "POST") -> Any:
    """Raises OSError where the simulator refuses."""
    return await asyncio.to_thread(_send, url, body, method)


def _send(url: str, body: object, method: str) -> Any:
    data = None if body is None else json.dumps(body, default=dict).encode()
    request = HttpRequest(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310  # a simulator's own http address
    with urlopen(request, timeout=10) as reply:  # noqa: S310  # the same
        text = reply.read()
    return json.loads(text) if text else None
