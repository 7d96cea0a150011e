"""The live connection: what changes is told at once, and a connection that is lost comes back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from medianest_core.sdk import AuthFailed, NotReady, Snapshot
from medianest_core.testing.simulators import running
from medianest_uptimekuma import session as sessions
from medianest_uptimekuma.simulator import KumaSimulator

from .kuma_kit import kuma, plugged

PATIENCE = 60.0


async def until(watched: AsyncIterator[Snapshot], name: str, up: bool | None) -> Snapshot:
    async with asyncio.timeout(PATIENCE):
        async for snapshot in watched:
            if any(item.name == name and item.up is up for item in snapshot.items):
                return snapshot
    raise AssertionError


@pytest.mark.parametrize("profile", ["1.23", "2"])
async def test_down_and_up_are_told_as_they_happen(tmp_path: Path, profile: str) -> None:
    async with kuma(tmp_path, profile) as (simulator, url), plugged(simulator, url) as portal:
        watched = portal.status.watch()
        first = await anext(watched)
        assert all(item.up is not False for item in first.items)
        plex = portal.monitor("Plex")
        await simulator.pulse.trouble(plex, "timeout of 48000ms exceeded")
        found = await until(watched, "Plex", False)
        assert next(item.message for item in found.items if item.name == "Plex") == plex.trouble
        await simulator.pulse.trouble(plex, None)
        await until(watched, "Plex", True)
        await simulator.calls.pause("", plex.id)
        await until(watched, "Plex", None)
        await simulator.calls.resume("", plex.id)
        await until(watched, "Plex", True)
        simulator.world.monitors[99] = type(plex)(99, "New one", url="https://new.example/")
        await simulator.calls.changed(simulator.world.monitors[99])
        await simulator.pulse.beat(simulator.world.monitors[99])
        await until(watched, "New one", True)
        await simulator.calls.remove(simulator.world.monitors[99])
        async with asyncio.timeout(PATIENCE):
            while any(item.name == "New one" for item in (await anext(watched)).items):
                pass
        await watched.aclose()  # type: ignore[attr-defined]  # it is a generator
        assert len(simulator.ledger.facts("login")) == 1


async def test_a_failed_check_that_is_repeated_changes_nothing_yet(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        seerr = portal.monitor("Seerr")
        before = await simulator.pulse.beat(seerr)
        await simulator.pulse.trouble(seerr, "no route")
        assert before.status == 1
        (item,) = [one for one in (await portal.status.snapshot()).items if one.name == "Seerr"]
        assert (item.up, item.message) == (True, "Being checked again")
        await simulator.pulse.beat(seerr)
        watched = portal.status.watch()
        await until(watched, "Seerr", False)
        await watched.aclose()  # type: ignore[attr-defined]


async def test_maintenance(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        plex, now = portal.monitor("Plex"), time.time()
        simulator.announcements.add_maintenance("By hand", monitors=[plex.id], description="New disks")
        simulator.announcements.add_maintenance(
            "Next week",
            strategy="single",
            starts_at=float(int(now) + 600_000),
            ends_at=float(int(now) + 603_600),
        )
        simulator.announcements.add_maintenance("Off", active=False)
        await simulator.pulse.beat(plex)
        (item,) = [one for one in (await portal.status.snapshot()).items if one.name == "Plex"]
        assert (item.up, item.maintenance, item.message) == (None, True, "Maintenance")
        planned, by_hand = await portal.status.incidents()
        assert (planned.title, planned.started_at, planned.ended_at) == (
            "Next week",
            int(now) + 600_000,
            int(now) + 603_600,
        )
        assert (by_hand.title, by_hand.message, by_hand.ended_at) == ("By hand", "New disks", None)
        assert planned.planned and by_hand.planned
        assert by_hand.started_at == pytest.approx(now, abs=60)
        # It has no time of its own: when it was first seen stays.
        assert (await portal.status.incidents())[1].started_at == by_hand.started_at


async def test_drafts_are_nobodys_business(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        boards = simulator.announcements
        boards.post(boards.pages["home"], {"title": "Draft", "content": "x"})
        board = await portal.client.session.board()  # type: ignore[union-attr]  # it signs in
        board.take("statusPageList", ({"1": {"slug": "home", "published": False}},))
        assert await portal.status.incidents() == []


async def test_incidents_of_all_pages(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        boards = simulator.announcements
        old = boards.post(boards.pages["home"], {"title": "Old", "content": "x"})
        old |= {
            "pin": False,
            "active": False,
            "lastUpdatedDate": simulator.world.stamp(simulator.world.now()),
        }
        boards.post(boards.pages["home"], {"title": "Now", "content": "x"})
        boards.post(boards.add_page("second", "Second"), {"title": "Elsewhere", "content": "x"})
        found = {one.title: one for one in await portal.status.incidents()}
    assert set(found) == {"Old", "Now", "Elsewhere"}
    assert found["Old"].ended_at is not None and found["Now"].ended_at is None


async def test_history_reaches_further_back_than_what_is_sent_by_itself(tmp_path: Path) -> None:
    async with kuma(tmp_path, history=600) as (simulator, url), plugged(simulator, url) as portal:
        # What is sent by itself is of everything, also of what is paused by now.
        recent = await portal.status.history(time.time() - 3600)
        assert 9 * 50 <= len(recent) <= 9 * 61
        whole = await portal.status.history(0)
        assert len(whole) == 8 * 600 + 100
        assert [beat.at for beat in whole] == sorted(beat.at for beat in whole)
        assert len({(beat.name, beat.at) for beat in whole}) == len(whole)


async def test_a_month_by_the_hour(tmp_path: Path) -> None:
    async with kuma(tmp_path, history=1440, depth=30) as (simulator, url), plugged(simulator, url) as portal:
        now = time.time()
        beats = [beat for beat in await portal.status.history(0) if beat.name == "2"]
        hourly = [beat for beat in beats if beat.at < now - 86400]
        assert now - 30 * 86400 <= hourly[0].at <= now - 29 * 86400
        assert 28 * 24 <= sum(beat.up is True for beat in hourly) <= 29 * 24 + 1
        assert any(beat.up is False for beat in hourly)
        assert len(beats) - len(hourly) >= 1400
        assert [beat.at for beat in beats] == sorted(beat.at for beat in beats)


async def test_the_past_is_no_reason_to_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medianest_uptimekuma.past.SECONDS", 0.6)
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        simulator.world.silent |= {"getMonitorBeats", "getMonitorChartData"}
        assert len(await portal.status.history(0)) == 900


async def test_a_lost_connection_is_mended_without_the_password(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        watched = portal.status.watch()
        await anext(watched)
        assert await simulator.sessions.drop() == 1
        await simulator.pulse.trouble(portal.monitor("Plex"), "away")
        await until(watched, "Plex", False)
        assert [entry["by"] for entry in simulator.ledger.facts("login")] == ["password", "token"]
        await watched.aclose()  # type: ignore[attr-defined]


async def test_listeners_learn_of_an_outage_that_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "GRACE", 0.5)
    simulator = KumaSimulator(data_dir=tmp_path)
    async with running(simulator) as served, plugged(simulator, served.url) as portal:
        watched = portal.status.watch()
        await anext(watched)
        await served.stop()
        with pytest.raises(NotReady):
            await until(watched, "Plex", False)
        again = KumaSimulator(data_dir=tmp_path)
        async with running(again, port=int(served.url.rsplit(":", 1)[1])):
            async with asyncio.timeout(PATIENCE):
                while True:
                    # It may join an attempt that began too early.
                    with contextlib.suppress(NotReady):
                        found = await portal.status.snapshot()
                        break
                    await asyncio.sleep(0.05)
            assert len(found.items) == 9


async def test_a_server_that_falls_over_again_and_again_is_left_alone_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []

    def pause(_: sessions.Session, failures: int) -> float:
        pauses.append(failures)
        return 0.01

    monkeypatch.setattr(sessions.Session, "_pause", pause)
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        watched = portal.status.watch()
        async with asyncio.timeout(PATIENCE):
            await anext(watched)
            for number in range(1, 4):
                await simulator.sessions.drop()
                while len(pauses) < number or not simulator.sessions.signed_in:
                    await asyncio.sleep(0.01)
        assert pauses[:3] == [1, 2, 3]
        await watched.aclose()  # type: ignore[attr-defined]


async def test_a_password_that_changed_ends_it_at_once(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        watched = portal.status.watch()
        await anext(watched)
        simulator.world.password = "another"
        await simulator.sessions.drop()
        with pytest.raises(AuthFailed):
            await until(watched, "Plex", False)


async def test_one_sign_in_serves_everyone_and_ends_when_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        await asyncio.gather(*(portal.status.snapshot() for _ in range(5)), portal.check())
        assert len(simulator.ledger.facts("login")) == 1
        monkeypatch.setattr(sessions, "IDLE", 0.2)
        await portal.client.close()
        await portal.status.snapshot()
        async with asyncio.timeout(PATIENCE):
            while simulator.sessions.connected:
                await asyncio.sleep(0.02)
        await portal.status.snapshot()
        assert len(simulator.sessions.signed_in) == 1


async def test_a_server_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medianest_uptimekuma.link._ANSWER", 0.3)
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        simulator.world.silent.add("login")
        with pytest.raises(NotReady, match="does not answer"):
            await portal.status.snapshot()


async def test_watching_by_key_asks_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medianest_uptimekuma.status._KEY_EVERY", 0.02)
    async with kuma(tmp_path) as (simulator, url):
        key = simulator.world.add_key("portal").clear
        async with plugged(simulator, url, api_key=key) as portal:
            watched = portal.status.watch()
            await anext(watched)
            await simulator.pulse.trouble(portal.monitor("Plex"), "away")
            await until(watched, "Plex", False)
            await watched.aclose()  # type: ignore[attr-defined]
