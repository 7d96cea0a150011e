"""A start waits for a database that is a server, and can be given up while it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from medianest_core import boot as module
from medianest_core.boot import Boot, Tell
from medianest_core.store.errors import DatabaseAway

Start = Callable[[Tell], Awaitable[None]]


class House:
    """Makes runtimes whose starts are the given ones, one after the other; remembers what was stopped."""

    def __init__(self, *starts: Start, shared: bool = True) -> None:
        self._starts = list(starts)
        self._shared = shared
        self.made = 0
        self.stopped: list[int] = []

    def make(self, waits: Tell) -> Any:
        self.made += 1
        number, start = self.made, self._starts[self.made - 1]

        async def stop() -> None:
            self.stopped.append(number)

        return SimpleNamespace(
            settings=SimpleNamespace(shared=self._shared), start=lambda: start(waits), stop=stop
        )


async def well(_: Tell) -> None:
    return


async def lost(_: Tell) -> None:
    raise DatabaseAway("The database does not answer.")


async def for_ever(waits: Tell) -> None:
    waits(True)
    await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.0,))


async def test_a_start_that_loses_the_database_begins_again_with_new_parts() -> None:
    house = House(lost, lost, well)
    told: list[bool] = []
    boot = Boot(house.make, told.append)
    assert await boot.run()
    assert (house.made, house.stopped) == (3, [1, 2])
    assert told == [True, True]


async def test_a_file_that_cannot_be_opened_is_no_server_to_wait_for() -> None:
    house = House(lost, well, shared=False)
    with pytest.raises(DatabaseAway):
        await Boot(house.make).run()
    assert house.made == 1


async def test_other_failures_end_the_start() -> None:
    async def wrong(_: Tell) -> None:
        raise ValueError("settings")

    with pytest.raises(ValueError, match="settings"):
        await Boot(House(wrong).make).run()


async def test_it_is_given_up_at_once_while_it_waits() -> None:
    boot = Boot(House(for_ever).make)
    running = asyncio.create_task(boot.run())
    while not boot.waiting:
        await asyncio.sleep(0)
    await boot.end()
    assert await running is False


async def test_it_is_given_up_while_it_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (3600.0,))
    house = House(lost, well)
    boot = Boot(house.make)
    running = asyncio.create_task(boot.run())
    while not boot.waiting:
        await asyncio.sleep(0)
    await boot.end()
    assert await running is False
    assert house.stopped == [1]


async def test_whoever_gives_it_up_in_the_middle_waits_until_it_is_through() -> None:
    go, begun = asyncio.Event(), asyncio.Event()

    async def slow(_: Tell) -> None:
        begun.set()
        await go.wait()

    boot = Boot(House(slow).make)
    running = asyncio.create_task(boot.run())
    await begun.wait()
    ending = asyncio.create_task(boot.end())
    await asyncio.sleep(0)
    assert not ending.done()
    go.set()
    await ending
    assert await running is True


async def test_it_does_not_begin_to_wait_once_it_was_given_up() -> None:
    go, begun = asyncio.Event(), asyncio.Event()

    async def slow_then_away(waits: Tell) -> None:
        begun.set()
        await go.wait()
        await for_ever(waits)

    boot = Boot(House(slow_then_away).make)
    running = asyncio.create_task(boot.run())
    await begun.wait()
    ending = asyncio.create_task(boot.end())
    await asyncio.sleep(0)
    go.set()
    await ending
    assert await running is False
