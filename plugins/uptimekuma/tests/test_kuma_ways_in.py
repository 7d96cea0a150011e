"""Three ways into Uptime Kuma, in the shapes of each generation."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyotp
import pytest
from pydantic import ValidationError

from medianest_core.sdk import AuthFailed, NotFound, NotReady, RateLimited
from medianest_uptimekuma import sign_in
from medianest_uptimekuma.settings import KumaSettings
from medianest_uptimekuma.simulation.limiter import Limiter

from .kuma_kit import SIGN_IN, kuma, plugged

GENERATIONS = ["1.23", "2.0", "2"]
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.mark.parametrize("profile", GENERATIONS)
async def test_each_way_in_is_tried(tmp_path: Path, profile: str) -> None:
    async with kuma(tmp_path, profile) as (simulator, url):
        key = simulator.world.add_key("portal").clear
        async with plugged(simulator, url, **SIGN_IN, api_key=key, status_page="Home") as portal:
            result = await portal.check()
    assert result.version == simulator.world.profile.version
    assert result.details == {
        "Status page": "Monitors: 8",
        # What is paused does not appear among the metrics.
        "API key": "Monitors: 8",
        "Sign-in": "Monitors: 9",
    }
    assert result.message == "Uptime Kuma answers. Monitors: 9, down: 0."
    assert result.warnings == ()


@pytest.mark.parametrize("profile", GENERATIONS)
async def test_what_a_sign_in_tells(tmp_path: Path, profile: str) -> None:
    async with kuma(tmp_path, profile) as (simulator, url), plugged(simulator, url) as portal:
        await simulator.pulse.trouble(portal.monitor("Plex"), "Request failed with status code 502")
        snapshot = await portal.status.snapshot()
        items = {item.name: item for item in snapshot.items}
        assert set(items) == {
            "Plex",
            "Seerr",
            "Radarr",
            "Sonarr",
            "Router",
            "DNS",
            "Website",
            "Photo backup",
            "Old NAS",
        }
        plex, nas, router = items["Plex"], items["Old NAS"], items["Router"]
        assert (plex.up, plex.message, plex.response_ms, plex.group, plex.key) == (
            False,
            "Request failed with status code 502",
            None,
            "Media",
            "2",
        )
        assert plex.url == "https://plex.home.example/"
        assert (nas.up, nas.message, nas.response_ms) == (None, "Paused", None)
        assert router.up is True and router.response_ms is not None and router.url is None
    assert snapshot.version == simulator.world.profile.version


@pytest.mark.parametrize("profile", GENERATIONS)
async def test_what_a_key_tells(tmp_path: Path, profile: str) -> None:
    async with kuma(tmp_path, profile) as (simulator, url):
        world = simulator.world
        world.add('Web "home"', url="https://u:secret@home.example:8443/path?key=secret", certificate_days=12)
        world.add("Back\\up\nnight", type="push", trouble="No heartbeat in the time window")
        for monitor in world.monitors.values():
            await simulator.pulse.beat(monitor)
        async with plugged(simulator, url, api_key=world.add_key("portal").clear) as portal:
            items = {item.name: item for item in (await portal.status.snapshot()).items}
            assert await portal.status.history(0) == []
            assert await portal.status.incidents() == []
    web, night = items['Web "home"'], items["Back\\up\nnight"]
    assert web.url == "https://home.example:8443/path"
    assert web.up is True and web.response_ms is not None
    assert web.certificate_ends_at == (time.time() // 86400 + 12) * 86400
    assert (night.up, night.response_ms, night.url) == (False, None, None)
    assert "Media" not in items
    assert items["Plex"].key == ("Plex" if profile == "1.23" else "2")


async def test_names_that_repeat_without_ids(tmp_path: Path) -> None:
    async with kuma(tmp_path, "1.23", monitors=0) as (simulator, url):
        for number in (1, 2):
            simulator.world.add("Web", url=f"https://{number}.example/")
        async with plugged(simulator, url, api_key=simulator.world.add_key("portal").clear) as portal:
            keys = [item.key for item in (await portal.status.snapshot()).items]
    assert keys == ["Web http https://1.example/", "Web http https://2.example/"]


@pytest.mark.parametrize("profile", GENERATIONS)
async def test_what_a_status_page_tells(tmp_path: Path, profile: str) -> None:
    async with (
        kuma(tmp_path, profile) as (simulator, url),
        plugged(simulator, url, status_page="Home") as portal,
    ):
        await simulator.pulse.trouble(portal.monitor("DNS"), "connect ECONNREFUSED")
        page = simulator.announcements.pages["home"]
        simulator.announcements.post(page, {"title": "Away", "content": "Back soon", "style": "warning"})
        snapshot = await portal.status.snapshot()
        items = {item.name: item for item in snapshot.items}
        assert (items["DNS"].up, items["DNS"].group) == (False, "Network")
        assert items["Plex"].certificate_ends_at is not None
        beats = await portal.status.history(time.time() - 1800)
        assert beats and [beat.at for beat in beats] == sorted(beat.at for beat in beats)
        assert {beat.name for beat in beats} == {item.key for item in snapshot.items}
        (incident,) = await portal.status.incidents()
        assert (incident.title, incident.message, incident.ended_at) == ("Away", "Back soon", None)
        assert incident.started_at == pytest.approx(time.time(), abs=60)
    assert snapshot.version is None


async def test_wrong_credentials_are_refused_without_showing_them(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url):
        simulator.world.add_key("portal")
        wrong: list[dict[str, Any]] = [
            {"api_key": "uk1_wrongwrong"},
            {"username": "admin", "password": "guessed word"},
            {"session_token": "eyJ.wrongwrong"},
        ]
        for values in wrong:
            async with plugged(simulator, url, **values) as portal:
                with pytest.raises(AuthFailed) as refused:
                    await portal.check()
            assert "wrongwrong" not in str(refused.value) and "guessed" not in str(refused.value)
        async with plugged(simulator, url, status_page="nowhere") as portal:
            with pytest.raises(NotFound):
                await portal.check()


async def test_the_limit_of_sign_ins_is_told_and_respected(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        simulator.world.logins = Limiter(0, lambda: 0.0)
        for _ in range(3):
            with pytest.raises(RateLimited) as refused:
                await portal.check()
        assert refused.value.retry_after == 60.0
        # The second and third were not even tried.
        assert len(simulator.ledger.facts("login")) == 1


@pytest.mark.parametrize("profile", ["1.23", "2"])
async def test_a_second_factor_by_its_key(tmp_path: Path, profile: str) -> None:
    async with kuma(tmp_path, profile, secret=SECRET) as (simulator, url):
        async with plugged(simulator, url) as portal:
            with pytest.raises(AuthFailed, match="second factor"):
                await portal.check()
        written = f"otpauth://totp/Uptime%20Kuma:admin?secret={SECRET}&issuer=Uptime%20Kuma"
        for given in (SECRET, "jbsw y3dp ehpk 3pxp jbsw y3dp ehpk 3pxp", written):
            sign_in._tokens.clear()
            # Two processes that sign in at once would send the same code, which counts only once.
            async with plugged(simulator, url, **SIGN_IN, second_factor=given) as portal:
                assert (await portal.check()).details == {"Sign-in": "Monitors: 9"}
        sign_in._tokens.clear()
        async with plugged(
            simulator, url, **SIGN_IN, second_factor="GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        ) as portal:
            with pytest.raises(AuthFailed, match="clocks"):
                await portal.check()


async def test_a_code_of_six_digits_opens_this_process(tmp_path: Path) -> None:
    async with kuma(tmp_path, secret=SECRET) as (simulator, url):
        values = {**SIGN_IN, "second_factor": pyotp.TOTP(SECRET).now()}
        for _ in range(2):
            # First the test of the settings, then the instance itself.
            async with plugged(simulator, url, **values) as portal:
                assert "good for this once" in (await portal.check()).warnings[0]
        assert [entry["by"] for entry in simulator.ledger.facts("login") if entry["ok"]] == [
            "password",
            "token",
        ]
        sign_in._tokens.clear()
        async with plugged(simulator, url, **values) as portal:
            with pytest.raises(AuthFailed, match="six digits"):
                await portal.check()


async def test_a_session_token_instead_of_a_password(tmp_path: Path) -> None:
    async with kuma(tmp_path, secret=SECRET) as (simulator, url):
        async with plugged(simulator, url, session_token=simulator.world.token()) as portal:
            assert (await portal.check()).version == "2.5.3"
        simulator.world.password = "another password"
        async with plugged(simulator, url, session_token="x") as portal:
            with pytest.raises(AuthFailed, match="session token"):
                await portal.check()


async def test_a_token_that_became_old_is_renewed_with_the_password(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url):
        async with plugged(simulator, url) as portal:
            await portal.check()
        simulator.world.password = "a better password"
        async with plugged(simulator, url, username="admin", password="a better password") as portal:
            await portal.check()
            portal.client.session._credentials.remember("eyJ.old")  # type: ignore[union-attr]  # it signs in
            await portal.client.close()
            await portal.check()
        assert [entry["ok"] for entry in simulator.ledger.facts("login")] == [True, True, False, True]


async def test_without_any_sign_in(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url):
        simulator.world.auth_disabled = True
        async with plugged(simulator, url) as portal:
            assert (await portal.check()).details == {"Sign-in": "Monitors: 9"}
        assert simulator.ledger.facts("login") == []


async def test_nobody_there(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url):
        pass
    for way in ({"api_key": "uk1_x"}, SIGN_IN, {"status_page": "home"}):
        async with plugged(simulator, url, **way) as portal:
            with pytest.raises(NotReady):
                await portal.check()


def test_at_least_one_way_in() -> None:
    def settings(**values: Any) -> KumaSettings:
        return KumaSettings.model_validate({"url": "http://kuma.example", **values})

    with pytest.raises(ValidationError, match="Enter a user name and password"):
        settings()
    with pytest.raises(ValidationError, match="belong together"):
        settings(username="admin", api_key="uk1_x")
    with pytest.raises(ValidationError, match="neither a secret key"):
        settings(**SIGN_IN, second_factor="12345")
    assert not settings(api_key="uk1_x").signs_in
    assert settings(session_token="x").signs_in
