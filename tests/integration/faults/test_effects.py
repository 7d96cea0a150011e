"""What somebody asked for happens once: whatever a service does while it is being asked, and whoever else is down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from medianest_core.domain.requests.entries import Profile, Request
from medianest_core.domain.requests.wishes import Wish
from medianest_core.host.states import InstanceState
from medianest_core.testing.faults import Mode, Rule
from medianest_core.testing.simulators import Simulator, load_simulator, running
from medianest_core.testing.world.titles import MOVIE, SHOW, Title, elsewhere
from tests.integration.faults.conftest import Hurry, Town, opened

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
EFFECT = {
    "seerr": ("request.created", "tmdb"),
    "radarr": ("movie.added", "tmdb"),
    "sonarr": ("series.added", "tvdb"),
}
"""What a service notes when it takes a request, and by which id."""
MODES: tuple[Mode, ...] = ("lost", "truncated", "500", "hang")
ON_ITS_WAY = ("processing", "partially_available", "available")


@dataclass
class Street:
    """A portal with two of each, and how far down the list of titles the tests are."""

    town: Town
    used: int = 0

    def title(self, kind: str) -> Title:
        self.used += 1
        return elsewhere(kind)[self.used % len(elsewhere(kind))]

    async def ask(self, name: str, kind: str, title: Title) -> str:
        """Ask this very instance for the title, and let it through; returns the request's id."""
        requests, admin = self.town.services.requests, self.town.admin
        profile = await requests.put_profile(
            Profile("", f"{name} {self.used}", instance_id=self.town.named[name]), admin.id
        )
        wish = Wish(kind, dict(title.ids), title.title, title.year, profile_id=profile.id)
        found = (await requests.submit(admin, wish)).request
        assert found is not None
        if found.needs_decision:
            await requests.approve(admin, found.id)
        return found.id

    async def state(self, request_id: str) -> Request:
        found = await self.town.services.requests.get(self.town.admin, request_id)
        assert found is not None
        return found

    async def until_on_its_way(self, request_id: str) -> None:
        async def there() -> bool:
            found = await self.state(request_id)
            assert found.state not in ("failed", "cancelled", "declined"), found.reason
            return found.state in ON_ITS_WAY

        await self.town.until(there, "the request is on its way")

    def effects(self, name: str, title: Title) -> int:
        kind, provider = EFFECT[name.partition("-")[0]]
        rows = self.town.simulators[name].ledger.facts(kind)
        return sum(str(one[provider]) == title.ids[provider] for one in rows)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(hurry: Hurry, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    folder = tmp_path_factory.mktemp("street")
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(opened(folder, hurry))
        for name in ("plex", "plex-other", "radarr", "radarr-other", "seerr", "sonarr"):
            home = folder / name
            home.mkdir()
            simulator = _simulator(name, home)
            await stack.enter_async_context(running(simulator))
            await made.add(name, simulator)
        await made.whole()
        await made.until(made.filled, "the library is filled")
        yield Street(made)


def _simulator(name: str, home: Path) -> Simulator:
    """The other one of two has other titles."""
    kind, _, other = name.partition("-")
    return load_simulator(kind)(items=60 if other else 30, seed=11 if other else 7, data_dir=home)


@pytest.mark.parametrize(
    "mode", [one if one == "lost" else pytest.param(one, marks=pytest.mark.full) for one in MODES]
)
@pytest.mark.parametrize("name", ["seerr", "radarr", "sonarr"])
async def test_asked_for_once(street: Street, name: str, mode: Mode) -> None:
    town, kind = street.town, SHOW if name == "sonarr" else MOVIE
    title = street.title(kind)
    if mode == "hang":
        town.hurry.seconds = 0.5
    simulator = town.simulators[name]
    simulator.faults.set(Rule(mode, method="POST"))
    request = await street.ask(name, kind, title)
    try:

        async def tried() -> bool:
            return (await street.state(request)).state not in ("pending", "approved")

        await town.until(tried, "it was tried")
        await town.page(f"/requests/{request}")
        assert (await street.state(request)).state not in ("failed", "cancelled", "declined")
    finally:
        await town.whole(name)
    await street.until_on_its_way(request)
    assert street.effects(name, title) == 1


@pytest.mark.full
async def test_two_side_by_side_and_one_of_each_down(street: Street) -> None:
    """What the others do goes on: the library, requests, the status page, which tells who is away."""
    town = street.town
    before = await town.held()
    for name in ("plex", "radarr"):
        town.simulators[name].faults.set(Rule("down"))
        await town.services.host.instances.retry(town.named[name])
    try:
        for name in ("plex", "radarr"):
            await town.reaches(name, InstanceState.RETRYING)
        title = street.title(MOVIE)
        request = await street.ask("radarr-other", MOVIE, title)
        await street.until_on_its_way(request)
        assert (street.effects("radarr-other", title), street.effects("radarr", title)) == (1, 0)

        waiting_for = street.title(MOVIE)
        waits = await street.ask("radarr", MOVIE, waiting_for)

        async def held() -> bool:
            return (await street.state(waits)).state == "held"

        await town.until(held, "a request to the one that is away waits")
        assert "radarr" in (await street.state(waits)).reason

        for path in ("/", "/library", "/requests", "/status", "/admin/services", f"/requests/{waits}"):
            await town.page(path)
        services = (await town.page("/admin/services")).text
        for name in town.named:
            assert f"The {name}" in services
        assert services.count("Not answering") == 2
        status = (await town.page("/status")).text
        assert "The radarr" in status and "The radarr-other" in status
        await town.synced()
        assert await town.held() == before
    finally:
        await town.whole("plex", "radarr")
    await street.until_on_its_way(waits)
    assert street.effects("radarr", waiting_for) == 1
