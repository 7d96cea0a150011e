"""Downloaders that are wrong."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace
from typing import Any

from medianest_core.sdk import (
    Choice,
    DownloadCapability,
    DownloadFailed,
    Image,
    Inspection,
    Limits,
    NotReady,
    Options,
    ProviderError,
    UserError,
)
from tests.kitchen_sink.downloads import HOST, SinkDownloader
from tests.kitchen_sink.test_contracts import TestDownloader
from tests.mutants.anything import add_all, add_hidden
from tests.mutants.wrong import Collection, Then, says, then

MUTANTS = Collection(TestDownloader)
_add = MUTANTS.add
add_all(MUTANTS, "inspect", Inspection("", "video", "", "", [], 0))
add_hidden(MUTANTS, "thumbnail", DownloadCapability.THUMBNAILS)


def _items(**changed: Any) -> dict[str, Any]:
    return {
        "inspect": then(lambda said: replace(said, items=[replace(one, **changed) for one in said.items]))
    }


def _files(change: Any) -> dict[str, Any]:
    """Results whose files are changed by change(file, task)."""

    def changed(said: Any, self: Any, task: Any, sink: Any) -> Any:
        return replace(said, files=[change(one, task) for one in said.files])

    return {"download": Then(changed)}


def _renamed(one: Any, task: Any) -> Any:
    return replace(one, path=one.path.rename(task.target_dir / "Something else.mkv"))


def curious(self: Any, url: str) -> bool:
    asking = self.http.post("/version")
    with contextlib.suppress(StopIteration, NotReady):
        asking.send(None)
    asking.close()
    return url.startswith(HOST)


async def willing(self: Any, url: str) -> Any:
    try:
        return await SinkDownloader.inspect(self, url)
    except UserError as error:
        raise NotReady("Nothing is there.") from error


async def untidy(self: Any, task: Any, sink: Any) -> Any:
    (task.target_dir / "film.part").write_bytes(b"half")
    return await SinkDownloader.download(self, task, sink)


async def silent(self: Any, task: Any, sink: Any) -> Any:
    class Deaf:
        async def progress(self, **said: Any) -> None:
            pass

    return await SinkDownloader.download(self, task, Deaf())  # type: ignore[arg-type]  # it only looks like one


async def leaving(self: Any, task: Any, sink: Any) -> Any:
    try:
        return await SinkDownloader.download(self, task, sink)
    except DownloadFailed:
        (task.target_dir / f"{task.stem}.mkv").write_bytes(b"half")
        raise


async def stubborn(self: Any, task: Any, sink: Any) -> Any:
    await sink.progress(stage="downloading", downloaded=0)
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    return await SinkDownloader.download(self, task, sink)


async def hopeless(self: Any, task: Any, sink: Any) -> Any:
    try:
        return await SinkDownloader.download(self, task, sink)
    except (DownloadFailed, ProviderError) as error:
        raise DownloadFailed("It is gone.") from error


def _numbered(said: Any, self: Any, task: Any, sink: Any) -> Any:
    name = f"{task.stem} {random.getrandbits(32)}.mkv"
    return replace(
        said, files=[replace(one, path=one.path.rename(task.target_dir / name)) for one in said.files]
    )


_add("test_it_accepts_its_own_addresses", "accepts nothing", accepts=lambda self, url: False)
_add("test_it_accepts_no_others", "accepts anything", accepts=lambda self, url: True)
_add("test_accepting_asks_nobody", "looks before it accepts", accepts=curious)
_add(
    "test_an_address_leads_to_items",
    "another word for a film",
    inspect=then(lambda said: replace(said, kind="film")),
)
_add("test_items_have_a_key_an_address_and_a_title", "paths for addresses", **_items(url="/one"))
_add("test_facts_of_items_have_their_units", "the lowest first", **_items(heights=(480, 1080)))
_add(
    "test_an_item_keeps_its_key",
    "a new key each time",
    inspect=then(
        lambda said: replace(
            said, items=[replace(one, key=str(random.getrandbits(64))) for one in said.items]
        )
    ),
)
_add("test_the_total_counts_all", "a total of nothing", inspect=then(lambda said: replace(said, total=0)))
_add("test_a_list_holds_each_item_once", "one key for all", **_items(key="one"))
_add("test_an_address_that_is_not_understood_is_told", "a wrong address is an outage", inspect=willing)
_add("test_there_are_limits", "nothing at once", limits=lambda self: Limits(concurrent=0))
_add(
    "test_there_is_something_to_choose",
    "nothing to choose",
    options=lambda self: Options((), (Choice("mkv", "Matroska"),)),
)
_add(
    "test_what_is_fetched_is_there",
    "another size",
    **_files(lambda one, task: replace(one, size=one.size + 1)),
)
_add("test_files_are_where_they_should_be", "names of its own", **_files(_renamed))
_add("test_it_leaves_nothing_else_beside_them", "leaves half files", download=untidy)
_add(
    "test_facts_are_texts",
    "numbers for facts",
    download=then(lambda said: replace(said, facts={"height": 1080})),
)
_add("test_it_says_how_far_it_is", "says nothing", download=silent)
_add("test_what_cannot_be_had_is_told", "leaves half of it", download=leaving)
_add("test_cancelling_ends_a_download", "does not care to be cancelled", download=stubborn)
_add("test_a_download_may_be_done_again", "another name each time", download=Then(_numbered))
_add("test_a_download_from_nobody_is_told", "an outage is for ever", download=hopeless)
_add("test_a_thumbnail_can_be_had", "an empty picture", thumbnail=says(Image(b"", "image/png")))
_add(
    "test_a_thumbnail_that_is_not_there_is_not_found",
    "a grey picture",
    thumbnail=says(Image(b"grey", "image/png")),
)
