"""The Plex server as a source of media, against the simulator."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from medianest_core.sdk import (
    EPISODE,
    MOVIE,
    SEASON,
    SHOW,
    Library,
    MediaCapability,
    NotFound,
    Rejected,
    capabilities_of,
)
from medianest_core.testing.faults import Rule
from medianest_core.testing.shapes import check_record
from medianest_plex.media import PlexMedia

from .plex_kit import Plugged


async def digests(plex: Plugged, title: str = "Movies") -> dict[str, str]:
    return {record.key: record.digest for record in await plex.records(title)}


async def test_libraries_and_their_folders(either_plex: Plugged) -> None:
    found = {library.title: library for library in await either_plex.media.libraries()}
    assert {title: library.kind for title, library in found.items()} == {
        "Movies": MOVIE,
        "TV Shows": SHOW,
        "Videos": MOVIE,
    }
    assert found["Videos"].locations == (either_plex.simulator.world.options.library_dir,)


async def test_a_film_library_is_listed_whole_oldest_first(plex: Plugged) -> None:
    records = await plex.records("Movies")
    section = next(s for s in plex.simulator.world.library.sections.values() if s.title == "Movies")
    assert {record.key for record in records} == {str(key) for key in section.keys}
    assert len(records) == len(section.keys)
    added = [record.decode().added_at for record in records]
    assert added == sorted(added, key=lambda at: at or 0)


async def test_shows_come_before_their_seasons_and_these_before_their_episodes(plex: Plugged) -> None:
    library = await plex.library("TV Shows")
    pages = [page async for page in plex.media.records(library)]
    records = [record.decode() for page in pages for record in page.records]
    seen: set[str] = set()
    for record in records:
        assert record.parent is None or record.parent in seen
        seen.add(record.key)
    kinds = {kind: sum(1 for record in records if record.kind == kind) for kind in (SHOW, SEASON, EPISODE)}
    world = plex.simulator.world.library
    assert kinds == {
        kind: sum(1 for item in world.items.values() if item.type == kind) for kind in (SHOW, SEASON, EPISODE)
    }
    assert {page.total for page in pages} == {len(records)}
    episode = next(record for record in records if record.kind == EPISODE)
    assert episode.index is not None and episode.fields["assets"]["thumb"].startswith("/library/metadata/")


async def test_paging_that_is_ignored_still_gives_everything(plex: Plugged) -> None:
    expected = await digests(plex)
    plex.simulator.world.options.ignore_paging = True
    assert await digests(plex) == expected
    assert len(await plex.records("TV Shows")) > 0


async def test_more_than_one_page(plex: Plugged, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = await digests(plex)
    listing = plex.server.all_items
    monkeypatch.setattr(plex.server, "all_items", lambda *a, **k: listing(*a, **{**k, "size": 7}))
    assert await digests(plex) == expected


async def test_every_record_says_what_plex_says(plex: Plugged) -> None:
    for raw in await plex.records("Movies"):
        record = raw.decode()
        item = plex.simulator.world.library.items[int(record.key)]
        assert (record.key, record.kind, record.title) == (raw.key, raw.kind, item.title)
        assert (record.year, record.added_at, record.updated_at) == (
            item.year,
            item.added_at,
            item.updated_at,
        )
        assert record.fields["files"] == [
            {"path": item.file, "size": item.file_size, "duration_ms": item.duration}
        ]
        assert record.fields["assets"]["poster"].startswith(f"/library/metadata/{record.key}/thumb/")
        assert record.fields["genres"] == list(item.genres)[: len(record.fields["genres"])]
        assert {f"{source}://{value}" for source, value in record.ids.items() if source != "plex"} == set(
            item.guids
        )
        assert record.fields["duration_ms"] == item.duration
        assert set(record.fields) <= FIELDS


async def test_every_record_has_the_shape_of_records(plex: Plugged) -> None:
    for title in ("Movies", "TV Shows"):
        listed = [raw.decode() for raw in await plex.records(title)]
        for record in (*listed, *await plex.media.details([one.key for one in listed[:50]])):
            check_record(record)


async def test_details_tell_the_chapters(plex: Plugged) -> None:
    (film, *_) = [raw.decode() for raw in await plex.records("Movies")]
    assert "chapters" not in film.fields, "a listing lacks them"
    (full,) = await plex.media.details([film.key])
    chapters = full.fields["chapters"]
    assert [one["start_ms"] for one in chapters] == sorted(one["start_ms"] for one in chapters)
    assert chapters[-1]["end_ms"] == film.fields["duration_ms"]


async def test_details_say_what_lists_leave_out(either_plex: Plugged) -> None:
    world = either_plex.simulator.world.library
    for title in ("Movies", "TV Shows"):
        listed = {raw.key: raw.decode() for raw in await either_plex.records(title)}
        found = {one.key: one for one in await either_plex.media.details(list(listed))}
        assert found.keys() == listed.keys()
        short = 0
        for key, full in found.items():
            item = world.items[int(key)]
            assert [one["name"] for one in full.fields.get("cast", ())] == [name for name, _ in item.cast]
            assert full.fields.get("genres", []) == list(item.genres)
            assert full.fields.get("writers", []) == list(item.writers)
            assert (full.title, full.year, full.ids) == (listed[key].title, item.year, listed[key].ids)
            assert full.library == listed[key].library
            short += len(listed[key].fields.get("cast", ())) < len(item.cast)
        assert short


async def test_details_leave_out_what_is_gone_or_cannot_be_read(plex: Plugged) -> None:
    one, two, *_ = [raw.key for raw in await plex.records("Movies")]
    assert [record.key for record in await plex.media.details([one, "99999999", "../x", two])] == [one, two]
    assert await plex.media.details(["99999999"]) == []
    assert await plex.media.details(["nothing"]) == []


async def test_details_are_asked_for_fifty_at_a_time(plex: Plugged, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [raw.key for raw in await plex.records("TV Shows")][:120]
    asked: list[int] = []
    send = plex.server.send

    async def counted(method: str, path: str, **options: Any) -> Any:
        asked.append(path.count(",") + 1)
        return await send(method, path, **options)

    monkeypatch.setattr(plex.server, "send", counted)
    assert len(await plex.media.details(keys)) == 120
    assert asked == [50, 50, 20]


async def test_details_of_a_server_that_refuses_all_for_one(
    plex: Plugged, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [raw.key for raw in await plex.records("Movies")][:7]
    send = plex.server.send

    async def strict(method: str, path: str, **options: Any) -> Any:
        if "99999999" in path:
            raise NotFound("There is no such item.")
        return await send(method, path, **options)

    monkeypatch.setattr(plex.server, "send", strict)
    found = await plex.media.details([*keys[:3], "99999999", *keys[3:]])
    assert sorted(record.key for record in found) == sorted(keys)


FIELDS = {
    "title",
    "sort_title",
    "original_title",
    "summary",
    "tagline",
    "year",
    "released_on",
    "content_rating",
    "rating",
    "audience_rating",
    "duration_ms",
    "studio",
    "genres",
    "directors",
    "writers",
    "cast",
    "captions",
    "media",
    "files",
    "assets",
    "audio",
    "chapters",
    "child_count",
    "leaf_count",
}


async def test_digests_stay_and_change(plex: Plugged) -> None:
    before = await digests(plex)
    assert await digests(plex) == before
    library = plex.simulator.world.library
    watched, edited = (library.items[int(key)] for key in list(before)[:2])
    library.edit(watched, {"view_count": 5, "last_viewed_at": 1763000000, "updated_at": watched.updated_at})
    library.edit(edited, {"title": "Another name"})
    after = await digests(plex)
    assert [key for key in before if before[key] != after[key]] == [str(edited.key)]


async def test_one_record_equals_its_place_in_the_listing(plex: Plugged) -> None:
    for title in ("Movies", "TV Shows"):
        for listed in (await plex.records(title))[:: 40 if title == "TV Shows" else 7]:
            single = await plex.media.record(listed.key)
            assert single is not None
            assert (single.key, single.kind, single.digest) == (listed.key, listed.kind, listed.digest)
            assert single.decode() == listed.decode()


async def test_one_record_of_a_server_without_filters_is_the_full_one(
    plex: Plugged, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*arguments: Any) -> Any:
        from medianest_plex.listing import Listed

        return Listed([], 0)

    key = (await plex.records("Movies"))[0].key
    monkeypatch.setattr(plex.server, "items", nothing)
    single = await plex.media.record(key)
    assert single is not None
    record = single.decode()
    assert record.library == (await plex.library("Movies")).key
    assert record.fields["media"]["bit_depth"] in (8, 10)


@pytest.mark.parametrize("key", ["999999", "../sections", "1?x", ""])
async def test_a_record_that_is_not_there_is_none(plex: Plugged, key: str) -> None:
    assert await plex.media.record(key) is None


async def test_changes_since(plex: Plugged) -> None:
    library = await plex.library("Movies")
    item = plex.simulator.world.library.items[int((await plex.records("Movies"))[3].key)]
    plex.simulator.world.library.edit(item, {"title": "Changed", "updated_at": 2_000_000_000})
    found = [r async for page in plex.media.changes(library, 1_999_999_999.5) for r in page.records]
    assert [(r.key, r.decode().title) for r in found] == [(str(item.key), "Changed")]
    everything = [r async for page in plex.media.changes(library, 0.0) for r in page.records]
    assert {r.key for r in everything} == set(await digests(plex))
    assert len({r.key for r in everything}) == len(everything)


async def test_search_and_recent(plex: Plugged) -> None:
    film = (await plex.records("Movies"))[5].decode()
    found = await plex.media.search(film.title, 5)
    assert film.key in [record.key for record in found]
    assert found[0].decode().library
    recent = [record.decode() for record in await plex.media.recent(10)]
    assert len(recent) == 10
    added = [record.added_at or 0 for record in recent]
    assert added == sorted(added, reverse=True)


async def test_deep_link_leads_to_this_server(plex: Plugged) -> None:
    machine = plex.simulator.world.accounts.machine
    assert await plex.media.deep_link("42") == (
        f"https://app.plex.tv/desktop/#!/server/{machine}/details?key=%2Flibrary%2Fmetadata%2F42"
    )


async def test_listings_bring_captions_and_dynamic_range(plex: Plugged) -> None:
    full = {item.key: item for item in plex.simulator.world.library.items.values() if item.shape}
    ranges = {"hdr10": "HDR10", "hlg": "HLG", "dv": "Dolby Vision", None: None}
    seen: set[str | None] = set()
    for raw in await plex.records("Movies"):
        fields, shape = raw.decode().fields, full[int(raw.key)].shape
        assert shape is not None
        assert fields["media"].get("hdr") == ranges[shape.hdr]
        assert len(fields.get("captions", {})) == len({code for code, _ in shape.captions})
        seen.add(shape.hdr)
    assert len(seen) > 1


async def test_a_server_that_refuses_streams_in_lists_is_listed_without(plex: Plugged) -> None:
    listed, asked = plex.server.listed, []

    async def strict(path: str, params: Any, start: int, count: int) -> Any:
        asked.append("includeElements" in params)
        if asked[-1]:
            raise Rejected("400")
        return await listed(path, params, start, count)

    plex.server.listed = strict  # type: ignore[method-assign]  # a server of another make
    records = await plex.records("Movies")
    assert records and "hdr" not in records[0].decode().fields["media"]
    assert asked == [True, False]


# Images


async def test_images_come_resized_by_the_server(plex: Plugged) -> None:
    poster = (await plex.records("Movies"))[0].decode().fields["assets"]["poster"]
    image = await plex.media.image(poster, 200, 300)
    with Image.open(io.BytesIO(image.content)) as opened:
        assert opened.width >= 200 and opened.height >= 300 and opened.width < 600
    assert image.media_type == "image/jpeg"


@pytest.mark.parametrize("mode", ["500", "garbage"])
async def test_a_server_that_cannot_resize_gives_the_whole_image(plex: Plugged, mode: str) -> None:
    poster = (await plex.records("Movies"))[0].decode().fields["assets"]["poster"]
    plex.simulator.faults.set(Rule(mode, "/photo/"))  # type: ignore[arg-type]  # a parameter, not a literal
    image = await plex.media.image(poster, 20, 30)
    with Image.open(io.BytesIO(image.content)) as opened:
        assert opened.width > 100


@pytest.mark.parametrize(
    "reference",
    [
        "https://evil.example/x.jpg",
        "http://127.0.0.1:1/x.jpg",
        "//evil.example/x",
        "/library/../status/sessions",
        "/:/prefs",
        "/status/sessions",
        "https://metadata-static.plex.tv@evil.example/x.jpg",
        "x.jpg",
    ],
)
async def test_only_images_of_plex_are_fetched(plex: Plugged, reference: str) -> None:
    plex.simulator.world.requests.clear()
    with pytest.raises(NotFound):
        await plex.media.image(reference, 10, 10)
    assert not plex.simulator.world.requests


async def test_a_missing_image_is_not_found(plex: Plugged) -> None:
    with pytest.raises(NotFound):
        await plex.media.image("/library/metadata/999999/thumb/1", 10, 10)
    with pytest.raises(NotFound, match="not an image"):
        await plex.media.image("/library/sections", 10, 10)


# Collections


async def test_collections_are_made_filled_and_emptied(either_plex: Plugged) -> None:
    plex = either_plex
    library = await plex.library("Movies")
    keys = [record.key for record in await plex.records("Movies")][:5]
    made = await plex.media.create_collection(library.key, "Friday & “Saturday”", keys[:2])
    assert (made.title, made.count, made.library, made.smart) == (
        "Friday & “Saturday”",
        2,
        library.key,
        False,
    )
    assert made.key in [collection.key for collection in await plex.media.collections(library.key)]
    await plex.media.add_to_collection(made.key, [*keys, keys[0]])
    await plex.media.add_to_collection(made.key, keys)
    assert await plex.media.collection_items(made.key) == keys
    assert [facts["added"] for facts in plex.simulator.ledger.facts("collection.items_added")] == [
        [int(key) for key in keys[2:]]
    ]
    await plex.media.remove_from_collection(made.key, keys[1])
    await plex.media.remove_from_collection(made.key, keys[1])
    assert await plex.media.collection_items(made.key) == [keys[0], *keys[2:]]
    assert len(plex.simulator.ledger.facts("collection.item_removed")) == 1


async def test_a_large_collection_holds_each_title_once(plex: Plugged) -> None:
    library = await plex.library("TV Shows")
    episodes = [record.key for record in await plex.records("TV Shows") if record.kind == EPISODE]
    assert len(episodes) > 210
    made = await plex.media.create_collection(library.key, "All of it", episodes)
    assert await plex.media.collection_items(made.key) == episodes


async def test_an_empty_collection_can_be_made(plex: Plugged) -> None:
    library = await plex.library("Movies")
    made = await plex.media.create_collection(library.key, "Later", [])
    assert (made.count, await plex.media.collection_items(made.key)) == (0, [])


async def test_smart_collections_refuse(plex: Plugged) -> None:
    library = await plex.library("Movies")
    key = (await plex.records("Movies"))[0].key
    made = await plex.media.create_collection(library.key, "Rule", [key])
    plex.simulator.world.library.items[int(made.key)].smart = True
    with pytest.raises(Rejected, match="filled by a rule"):
        await plex.media.add_to_collection(made.key, [key])
    with pytest.raises(Rejected, match="filled by a rule"):
        await plex.media.remove_from_collection(made.key, key)


async def test_collections_that_are_not_there(plex: Plugged) -> None:
    with pytest.raises(NotFound):
        await plex.media.add_to_collection("999999", ["1"])
    with pytest.raises(NotFound):
        await plex.media.create_collection("1", "X", ["999999"])
    with pytest.raises(NotFound):
        await plex.media.collections("1/all")


async def test_only_the_owner_may_change(served: Any, factory: Any) -> None:
    from .plex_kit import plug

    accounts = served.simulator.world.accounts
    guest = await plug(factory, served, token=accounts.server_token(accounts.find("casey")))
    library = await guest.library("Movies")
    with pytest.raises(Rejected, match="owner"):
        await guest.media.create_collection(library.key, "Mine", [])


# Scans


async def test_a_new_file_is_found_by_its_path(plex: Plugged) -> None:
    library = await plex.library("Videos")
    # The one that it begins by itself is over.
    await plex.simulator.ledger.wait_for("scan.finished")
    folder = Path(library.locations[0]) / "Ünïcode & playlist"
    folder.mkdir()
    paths = [str(folder / name) for name in ("one – ä.mp4", "two.webm", "never.mp4")]
    for path in paths[:2]:
        Path(path).write_bytes(b"\0" * 64)
    assert await plex.media.locate(library.key, paths) == {}
    await plex.media.rescan(library.key, str(folder))
    await plex.simulator.ledger.wait_for("scan.finished", 2)
    assert plex.simulator.ledger.facts("scan.started")[-1]["path"] == str(folder)
    found = await plex.media.locate(library.key, paths)
    assert set(found) == set(paths[:2])
    record = await plex.media.record(found[paths[0]])
    assert record is not None and record.decode().fields["files"][0]["path"] == paths[0]


async def test_locating_in_a_library_of_shows(plex: Plugged) -> None:
    library = await plex.library("TV Shows")
    episode = next(r.decode() for r in await plex.records("TV Shows") if r.kind == EPISODE)
    path = episode.fields["files"][0]["path"]
    assert await plex.media.locate(library.key, [path]) == {path: episode.key}
    with pytest.raises(NotFound):
        await plex.media.locate("99", [path])


def test_capabilities() -> None:
    assert capabilities_of(PlexMedia) == set(MediaCapability) - {MediaCapability.WATCH}


async def test_a_library_of_another_kind_lists_nothing(plex: Plugged) -> None:
    assert [page async for page in plex.media.records(Library("1", "Music", "artist"))] == []
