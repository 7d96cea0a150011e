"""Testing a connection, the status, and every way in which a Plex server can misbehave."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import medianest_core.base.http as guarded
import medianest_plex.client as client
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import (
    AuthFailed,
    InvalidResponse,
    NotFound,
    NotReady,
    RateLimited,
    Secret,
    secret_fields,
)
from medianest_core.testing.faults import Rule
from medianest_core.testing.simulators import RunningSimulator
from medianest_plex import plugin, service
from medianest_plex.service import PLEX, check
from medianest_plex.settings import PlexSettings

from .plex_kit import Plugged, plug


async def test_a_good_connection_says_what_it_reached(owner_plex: Plugged) -> None:
    result = await check(owner_plex.settings, owner_plex.server)
    assert result.message == "Living Room, version 1.42, 3 libraries"
    assert result.version == "1.42.2.10156-f737b826c"
    assert result.warnings == ()
    assert result.details["Account"] == "owner"
    assert result.details["Libraries"] == "Movies, TV Shows, Videos"


async def test_a_token_of_the_server_alone_works_with_a_warning(plex: Plugged) -> None:
    result = await check(plex.settings, plex.server)
    assert result.message.startswith("Living Room")
    assert [warning.split(".")[0] for warning in result.warnings] == ["This is a token of the server alone"]


async def test_a_guests_token_works_with_a_warning(served: RunningSimulator, factory: HttpFactory) -> None:
    accounts = served.simulator.world.accounts  # type: ignore[attr-defined]  # the Plex simulator
    token = accounts.account_token(accounts.find("casey"), "device")
    guest = await plug(factory, served, token=token)
    result = await check(guest.settings, guest.server)
    assert [warning for warning in result.warnings if "does not own this server" in warning]


async def test_a_wrong_token(served: RunningSimulator, factory: HttpFactory) -> None:
    wrong = await plug(factory, served, token="S00canary")
    with pytest.raises(AuthFailed, match="refuses the token") as caught:
        await check(wrong.settings, wrong.server)
    assert "canary" not in str(caught.value)


async def test_plex_tv_away_is_a_warning_only(owner_plex: Plugged) -> None:
    await owner_plex.media.libraries()
    owner_plex.simulator.faults.set(Rule("500", "/api/"))
    result = await check(owner_plex.settings, owner_plex.server)
    assert [warning for warning in result.warnings if "does not work now" in warning]


async def test_a_slow_plex_tv_does_not_hold_up_the_check(
    owner_plex: Plugged, monkeypatch: pytest.MonkeyPatch
) -> None:
    await owner_plex.media.libraries()
    monkeypatch.setattr(service, "_ACCOUNT_SECONDS", 0.3)
    owner_plex.simulator.faults.set(Rule("hang", "/api/"))
    result = await check(owner_plex.settings, owner_plex.server)
    assert [warning for warning in result.warnings if "in time" in warning]
    owner_plex.simulator.faults.clear()
    monkeypatch.setattr(service, "_ACCOUNT_SECONDS", 60.0)
    assert (await check(owner_plex.settings, owner_plex.server)).warnings == ()


async def test_plex_tv_is_not_asked_at_every_check(owner_plex: Plugged) -> None:
    first = await check(owner_plex.settings, owner_plex.server)
    owner_plex.simulator.world.requests.clear()
    assert await check(owner_plex.settings, owner_plex.server) == first
    asked = [str(row["path"]) for row in owner_plex.simulator.world.requests]
    assert asked and not any(path.startswith("/api/") for path in asked)


async def test_something_else_at_the_address(served: RunningSimulator, factory: HttpFactory) -> None:
    other = await plug(factory, served, url=f"{served.url}/elsewhere")
    with pytest.raises(NotFound):
        await check(other.settings, other.server)


async def test_the_status_is_the_identity(plex: Plugged) -> None:
    snapshot = await plex.status.snapshot()
    assert snapshot.version == "1.42.2.10156-f737b826c"
    assert [(item.up, item.response_ms is not None) for item in snapshot.items] == [(True, True)]
    assert [row["token"] for row in plex.simulator.world.requests] == [None]


FAULTS: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"mode": "down"}, NotReady),
    ({"mode": "slow", "seconds": 60}, NotReady),
    ({"mode": "hang"}, NotReady),
    ({"mode": "drip", "seconds": 0.2}, NotReady),
    ({"mode": "401"}, AuthFailed),
    ({"mode": "429", "seconds": 9}, RateLimited),
    ({"mode": "500"}, NotReady),
    ({"mode": "garbage"}, InvalidResponse),
    ({"mode": "truncated"}, NotReady),
]


@pytest.mark.parametrize(("fault", "error"), FAULTS, ids=[str(fault["mode"]) for fault, _ in FAULTS])
async def test_every_fault_has_its_error(
    plex: Plugged, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any], error: type[Exception]
) -> None:
    library = await plex.library("Movies")
    # Only where no answer is to come in time: on a busy machine others may take longer than that.
    seconds = 0.6 if fault["mode"] in ("slow", "hang", "drip") else 60.0
    monkeypatch.setattr(guarded, "DEFAULT_TIMEOUT", seconds)
    monkeypatch.setattr(client, "LIST_TIMEOUT", seconds)
    plex.simulator.faults.set(Rule(**fault))
    token = plex.settings.token.reveal()
    for call in (
        plex.status.snapshot,
        plex.media.libraries,
        lambda: anext(plex.media.records(library)),
        lambda: plex.media.record("1001"),
        lambda: plex.media.collections(library.key),
        lambda: plex.media.locate(library.key, ["/x"]),
    ):
        with pytest.raises(error) as caught:
            await call()
        assert token not in str(caught.value)
    if error is RateLimited:
        assert isinstance(caught.value, RateLimited) and caught.value.retry_after == 9


async def test_a_fault_in_the_middle_is_never_a_short_list(
    plex: Plugged, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = plex.server.all_items
    monkeypatch.setattr(plex.server, "all_items", lambda *a, **k: listing(*a, **{**k, "size": 7}))
    library = await plex.library("Movies")
    got = 0
    with pytest.raises(NotReady):
        async for page in plex.media.records(library):
            got += len(page.records)
            plex.simulator.faults.set(Rule("500", "/library"))
    assert 0 < got < 45


async def test_the_identifier_is_remembered_while_the_server_is_away(plex: Plugged) -> None:
    link = await plex.media.deep_link("1")
    plex.simulator.faults.set(Rule("down"))
    assert await plex.media.deep_link("1") == link


async def test_an_account_token_is_exchanged_once(owner_plex: Plugged) -> None:
    await owner_plex.media.libraries()
    await owner_plex.media.libraries()
    paths = [str(row["path"]) for row in owner_plex.simulator.world.requests]
    assert paths.count("/api/v2/resources") == 1


def test_settings_hide_the_token_and_name_their_hosts() -> None:
    settings = PlexSettings.model_validate({"url": "http://nas.lan:32400", "token": "canary"})
    assert secret_fields(PlexSettings) == {"token"}
    assert "canary" not in repr(settings) and "canary" not in str(settings.model_dump(mode="json"))
    assert settings.token == Secret("canary")
    assert set(settings.hosts()) == {
        "nas.lan:32400",
        "plex.tv:443",
        "app.plex.tv:443",
        "clients.plex.tv:443",
        "metadata-static.plex.tv:443",
        "discover.provider.plex.tv:443",
    }
    with pytest.raises(ValidationError):
        PlexSettings.model_validate({"url": "nas", "token": "x"})


def test_the_device_stays_the_same() -> None:
    settings = PlexSettings.model_validate({"url": "http://nas.lan:32400", "token": "t"})
    assert settings.device_identifier("a") == settings.device_identifier("a")
    assert settings.device_identifier("a") != settings.device_identifier("b")
    fixed = settings.model_copy(update={"client_identifier": " mine "})
    assert fixed.device_identifier("a") == "mine"


def test_the_plugin_declares_everything_for_one_service() -> None:
    declared = [
        *plugin.register_auth_providers(),
        *plugin.register_media_sources(),
        *plugin.register_status_providers(),
        *plugin.register_webhook_receivers(),
    ]
    assert len(declared) == 4
    assert all(provider.service is PLEX for provider in declared)
    assert plugin.manifest.name == "plex"
