"""The contract of a MediaSource."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from medianest_core.sdk.errors import NotFound, ProviderError
from medianest_core.sdk.media import (
    Collection,
    Image,
    Library,
    MediaCapability,
    MediaChange,
    MediaRecord,
    MediaSource,
    RawRecord,
    RecordPage,
)
from medianest_core.sdk.service import Provider
from medianest_core.testing.contracts.common import CommonContract
from medianest_core.testing.contracts.contract import PATIENCE, Contract, clause, misbehaving
from medianest_core.testing.contracts.status import is_time
from medianest_core.testing.shapes import check_record

_DIGEST = re.compile(r"[0-9a-f]{8,128}")
_FUTURE = 86_400.0
NOBODY = "no-such-key-0"


def pushing(cls: type[Contract[Any]]) -> bool:
    """Whether `happen` makes something happen that a watcher is told."""
    return cls.happen is not MediaContract.happen if issubclass(cls, MediaContract) else False


class MediaContract(CommonContract[MediaSource[Any, Any]]):
    """nobody: a key that the source does not have. watermark: seconds that `changes` may reach further back than asked."""

    kind: ClassVar[type[Provider[Any, Any]]] = MediaSource
    nobody: ClassVar[str] = NOBODY
    watermark: ClassVar[float] = 0.0

    async def read(self, provider: MediaSource[Any, Any]) -> object:
        return await provider.libraries()

    async def happen(self) -> None:
        """Let something happen that `watch` tells of, and nothing else."""

    async def _libraries(self) -> Sequence[Library]:
        return await self.subject.libraries()

    async def _all(self) -> list[tuple[Library, list[RawRecord]]]:
        return [(library, await listed(self.subject, library)) for library in await self._libraries()]

    async def _some(self) -> tuple[Library, list[RawRecord]]:
        """The first library that holds something."""
        return next(pair for pair in await self._all() if pair[1])

    @clause()
    async def test_libraries_can_be_told_apart(self) -> None:
        said = await self._libraries()
        assert said and all(isinstance(one, Library) for one in said)
        assert all(one.key and one.title.strip() and one.kind for one in said), said
        assert len({one.key for one in said}) == len(said)

    @clause()
    async def test_a_listing_is_made_of_pages(self) -> None:
        found = 0
        for library in await self._libraries():
            async for page in self.subject.records(library):
                assert isinstance(page, RecordPage)
                assert all(isinstance(one, RawRecord) for one in page.records)
                assert page.total is None or page.total >= len(page.records), page.total
                found += len(page.records)
        assert found, "a stand-in without a single title proves nothing"

    @clause()
    async def test_keys_are_told_apart(self) -> None:
        for library, records in await self._all():
            keys = [one.key for one in records]
            assert all(isinstance(key, str) and key for key in keys)
            assert len(keys) == len(set(keys)), f"{library.title} has a key twice"

    @clause()
    async def test_digests_are_short_hex(self) -> None:
        for _, records in await self._all():
            for one in records:
                assert _DIGEST.fullmatch(one.digest), one.digest

    @clause()
    async def test_what_is_unchanged_keeps_its_digest(self) -> None:
        async with self.another() as second:
            again = {one.key: one.digest for one in await self._everything(second)}
        assert {one.key: one.digest for one in await self._everything(self.subject)} == again

    @clause()
    async def test_a_record_is_what_its_raw_form_says(self) -> None:
        for library, records in await self._all():
            for one in records:
                record = one.decode()
                assert isinstance(record, MediaRecord)
                assert (record.key, record.kind, record.library) == (one.key, one.kind, library.key)

    @clause()
    async def test_decoding_twice_gives_the_same(self) -> None:
        for one in (await self._some())[1]:
            assert one.decode() == one.decode()

    @clause()
    async def test_fields_have_their_shapes(self) -> None:
        for _, records in await self._all():
            for one in records:
                check_record(one.decode())

    @clause()
    async def test_every_title_has_a_name(self) -> None:
        for _, records in await self._all():
            assert all(one.decode().title.strip() for one in records)

    @clause()
    async def test_parents_come_before_children(self) -> None:
        for _, records in await self._all():
            seen: set[str] = set()
            for one in records:
                parent = one.decode().parent
                assert parent is None or parent in seen, f"{one.key} comes before its parent {parent}"
                seen.add(one.key)

    @clause()
    async def test_times_are_epoch_seconds(self) -> None:
        for _, records in await self._all():
            for one in (raw.decode() for raw in records):
                assert one.added_at is None or is_time(one.added_at), one.added_at
                assert one.updated_at is None or is_time(one.updated_at), one.updated_at

    @clause()
    async def test_one_record_is_as_in_the_listing(self) -> None:
        _, records = await self._some()
        one = await self.subject.record(records[0].key)
        assert one is not None and (one.key, one.kind) == (records[0].key, records[0].kind)
        assert one.decode().title == records[0].decode().title

    @clause()
    async def test_a_key_that_nobody_has_is_none(self) -> None:
        assert await self.subject.record(self.nobody) is None

    @clause(where=misbehaving)
    async def test_a_listing_that_breaks_off_is_no_listing(self) -> None:
        async with self.another() as source:
            library = (await source.libraries())[0]
            self.stand_in.faults.add("truncated")
            error = await self.trouble(lambda: listed(source, library))
        assert isinstance(error, ProviderError), f"it says {error!r}"

    @clause(MediaCapability.DETAILS)
    async def test_details_are_of_the_same_titles(self) -> None:
        _, records = await self._some()
        keys = [one.key for one in records[:5]]
        told = await self.subject.details(keys)
        assert {one.key for one in told} <= set(keys) and told
        for one in told:
            check_record(one)

    @clause(MediaCapability.DETAILS)
    async def test_details_leave_out_what_is_gone(self) -> None:
        _, records = await self._some()
        told = await self.subject.details([records[0].key, self.nobody])
        assert [one.key for one in told] == [records[0].key]

    @clause(MediaCapability.CHANGES)
    async def test_since_the_beginning_everything_has_changed(self) -> None:
        library, records = await self._some()
        changed = [one.key async for page in self.subject.changes(library, 0.0) for one in page.records]
        assert {one.key for one in records if one.decode().updated_at is not None} <= set(changed)

    @clause(MediaCapability.CHANGES)
    async def test_nothing_has_changed_since_tomorrow(self) -> None:
        library, _ = await self._some()
        later = time.time() + _FUTURE + self.watermark
        assert [one.key async for page in self.subject.changes(library, later) for one in page.records] == []

    @clause(MediaCapability.WATCH, where=pushing)
    async def test_a_watcher_is_told(self) -> None:
        async with contextlib.aclosing(self.subject.watch()) as news:  # type: ignore[type-var]  # streams are generators
            waiting = asyncio.ensure_future(anext(news))
            async with asyncio.timeout(PATIENCE):
                while not waiting.done():
                    await self.happen()
                    await asyncio.wait({waiting}, timeout=0.2)
            told = waiting.result()
        assert isinstance(told, MediaChange)
        assert told.key is None or told.key

    @clause(MediaCapability.SEARCH)
    async def test_a_title_is_found_by_its_name(self) -> None:
        _, records = await self._some()
        first = records[0].decode()
        found = await self.subject.search(first.title, 20)
        assert first.key in {one.key for one in found}

    @clause(MediaCapability.SEARCH)
    async def test_nothing_is_found_by_nonsense(self) -> None:
        assert list(await self.subject.search("qzxv jkwq vvzzx", 5)) == []

    @clause(MediaCapability.RECENT)
    async def test_the_newest_come_first_and_no_more_than_asked(self) -> None:
        recent = [one.decode().added_at or 0.0 for one in await self.subject.recent(3)]
        assert recent == sorted(recent, reverse=True) and len(recent) <= 3

    @clause(MediaCapability.IMAGE)
    async def test_a_poster_can_be_had(self) -> None:
        records = [one.decode() for _, listing in await self._all() for one in listing]
        posters = [
            one.fields["assets"]["poster"] for one in records if one.fields.get("assets", {}).get("poster")
        ]
        assert posters, "no title of the stand-in has a poster"
        image = await self.subject.image(posters[0], 100, 150)
        assert isinstance(image, Image) and image.content and image.media_type.startswith("image/")

    @clause(MediaCapability.IMAGE)
    async def test_a_poster_that_is_not_there_is_not_found(self) -> None:
        error = await self.trouble(lambda: self.subject.image(f"/{self.nobody}", 100, 150))
        assert isinstance(error, NotFound), f"it says {error!r}"

    @clause(MediaCapability.DEEP_LINK)
    async def test_a_deep_link_can_be_opened(self) -> None:
        _, records = await self._some()
        link = urlsplit(await self.subject.deep_link(records[0].key))
        assert link.scheme in ("http", "https") and link.netloc, link

    @clause(MediaCapability.COLLECTIONS)
    async def test_a_new_collection_holds_what_it_was_given(self) -> None:
        library, keys = await self._tops()
        made = await self.subject.create_collection(library.key, "Contract: new", keys[:2])
        assert isinstance(made, Collection) and made.title == "Contract: new"
        assert made.key in {one.key for one in await self.subject.collections(library.key)}
        assert sorted(await self.subject.collection_items(made.key)) == sorted(keys[:2])

    @clause(MediaCapability.COLLECTIONS)
    async def test_adding_what_is_there_changes_nothing(self) -> None:
        library, keys = await self._tops()
        made = await self.subject.create_collection(library.key, "Contract: adding", keys[:1])
        for _ in range(2):
            await self.subject.add_to_collection(made.key, keys[:2])
        assert sorted(await self.subject.collection_items(made.key)) == sorted(keys[:2])

    @clause(MediaCapability.COLLECTIONS)
    async def test_taking_out_what_is_not_there_changes_nothing(self) -> None:
        library, keys = await self._tops()
        made = await self.subject.create_collection(library.key, "Contract: taking", keys[:2])
        for _ in range(2):
            await self.subject.remove_from_collection(made.key, keys[1])
        assert list(await self.subject.collection_items(made.key)) == keys[:1]

    @clause(MediaCapability.RESCAN)
    async def test_a_file_leads_to_its_title(self) -> None:
        for library, records in await self._all():
            for one in (raw.decode() for raw in records):
                paths = [file["path"] for file in one.fields.get("files") or ()]
                if paths:
                    found = await self.subject.locate(library.key, [paths[0], f"/nowhere/{self.nobody}"])
                    assert found == {paths[0]: one.key}
                    return
        raise AssertionError("no title of the stand-in has a file")

    @clause(MediaCapability.RESCAN)
    async def test_a_folder_can_be_looked_at_again(self) -> None:
        library = next(one for one in await self._libraries() if one.locations)
        assert await self.subject.rescan(library.key, library.locations[0]) is None  # type: ignore[func-returns-value]

    async def _everything(self, source: MediaSource[Any, Any]) -> list[RawRecord]:
        return [one for library in await source.libraries() for one in await listed(source, library)]

    async def _tops(self) -> tuple[Library, list[str]]:
        """A library, and keys of two titles of its top level."""
        for library, records in await self._all():
            keys = [one.key for one in records if one.kind == library.kind]
            if len(keys) > 1:
                return library, keys[:2]
        raise AssertionError("the stand-in needs a library of two titles")


async def listed(source: MediaSource[Any, Any], library: Library) -> list[RawRecord]:
    """Everything a library lists, in its order."""
    return [one async for page in source.records(library) for one in page.records]
