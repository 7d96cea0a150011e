"""The whole portal in this process, with the Plex plugin at a simulated server and the YouTube plugin at a simulated site."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette

from medianest_core.asgi import Portal
from medianest_core.base.settings import AppSettings
from medianest_core.domain.accounts.models import SignedIn, User
from medianest_core.domain.accounts.signin import Browser
from medianest_core.sdk.auth import Identity
from medianest_core.testing.server import running
from medianest_core.web.gate.services import Services
from medianest_plex.simulator import PlexSimulator

ORIGIN = "http://portal.test"
PASSWORD = "canary-admin-password-7Yq"  # planted here, looked for everywhere


@dataclass
class House:
    """A started portal. admin: its first account, with a password."""

    portal: Portal
    admin: User
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    sign_ins: int = 0

    @property
    def services(self) -> Services:
        return self.portal.runtime.services

    @property
    def app(self) -> Starlette:
        return cast(Starlette, self.portal._app)

    def client(self, cookie: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A browser that comes from our own pages."""
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, client=("9.9.9.9", 1)),
            base_url=ORIGIN,
            headers={"origin": ORIGIN, "accept": "text/html", **headers},
            cookies={"mn": cookie} if cookie else None,
        )
        self.clients.append(made)
        return made

    async def sign_in(self, name: str = "root", password: str = PASSWORD) -> SignedIn:
        # Each time from another address: so many people behind one would be stopped.
        self.sign_ins += 1
        place = f"9.9.{self.sign_ins // 250}.{self.sign_ins % 250}"
        return await self.services.accounts.sign_in.local(name, password, Browser("test", place))

    async def plex_person(self, name: str, *, token: Any = None, approve: bool = True) -> tuple[User, str]:
        """(account, session cookie) of somebody for whom Plex vouched."""
        accounts = self.services.accounts
        async with self.services.db.begin() as tx:
            proven = await accounts.identities.prove(
                tx, "plex", "", Identity(f"plex-{name}", name, token=token), approve=approve
            )
            made = await accounts.sessions.create(
                tx, proven.user.id, identity_id=proven.identity_id, remember=False
            )
        return proven.user, made.cookie


async def until(condition: Callable[[], Awaitable[Any]], within: float = 90.0) -> Any:
    """The condition's first true value."""
    async with asyncio.timeout(within):
        while not (value := await condition()):
            await asyncio.sleep(0.05)
    return value


@asynccontextmanager
async def serving(settings: AppSettings) -> AsyncIterator[Portal]:
    """A portal from its start to its end, also one that shows no more than how to recover."""
    portal = Portal(settings)
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    await inbox.put({"type": "lifespan.startup"})
    life = asyncio.create_task(portal({"type": "lifespan"}, inbox.get, outbox.put))
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    await portal.up.wait()
    try:
        yield portal
    finally:
        await inbox.put({"type": "lifespan.shutdown"})
        await life


@asynccontextmanager
async def opened(settings: AppSettings) -> AsyncIterator[House]:
    async with serving(settings) as portal:
        services = portal.runtime.services
        await services.portal_settings.change({"api_per_minute": 100_000}, None, None)
        house = House(portal, await services.accounts.setup.add_admin("root", PASSWORD))
        try:
            yield house
        finally:
            for client in house.clients:
                await client.aclose()


@pytest.fixture
async def plex(tmp_path: Path) -> AsyncIterator[PlexSimulator]:
    simulator = PlexSimulator(items=40, data_dir=tmp_path / "plex")
    async with running(simulator):
        yield simulator


VAULT = """
from medianest_core.sdk import Manifest, Secret, ServiceSettings, ServiceType, SettingsGroup, hookimpl

manifest = Manifest("vault", title="Vault", api="1.0")

class Lock(SettingsGroup):
    word: Secret

class Box(SettingsGroup):
    name: str
    key: Secret

class Settings(ServiceSettings):
    lock: Lock
    boxes: list[Box] = []

@hookimpl
def register_services():
    return [ServiceType("vault", Settings, "Vault")]
"""
"""A plugin with secrets in a group and in a list."""


@pytest.fixture
async def house(tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """The portal without any service."""
    monkeypatch.setattr("medianest_core.web.gate.limits.PER", 0.001)
    settings = AppSettings(data_dir=tmp_path / "portal", plugins_disabled=["hello"], _env_file=None)
    (settings.data_dir / "plugins").mkdir(parents=True)
    (settings.data_dir / "plugins" / "vault.py").write_text(VAULT)
    async with opened(settings) as started:
        yield started


@pytest.fixture
async def full_house(house: House, plex: PlexSimulator) -> House:
    """The portal with a Plex server whose library is filled."""
    services = house.services
    demo = plex.demo_instances()[0]
    await services.host.instances.create(
        "plex", demo.service, demo.name, demo.title, demo.settings, house.admin.id
    )

    async def filled() -> bool:
        return any(section.first_complete_at for section in await services.library.sections())

    await until(filled, 60)
    return house
