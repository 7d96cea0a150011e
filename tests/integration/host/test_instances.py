"""Instances of the thirty-line plugin: settings, secrets, states, health, and what the guard makes of failures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from medianest_core.bus.events import InstanceChanged, ServiceStatus
from medianest_core.host.errors import InvalidSettings, PluginFault, UnknownInstance, UnknownService
from medianest_core.host.forms import form_fields, parse_form
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.states import InstanceState, PluginState
from medianest_core.sdk.errors import AuthFailed, NotReady
from medianest_core.sdk.settings import MASK
from medianest_core.sdk.status import StatusProvider
from medianest_core.store.errors import Stale
from medianest_core.store.tables.plugins import instance_states, instances
from medianest_core.store.tables.system import audit
from medianest_core.testing.loopback import serving

from .conftest import House, Install, until

KEY = "pihole-secret-canary-4711"


class Pihole:
    """A server whose mood can be changed."""

    def __init__(self) -> None:
        self.mood: Callable[[], Response] | None = None
        self.calls = 0
        self.app = Starlette(routes=[Route("/api/summary", self.summary)])

    async def summary(self, request: Request) -> Response:
        self.calls += 1
        if self.mood is not None:
            return self.mood()
        if request.headers.get("x-key") != KEY:
            return JSONResponse({"error": "unauthorized"}, 401)
        return JSONResponse({"status": "enabled"})


@pytest.fixture
async def pihole() -> AsyncIterator[tuple[Pihole, str]]:
    server = Pihole()
    async with serving(server.app) as url:
        yield server, url


@pytest.fixture(autouse=True)
def thirty_lines(wheels: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(wheels("thirty_lines")))


async def created(host: Any, url: str, key: str = KEY) -> InstanceInfo:
    info: InstanceInfo = await host.instances.create(
        "pihole", "pihole", "", "My Pi-hole", {"url": url, "key": key}, None
    )
    return info


async def test_from_nothing_to_a_tile(house: House, pihole: tuple[Pihole, str]) -> None:
    _, url = pihole
    async with house.host() as host:
        plugin = host.registry.plugin("pihole")
        assert plugin is not None and plugin.state is PluginState.NEEDS_SETTINGS
        assert plugin.providers == ("StatusProvider",)
        model = host.registry.service_types()[[p for p, _ in host.registry.service_types()].index("pihole")][
            1
        ].settings
        assert [(field.name, field.kind, field.required) for field in form_fields(model)] == [
            ("url", "url", True),
            ("key", "secret", True),
        ]
        values = parse_form(model, {"url": url, "key": KEY})
        assert (await host.instances.test("pihole", "pihole", values)).message == "It answers."
        with pytest.raises(AuthFailed):
            await host.instances.test("pihole", "pihole", {**values, "key": "wrong"})
        assert host.instances.all() == []

        info = await created(host, url)
        await until(lambda: host.instances.info(info.id).ready)
        plugin = host.registry.plugin("pihole")
        assert plugin is not None and (plugin.state, plugin.instances) == (PluginState.ACTIVE, 1)
        (handle,) = host.instances.ready(StatusProvider)  # type: ignore[type-abstract]  # a key, not made
        (item,) = (await handle.api.snapshot()).items
        assert (item.name, item.up) == ("dns", True)
        assert (handle.instance.name, handle.instance.title) == ("my-pi-hole", "My Pi-hole")
        health = host.instances.health(info.id)
        assert health.breaker == "closed" and health.last_ok_at is not None

    async with house.host() as host:
        (again,) = host.instances.all()
        assert again.id == info.id
        await until(lambda: host.instances.info(info.id).ready)


async def test_secrets_are_sealed_and_never_shown(house: House, pihole: tuple[Pihole, str]) -> None:
    _, url = pihole
    async with house.host() as host:
        info = await created(host, url)
        assert host.instances.form_values(info.id) == {"url": f"{url}/", "key": MASK}
        with pytest.raises(InvalidSettings) as refused:
            await created(host, "not an address", "another-secret-canary")
        assert refused.value.errors == {"url": "Enter a complete address, such as http://192.168.1.20:5055."}
        with pytest.raises(InvalidSettings) as refused:
            await created(host, url, MASK)
        assert refused.value.errors == {"key": "Type the secret itself, not its mask."}
    files = b"".join(path.read_bytes() for path in house.data_dir.rglob("*") if path.is_file())
    assert KEY.encode() not in files


async def test_an_update_keeps_the_secret_and_refuses_a_stale_version(
    house: House, pihole: tuple[Pihole, str]
) -> None:
    _, url = pihole
    async with house.host() as host:
        info = await created(host, url)
        await host.instances.update(info.id, {"url": f"{url}/"}, 1, None, title="Renamed")
        await until(lambda: host.instances.info(info.id).ready)
        assert (host.instances.info(info.id).title, host.instances.info(info.id).version) == ("Renamed", 2)
        with pytest.raises(Stale) as stale:
            await host.instances.update(info.id, {"url": "http://elsewhere.example", "key": "x"}, 1, None)
        assert stale.value.current == {
            "title": "Renamed",
            "version": 2,
            "enabled": True,
            "settings": {"url": f"{url}/", "key": MASK},
        }
        assert (await host.instances.test("pihole", "pihole", {"url": url}, info.id)).message == "It answers."
        async with house.db.read() as tx:
            actions = [row["action"] for row in await tx.all(select(audit).order_by(audit.c.id))]
            details = [row["details"] for row in await tx.all(select(audit))]
        assert actions == ["instance.created", "instance.updated"]
        assert KEY not in str(details)


async def test_references_are_followed_and_stay_readable(
    house: House, pihole: tuple[Pihole, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, url = pihole
    (tmp_path / "key").write_text(KEY + "\n")
    monkeypatch.setenv("PIHOLE_KEY", KEY)
    async with house.host() as host:
        for reference in ("$env:PIHOLE_KEY", f"$file:{tmp_path / 'key'}"):
            info = await created(host, url, reference)
            await until(lambda info=info: host.instances.info(info.id).ready)  # type: ignore[misc]
            assert host.instances.form_values(info.id)["key"] == reference
        for wrong, message in {
            "$env:NOT_THERE_AT_ALL": "The environment variable NOT_THERE_AT_ALL is not set.",
            "$env:MEDIANEST_DATABASE_URL": "Variables of MediaNest itself cannot be used here.",
            f"$file:{house.data_dir / 'keys.json'}": "Files in MediaNest's own data folder cannot be used here.",
        }.items():
            with pytest.raises(InvalidSettings) as refused:
                await created(host, url, wrong)
            assert refused.value.errors == {"key": message}


async def test_it_goes_down_and_comes_back_by_itself(house: House, pihole: tuple[Pihole, str]) -> None:
    server, url = pihole
    async with house.host(poll=0.3) as host:
        seen: list[tuple[bool, str]] = []
        states: list[str] = []

        async def note(event: ServiceStatus) -> None:
            seen.append((event.up, event.state))

        async def note_state(event: InstanceChanged) -> None:
            states.append(event.state)

        house.bus.subscribe(ServiceStatus, note)
        house.bus.subscribe(InstanceChanged, note_state)
        info = await created(host, url)
        await until(lambda: host.instances.info(info.id).ready)
        server.mood = lambda: JSONResponse({}, 503)
        await until(lambda: host.instances.info(info.id).state is InstanceState.RETRYING)
        down = host.instances.info(info.id)
        assert "503" in down.reason and down.next_at is not None
        with pytest.raises(NotReady, match="My Pi-hole is not available"):
            host.instances.get(StatusProvider, info.id)  # type: ignore[type-abstract]  # a key, not made
        assert host.instances.ready(StatusProvider) == []  # type: ignore[type-abstract]  # a key, not made
        assert len(host.instances.any(StatusProvider)) == 1  # type: ignore[type-abstract]  # a key, not made
        server.mood = None
        await until(lambda: len(seen) >= 3 and len(states) >= 5)
        assert seen == [(True, "ready"), (False, "retrying"), (True, "ready")]
        assert states == ["created", "setting_up", "ready", "retrying", "ready"]
        async with house.db.read() as tx:
            row = await tx.one(select(instance_states))
        assert row["state"] == "ready" and "503" in row["last_error"]


@pytest.mark.full
async def test_a_failing_call_makes_it_look_at_once(house: House, pihole: tuple[Pihole, str]) -> None:
    server, url = pihole
    async with house.host() as host:
        info = await created(host, url)
        await until(lambda: host.instances.info(info.id).ready)
        server.mood = lambda: Response(b"<html>not json", 200)
        handle = host.instances.get(StatusProvider, info.id)  # type: ignore[type-abstract]  # a key, not made
        with pytest.raises(Exception, match="not JSON"):
            await handle.api.snapshot()
        await until(lambda: host.instances.info(info.id).state is InstanceState.RETRYING)


async def test_a_refused_key_asks_for_the_admin(house: House, pihole: tuple[Pihole, str]) -> None:
    _, url = pihole
    async with house.host() as host:
        info = await created(host, url, "wrong-key-canary")
        await until(lambda: host.instances.info(info.id).state is InstanceState.NEEDS_REAUTH)
        assert "wrong-key" not in host.instances.info(info.id).reason
        await host.instances.update(info.id, {"url": url, "key": KEY}, 1, None)
        await until(lambda: host.instances.info(info.id).ready)


@pytest.mark.full
async def test_crashes_suspend_until_settings_change(house: House, pihole: tuple[Pihole, str]) -> None:
    server, url = pihole
    server.mood = lambda: JSONResponse([])
    async with house.host() as host:
        info = await created(host, url)
        await until(lambda: host.instances.info(info.id).state is InstanceState.SUSPENDED)
        assert "three times" in host.instances.info(info.id).reason
    async with house.host() as host:
        assert host.instances.info(info.id).state is InstanceState.SUSPENDED
        server.mood = None
        await host.instances.retry(info.id)
        await until(lambda: host.instances.info(info.id).ready)
    async with house.host() as host:
        await until(lambda: host.instances.info(info.id).ready)


async def test_an_unreadable_row_fails_and_is_left_alone(house: House, pihole: tuple[Pihole, str]) -> None:
    _, url = pihole
    async with house.host() as host:
        info = await created(host, url)
    damaged = {"url": url, "key": "mn1.k9.AAAA"}
    async with house.db.begin() as tx:
        await tx.execute(update(instances).values(settings_json=damaged))
    async with house.host() as host:
        await until(lambda: host.instances.info(info.id).state is InstanceState.FAILED)
        assert "key that is not here" in host.instances.info(info.id).reason
        async with house.db.read() as tx:
            assert (await tx.one(select(instances)))["settings_json"] == damaged
        with pytest.raises(InvalidSettings) as refused:
            await host.instances.update(info.id, {"url": url}, 1, None)
        assert refused.value.errors == {"key": "This is needed."}


async def test_off_on_and_removed(house: House, pihole: tuple[Pihole, str]) -> None:
    _, url = pihole
    async with house.host() as host:
        info = await created(host, url)
        off = await host.instances.set_enabled(info.id, False, None)
        assert (off.state, off.reason, off.version) == (InstanceState.CLOSED, "Switched off.", 2)
        assert host.instances.any(StatusProvider) == []  # type: ignore[type-abstract]  # a key, not made
        await host.instances.set_enabled(info.id, True, None)
        await until(lambda: host.instances.info(info.id).ready)
        await host.set_enabled("pihole", False, None)
        assert "is not running" in host.instances.info(info.id).reason
        await host.set_enabled("pihole", True, None)
        await until(lambda: host.instances.info(info.id).ready)
        await host.instances.remove(info.id, None)
        with pytest.raises(UnknownInstance):
            host.instances.info(info.id)
        with pytest.raises(UnknownService):
            await host.instances.create("pihole", "nothing", "", "", {}, None)
        async with house.db.read() as tx:
            assert await tx.all(select(instance_states)) == []


async def test_names_are_unique_in_the_plugin(house: House, pihole: tuple[Pihole, str]) -> None:
    _, url = pihole
    async with house.host() as host:
        first, second = await created(host, url), await created(host, url)
        assert (first.name, second.name) == ("my-pi-hole", "my-pi-hole-2")
        with pytest.raises(InvalidSettings) as refused:
            await host.instances.create("pihole", "pihole", "my-pi-hole", "", {"url": url, "key": KEY}, None)
        assert list(refused.value.errors) == ["name"]
        assert host.instances.count("pihole") == 2


CHECKED = """
from medianest_core.sdk import Manifest, ServiceSettings, ServiceType, hookimpl

class Settings(ServiceSettings):
    word: str = "hello"

async def check(settings, client):
    return {"message": "It works."}

manifest = Manifest("hasty", title="Hasty", api="1.0")

@hookimpl
def register_services():
    return [ServiceType("hasty", Settings, check=check)]
"""


async def test_a_check_that_answers_with_something_else_is_the_plugins_mistake(
    house: House, install: Install
) -> None:
    install("hasty", CHECKED)
    said = "in the answer of hasty, all of it must be CheckResult, not dict."
    async with house.host() as host:
        with pytest.raises(PluginFault, match=said):
            await host.instances.test("hasty", "hasty", {})
        info = await host.instances.create("hasty", "hasty", "", "Hasty", {}, None)
        await until(lambda: host.instances.info(info.id).state is InstanceState.RETRYING)
        assert said in host.instances.info(info.id).reason
        assert said in host.faults.of("hasty")[0].text
