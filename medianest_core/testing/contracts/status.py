"""The contract of a StatusProvider."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, ClassVar
from urllib.parse import urlsplit

from medianest_core.sdk.service import Provider
from medianest_core.sdk.status import Beat, Incident, Item, Snapshot, StatusCapability, StatusProvider
from medianest_core.testing.contracts.common import CommonContract
from medianest_core.testing.contracts.contract import PATIENCE, clause

EPOCH = (946_684_800.0, 7_258_118_400.0)
"""Times between 2000 and 2200, in epoch seconds."""


def is_time(value: Any) -> bool:
    """Epoch seconds, not milliseconds and no text."""
    return isinstance(value, int | float) and not isinstance(value, bool) and EPOCH[0] < value < EPOCH[1]


class StatusContract(CommonContract[StatusProvider[Any, Any]]):
    kind: ClassVar[type[Provider[Any, Any]]] = StatusProvider

    async def read(self, provider: StatusProvider[Any, Any]) -> Snapshot:
        return await provider.snapshot()

    async def _items(self) -> list[Item]:
        return list((await self.subject.snapshot()).items)

    @clause()
    async def test_a_snapshot_is_made_of_items(self) -> None:
        said = await self.subject.snapshot()
        assert isinstance(said, Snapshot)
        assert all(isinstance(one, Item) for one in said.items)
        assert said.version is None or (isinstance(said.version, str) and said.version), said.version

    @clause()
    async def test_every_item_has_a_name(self) -> None:
        for one in await self._items():
            assert isinstance(one.name, str) and one.name.strip(), one

    @clause()
    async def test_items_can_be_told_apart(self) -> None:
        keys = [one.key or one.name for one in await self._items()]
        assert len(keys) == len(set(keys)), f"twice: {sorted({key for key in keys if keys.count(key) > 1})}"

    @clause()
    async def test_items_keep_their_keys(self) -> None:
        before = {one.key or one.name for one in await self._items()}
        assert {one.key or one.name for one in await self._items()} == before

    @clause()
    async def test_an_item_is_up_or_down_or_unknown(self) -> None:
        for one in await self._items():
            assert one.up is None or isinstance(one.up, bool), one

    @clause()
    async def test_response_times_are_milliseconds(self) -> None:
        for one in await self._items():
            assert one.response_ms is None or one.response_ms >= 0, one

    @clause()
    async def test_certificates_end_at_a_time(self) -> None:
        for one in await self._items():
            assert one.certificate_ends_at is None or is_time(one.certificate_ends_at), one

    @clause()
    async def test_an_items_address_can_be_opened(self) -> None:
        for one in await self._items():
            assert one.url is None or urlsplit(one.url).scheme in ("http", "https"), one

    @clause(StatusCapability.HISTORY)
    async def test_history_begins_with_the_oldest(self) -> None:
        beats = await self.subject.history(time.time() - 86_400)
        assert all(isinstance(one, Beat) for one in beats)
        times = [one.at for one in beats]
        assert all(is_time(at) for at in times), times[:3]
        assert times == sorted(times)

    @clause(StatusCapability.HISTORY)
    async def test_history_goes_back_no_further_than_asked(self) -> None:
        everything = await self.subject.history(time.time() - 86_400)
        middle = everything[len(everything) // 2].at if everything else time.time()
        assert all(one.at >= middle for one in await self.subject.history(middle))

    @clause(StatusCapability.HISTORY)
    async def test_history_tells_of_items_that_are_there(self) -> None:
        items = {one.key or one.name for one in await self._items()}
        beats = await self.subject.history(time.time() - 86_400)
        assert not beats or {one.name for one in beats} & items, (
            "its beats name nothing that a snapshot knows"
        )

    @clause(StatusCapability.WATCH)
    async def test_watching_begins_with_what_is_so_now(self) -> None:
        async with contextlib.aclosing(_generator(self.subject.watch())) as news:
            async with asyncio.timeout(PATIENCE):
                first = await anext(news)
        assert isinstance(first, Snapshot)
        assert {one.key or one.name for one in first.items} == {
            one.key or one.name for one in await self._items()
        }

    @clause(StatusCapability.WATCH)
    async def test_watching_ends_when_nobody_looks(self) -> None:
        news = _generator(self.subject.watch())
        async with asyncio.timeout(PATIENCE):
            await anext(news)
        waiting = asyncio.ensure_future(anext(news))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=PATIENCE)
        assert waiting.cancelled(), "it goes on watching"
        await news.aclose()

    @clause(StatusCapability.INCIDENTS)
    async def test_incidents_say_what_and_when(self) -> None:
        for one in await self.subject.incidents():
            assert isinstance(one, Incident) and one.title.strip(), one
            assert is_time(one.started_at), one
            assert one.ended_at is None or one.ended_at >= one.started_at, one

    @clause(StatusCapability.INCIDENTS)
    async def test_the_newest_incident_comes_first(self) -> None:
        begun = [one.started_at for one in await self.subject.incidents()]
        assert begun == sorted(begun, reverse=True)


def _generator(stream: Any) -> Any:
    assert hasattr(stream, "aclose"), "a stream has to be an async generator"
    return stream
