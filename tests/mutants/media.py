"""MediaSources that are wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from medianest_core.sdk import Image, MediaCapability, MediaSource, ProviderError, RecordPage
from tests.kitchen_sink.media import SinkMedia
from tests.kitchen_sink.test_contracts import TestMedia
from tests.mutants.anything import add_all, add_hidden
from tests.mutants.wrong import Collection, Then, says, then

MUTANTS = Collection(TestMedia)
_add = MUTANTS.add
add_all(MUTANTS, "libraries", [])
add_hidden(MUTANTS, "recent", MediaCapability.RECENT)


def _raw(change: Callable[[Any], Any]) -> dict[str, Any]:
    """Listings with every raw record changed."""
    return {"records": then(lambda page: replace(page, records=[change(one) for one in page.records]))}


def _decoded(**changed: Any) -> dict[str, Any]:
    """Listings whose records say something else once decoded."""
    return _raw(lambda one: replace(one, decode=lambda: replace(one.decode(), **changed)))


async def forgiving(self: Any, library: Any) -> Any:
    try:
        async for page in SinkMedia.records(self, library):
            yield page
    except ProviderError:
        return


async def children_first(self: Any, library: Any) -> Any:
    pages = [page async for page in SinkMedia.records(self, library)]
    yield RecordPage([one for page in pages for one in page.records][::-1])


async def twice(self: Any, library: Any) -> Any:
    for _ in range(2):
        async for page in SinkMedia.records(self, library):
            yield page


async def everything(self: Any, library: Any, since: float) -> Any:
    async for page in SinkMedia.changes(self, library, -1.0):
        yield page


async def nothing(self: Any, library: Any, since: float) -> Any:
    return
    yield


async def gone(self: Any, key: str) -> Any:
    return await SinkMedia.record(self, key) or await SinkMedia.record(self, "film-1")


async def add_or_take(self: Any, collection: str, keys: Any) -> None:
    had = await self.collection_items(collection)
    await SinkMedia.add_to_collection(self, collection, keys)
    for key in set(keys) & set(had):
        await SinkMedia.remove_from_collection(self, collection, key)


async def take_or_add(self: Any, collection: str, key: str) -> None:
    if key in await self.collection_items(collection):
        await SinkMedia.remove_from_collection(self, collection, key)
    else:
        await SinkMedia.add_to_collection(self, collection, [key])


async def whatever(self: Any, text: str, limit: int) -> Any:
    return await self.recent(limit)


async def silent(self: Any) -> Any:
    async for change in SinkMedia.watch(self):
        yield replace(change, key="")


_add("test_an_ability_is_there_as_a_whole", "half of an ability", locate=MediaSource.locate)
_add(
    "test_libraries_can_be_told_apart",
    "one key for all",
    libraries=then(lambda said: [replace(one, key="1") for one in said]),
)
_add(
    "test_a_listing_is_made_of_pages", "a total of nothing", records=then(lambda page: replace(page, total=0))
)
_add("test_keys_are_told_apart", "everything twice", records=twice)
_add(
    "test_digests_are_short_hex",
    "the record for a digest",
    **_raw(lambda one: replace(one, digest=repr(one))),
)
_add(
    "test_what_is_unchanged_keeps_its_digest",
    "a new digest each time",
    **_raw(lambda one: replace(one, digest=f"{random.getrandbits(64):016x}")),
)
_add("test_a_record_is_what_its_raw_form_says", "another kind once decoded", **_decoded(kind="video"))
_add(
    "test_decoding_twice_gives_the_same",
    "decodes anew each time",
    **_raw(lambda one: replace(one, decode=lambda: replace(one.decode(), year=random.getrandbits(32)))),
)
_add("test_fields_have_their_shapes", "a rating as text", **_decoded(fields={"rating": "8/10"}))
_add("test_every_title_has_a_name", "no names", **_decoded(title=""))
_add("test_parents_come_before_children", "children first", records=children_first)
_add("test_times_are_epoch_seconds", "milliseconds", **_decoded(added_at=1_800_000_000_000.0))
_add("test_one_record_is_as_in_the_listing", "always the same record", record=Then(lambda _, self, key: None))
_add("test_a_key_that_nobody_has_is_none", "another record for what is gone", record=gone)
_add("test_a_listing_that_breaks_off_is_no_listing", "half a listing is one", records=forgiving)
_add("test_details_are_of_the_same_titles", "no details", details=says([]))
_add(
    "test_details_leave_out_what_is_gone",
    "all or nothing",
    details=Then(lambda said, self, keys: said if len(said) == len(keys) else []),
)
_add("test_since_the_beginning_everything_has_changed", "nothing ever changes", changes=nothing)
_add("test_nothing_has_changed_since_tomorrow", "everything always changes", changes=everything)
_add("test_a_watcher_is_told", "changes of nothing", watch=silent)
_add("test_a_title_is_found_by_its_name", "finds nothing", search=says([]))
_add(
    "test_nothing_is_found_by_nonsense",
    "finds everything",
    search=whatever,
)
_add(
    "test_the_newest_come_first_and_no_more_than_asked",
    "the oldest first",
    recent=then(lambda said: said[::-1]),
)
_add("test_a_poster_can_be_had", "an empty picture", image=says(Image(b"", "image/png")))
_add(
    "test_a_poster_that_is_not_there_is_not_found",
    "a grey picture for what is not there",
    image=says(Image(b"grey", "image/png")),
)
_add("test_a_deep_link_can_be_opened", "a path for an address", deep_link=says("/watch/1"))
_add(
    "test_a_new_collection_holds_what_it_was_given",
    "a new collection is empty",
    create_collection=Then(lambda made, self, library, title, keys: replace(made, title=title.upper())),
)
_add("test_adding_what_is_there_changes_nothing", "takes out what is there", add_to_collection=add_or_take)
_add(
    "test_taking_out_what_is_not_there_changes_nothing",
    "puts in what is not there",
    remove_from_collection=take_or_add,
)
_add(
    "test_a_file_leads_to_its_title",
    "a key for every path",
    locate=Then(lambda said, self, library, paths: dict.fromkeys(paths, "film-1")),
)
_add("test_a_folder_can_be_looked_at_again", "answers before it should", rescan=says(True))
