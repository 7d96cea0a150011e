"""What services tell of that hold no library themselves: titles by ids that everybody knows them by, and where servers have those."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select

from medianest_core.domain.library.stored.bulk import select_rows
from medianest_core.domain.library.syncing.targets import keys_of
from medianest_core.sdk.media import EPISODE, SEASON
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import library_sources, records, title_ids, titles

NAME = "title:"
_KEY = re.compile(r"([a-z][a-z0-9_]*):([^/\s]+)(?:/(\d{1,5})x(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class About:
    """ids: (provider, value). parts: (season, episode) of a show. name: as the service calls it, "" where it does not say."""

    ids: frozenset[tuple[str, str]] = frozenset()
    parts: frozenset[tuple[int, int]] = frozenset()
    name: str = ""


def about(keys: Sequence[str]) -> About:
    """Keys are "tmdb:603", "tvdb:81189/1x2" for an episode of a show, and "title:Heat"; others say nothing here."""
    ids, parts, name = set(), set(), ""
    for key in keys:
        if key.startswith(NAME):
            name = name or key.removeprefix(NAME).strip()
        elif found := _KEY.fullmatch(key):
            ids.add((found[1], found[2]))
            if found[3] is not None:
                parts.add((int(found[3]), int(found[4])))
    return About(frozenset(ids), frozenset(parts), name)


@dataclass(frozen=True, slots=True)
class Held:
    """What one server has of it. keys: of the title, and of those seasons and episodes that were named or are meant, parents first. lacking: of the episodes that were named, those it does not have."""

    keys: Sequence[str]
    lacking: frozenset[tuple[int, int]]


async def held_by(tx: Tx, meant: About, *, whole: bool = False) -> dict[str, Held]:
    """instance id → what it has, of those that have the title. whole: where no parts are named, all that are below it, too."""
    by_id = or_(
        *(
            and_(title_ids.c.provider == provider, title_ids.c.value == value)
            for provider, value in sorted(meant.ids)
        )
    )
    tops = {row[0] for row in (await tx.execute(select(title_ids.c.title_id).where(by_id))).all()}
    if whole and not meant.parts:
        found_keys = await keys_of(tx, sorted(tops))
        return {instance: Held(keys, frozenset()) for instance, keys in found_keys.items()}
    seasons = await _children(tx, SEASON, tops, {season for season, _ in meant.parts})
    episodes = await _children(tx, EPISODE, seasons, {episode for _, episode in meant.parts})
    parts = {
        title: (seasons[parent][1], index)
        for title, (parent, index) in episodes.items()
        if (seasons[parent][1], index) in meant.parts
    }
    wanted = [*sorted(tops), *sorted(seasons), *sorted(parts)]
    statement = select(library_sources.c.instance_id, records.c.key, records.c.title_id).join(
        library_sources, library_sources.c.id == records.c.source
    )
    rows = await select_rows(tx, statement, records.c.title_id, wanted)
    place = {title: number for number, title in enumerate(wanted)}
    found: dict[str, list[tuple[int, str]]] = {}
    for instance, key, title in sorted(rows, key=lambda row: (place[row[2]], row[1])):
        found.setdefault(instance, []).append((title, key))
    return {
        instance: Held(
            [key for _, key in mine],
            meant.parts - {parts[title] for title, _ in mine if title in parts},
        )
        for instance, mine in found.items()
        if any(title in tops for title, _ in mine)
    }


async def _children(
    tx: Tx, kind: str, parents: Collection[int], indexes: Collection[int]
) -> dict[int, tuple[int, int]]:
    """title id → (parent's id, its number)."""
    if not indexes:
        return {}
    statement = select(titles.c.id, titles.c.parent_id, titles.c.item_index).where(
        titles.c.kind == kind, titles.c.item_index.in_(sorted(indexes))
    )
    rows = await select_rows(tx, statement, titles.c.parent_id, parents)
    return {title: (parent, index) for title, parent, index in rows}
