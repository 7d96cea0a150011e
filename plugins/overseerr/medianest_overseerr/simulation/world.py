"""Everything the routes of one simulated Seerr share: its people, rows, settings and the things that happen by themselves."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from medianest_core.testing.ledger import Ledger
from medianest_overseerr.simulation.options import Options
from medianest_overseerr.simulation.people import People, Person
from medianest_overseerr.simulation.records import IssueRow, Media, Request
from medianest_overseerr.simulation.titles import Titles, Work
from medianest_overseerr.simulation.webhooks import Webhooks

VERSIONS = {"seerr": "3.1.0", "overseerr": "1.34.0"}


@dataclass
class World:
    """One Seerr. `clock` gives epoch seconds, whole ones, as its database keeps them."""

    seed: int
    ledger: Ledger
    options: Options = field(default_factory=Options)
    base_url: str = ""

    def __post_init__(self) -> None:
        self.titles = Titles()
        self._tasks: set[asyncio.Task[None]] = set()
        self._fill()

    def _fill(self) -> None:
        self.clock: Callable[[], float] = lambda: float(int(time.time()))
        self.people = People()
        self.media: dict[int, Media] = {}
        self.requests: dict[int, Request] = {}
        self.issues: dict[int, IssueRow] = {}
        self.restart_required = False
        self.ids: Iterator[int] = count(1)
        self.webhooks = Webhooks(self)
        self._key = 0
        self._sessions: dict[str, int] = {}

    @property
    def api_key(self) -> str:
        """Derived from the seed, so that a stored key stays good when the simulator is started again."""
        return hashlib.sha256(f"seerr {self.seed} {self._key}".encode()).hexdigest()[:36]

    def rotate_key(self) -> None:
        """The admin made a new key; the old one is refused from now on."""
        self._key += 1

    @property
    def owner(self) -> Person:
        return self.people.everyone[0]

    def sign_in(self, person: Person) -> str:
        """A session's cookie."""
        token = hashlib.sha256(f"session {self.seed} {len(self._sessions)}".encode()).hexdigest()
        self._sessions[token] = person.id
        return token

    def session(self, token: str | None) -> Person | None:
        """Whose session it is."""
        return self.people.get(self._sessions.get(token or ""))

    def work(self, kind: str, tmdb: int) -> Work | None:
        """What TMDB knows of a title; None where it knows nothing or is down."""
        return None if self.options.tmdb_down else self.titles.get(kind, tmdb, invent=self.options.invent)

    def title(self, media: Media) -> Work:
        """The title of a row; its facts may be made up."""
        found = self.titles.get(media.kind, media.tmdb, invent=True)
        assert found is not None
        return found

    def find_media(self, kind: str, tmdb: int) -> Media | None:
        return next((m for m in self.media.values() if m.kind == kind and m.tmdb == tmdb), None)

    def media_of(self, work: Work) -> Media:
        """The row of a title, made where there is none."""
        found = self.find_media(work.kind, work.tmdb)
        if found is None:
            now = self.clock()
            found = Media(next(self.ids), work.kind, work.tmdb, work.tvdb, work.imdb, now, now)
            self.media[found.id] = found
        return found

    def requests_of(self, media: Media) -> list[Request]:
        return [request for request in self.requests.values() if request.media is media]

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a while, as a queue or a scan would."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            action()

        task = asyncio.create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reset(self) -> None:
        """As it was at the beginning, before anybody asked for anything."""
        await self.stop()
        self.options.update(Options().dump())
        self._fill()

    async def stop(self) -> None:
        """End what still waits to happen."""
        await self.webhooks.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
