"""Values that a source no longer tells: cleared only when every source that has the title was asked since and none tells them.

Until then, and where a record loses so many fields at once that its source rather than the title is at fault, they stay as their
source last told them. What stands in a file (its picture and sound, its length) follows the file at once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import delete, select

from medianest_core.domain.library.document import Document
from medianest_core.domain.library.merge import BY_LEAF, GROUPS, LOCK, Path, statements, value_at
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.stored.bulk import delete_rows, select_rows, upsert_rows
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Tx
from medianest_core.store.tables.decisions import kept_values
from medianest_core.store.tables.library import library_sources, records, title_owned

MOST = 5
"""Fields that a title may lose at once."""
_GUARDED = frozenset({"text", "ratings", "people", "dates", "artwork", "captions"})


@dataclass(frozen=True, slots=True)
class KeptValue:
    """origin: the instance that last told it. waits: instances that were not asked since."""

    value: Any
    origin: str
    since: float
    waits: frozenset[str]


Kept = Mapping[Path, KeptValue]


def lost(
    before: Mapping[str, Any], origins: Mapping[Path, str], told: Sequence[SourceRecord], since: float
) -> dict[Path, KeptValue]:
    """Values that nobody tells any more although whoever told them still has the title. Pure.

    before, origins: the title's values, and which instance each came from. told: what all sources say now.
    """
    said = [statements(one.record) for one in told]
    there = {one.instance for one in told}
    return {
        path: KeptValue(value_at(before, path), origin, since, frozenset())
        for path, origin in origins.items()
        if origin != LOCK
        and origin in there
        and GROUPS.get(path[0]) in _GUARDED
        and not any(value_at(one, path) is not None for one in said)
    }


def judge(
    kept: Kept, new: Kept, *, enabled: Collection[str], probed: Collection[str]
) -> dict[Path, KeptValue]:
    """What stays. Pure. kept: from before. new: lost just now. enabled: the instances that could tell the title's values. probed:
    those of them that were just asked about it. Whatever waits for nobody any more goes, unless it is too much at once."""
    waiting = {path: replace(one, waits=frozenset(enabled) - set(probed)) for path, one in new.items()}
    waiting |= {
        path: replace(one, waits=(one.waits & set(enabled)) - set(probed)) for path, one in kept.items()
    }
    if len({path[0] for path in waiting}) > MOST:
        return waiting
    return {path: one for path, one in waiting.items() if one.waits}


def as_record(kept: Kept, kind: str, title_id: int) -> list[SourceRecord]:
    """Kept values as records of those who told them, to be merged beside what is told now."""
    fields: dict[str, dict[str, Any]] = defaultdict(dict)
    for path, one in kept.items():
        if len(path) > 1:
            fields[one.origin].setdefault(path[0], {})[path[1]] = one.value
        else:
            fields[one.origin][path[0]] = one.value
    return [
        SourceRecord(origin, MediaRecord(str(title_id), kind, "", "", found.pop("year", None), fields=found))
        for origin, found in sorted(fields.items())
    ]


def _paths(values: Mapping[str, Any]) -> Iterable[Path]:
    for name, value in values.items():
        if name in BY_LEAF:
            yield from ((name, leaf) for leaf in value)
        else:
            yield (name,)


# Rows


async def stay(
    tx: Tx,
    told: Mapping[int, Sequence[SourceRecord]],
    docs: Mapping[int, Document],
    probed: Mapping[int, Collection[str]],
    off: Collection[str],
    now: float,
    fixed: Mapping[int, Collection[Path]],
) -> dict[int, list[SourceRecord]]:
    """title id → records of what stays of it, with the rows brought up to date.

    told: what all sources say of each title now. docs: the titles as they were. probed: the instances that were just asked about a
    title; titles that are not in it lose nothing new. off: instances that are switched off. fixed: what stands by an admin's word.
    """
    before = await _load(tx, told)
    found: dict[int, list[SourceRecord]] = {}
    standing = {
        title: before.get(title, {}).keys() | set(fixed.get(title, ())) for title in probed if title in docs
    }
    fresh = await asyncio.to_thread(_all_lost, told, docs, standing, now)
    concerned = before.keys() | fresh.keys()
    if not concerned:
        return found
    owners = await _owners(tx, concerned)
    for title in concerned:
        records_now = told[title]
        said = {path for one in records_now for path in _paths(statements(one.record))}
        there = {one.instance for one in records_now}
        # What a source told that has nothing to do with the title any more goes with it.
        old = {
            path: one
            for path, one in before.get(title, {}).items()
            if path not in said and one.origin in there
        }
        enabled = (there | owners.get(title, set())) - set(off)
        asked = probed.get(title, ())
        kept = judge(old, fresh.get(title, {}), enabled=enabled, probed=asked) if asked else old
        await _store(tx, title, before.get(title, {}), kept)
        if kept:
            found[title] = as_record(kept, records_now[0].record.kind, title)
    return found


def _all_lost(
    told: Mapping[int, Sequence[SourceRecord]],
    docs: Mapping[int, Document],
    standing: Mapping[int, Collection[Path]],
    now: float,
) -> dict[int, dict[Path, KeptValue]]:
    found = {}
    for title, paths in standing.items():
        if title in told and title in docs:
            gone = _lost_of(docs[title], told[title], paths, now)
            if gone:
                found[title] = gone
    return found


def _lost_of(
    old: Document, told: Sequence[SourceRecord], standing: Collection[Path], now: float
) -> dict[Path, KeptValue]:
    before = (old.values.get("ids") or {}).items()
    after = {pair for one in told for pair in one.record.ids.items()}
    if before and after and not before & after:
        # Its server has found out that it is another title: nothing of the wrong one is worth keeping.
        return {}
    unsaid = _unsaid(old.values, told)
    origins = {path: origin for path in unsaid if path not in standing and (origin := old.source_of(*path))}
    return lost(old.values, origins, told, now) if origins else {}


def _unsaid(values: Mapping[str, Any], told: Sequence[SourceRecord]) -> list[Path]:
    """Which of these values nobody tells. Hardly ever there is one, and all titles of a batch are looked at."""
    said = [statements(one.record) for one in told]
    names = set().union(*said)
    found: list[Path] = []
    for name, value in values.items():
        if GROUPS.get(name) not in _GUARDED:
            continue
        if name in BY_LEAF:
            leaves = set().union(*(one[name] for one in said if name in one))
            found += [(name, leaf) for leaf in value if leaf not in leaves]
        elif name not in names:
            found.append((name,))
    return found


async def settle(tx: Tx, complete: Collection[str], off: Collection[str]) -> set[int]:
    """At the end of a run: who was asked in it was asked. complete: "instance/library", listed to the end. Returns the titles to be
    merged again because something of them does not stay."""
    rows = await _load(tx, None)
    if not rows:
        return set()
    held: dict[int, dict[str, bool]] = defaultdict(dict)
    statement = select(
        records.c.title_id, library_sources.c.instance_id, records.c.library, records.c.missing
    ).join(library_sources, library_sources.c.id == records.c.source)
    for title, instance, library, missing in await select_rows(tx, statement, records.c.title_id, rows):
        asked = f"{instance}/{library}" in complete and not missing
        held[title][instance] = held[title].get(instance, True) and asked
    since = {title: min(one.since for one in kept.values()) for title, kept in rows.items()}
    owners = await _owners(tx, rows, since)
    changed = set()
    for title, kept in rows.items():
        probed = {instance for instance, asked in held[title].items() if asked}
        answered = owners.get(title, set())
        there = held[title].keys() | (await _owners(tx, [title])).get(title, set())
        mine = {path: one for path, one in kept.items() if one.origin in there}
        left = judge(mine, {}, enabled=there - set(off), probed=probed | answered)
        if left != kept:
            await _store(tx, title, kept, left)
            if left.keys() != kept.keys():
                changed.add(title)
    return changed


async def _owners(
    tx: Tx, wanted: Collection[int], since: Mapping[int, float] | None = None
) -> dict[int, set[str]]:
    """title id → owners that are asked about it; with `since`, those that answered after that."""
    statement = select(title_owned.c.title_id, library_sources.c.instance_id, title_owned.c.probed_at).join(
        library_sources, library_sources.c.id == title_owned.c.source
    )
    found: dict[int, set[str]] = defaultdict(set)
    for title, instance, probed_at in await select_rows(tx, statement, title_owned.c.title_id, wanted):
        if probed_at is not None and (since is None or probed_at > since[title]):
            found[title].add(instance)
    return found


async def _load(tx: Tx, wanted: Collection[int] | None) -> dict[int, dict[Path, KeptValue]]:
    statement = select(
        kept_values.c.title_id,
        kept_values.c.path,
        kept_values.c.value,
        kept_values.c.instance_id,
        kept_values.c.since_at,
        kept_values.c.waits,
    )
    if wanted is None:
        rows = list((await tx.execute(statement)).all())
    else:
        rows = await select_rows(tx, statement, kept_values.c.title_id, wanted)
    found: dict[int, dict[Path, KeptValue]] = defaultdict(dict)
    for title, path, value, origin, since, waits in rows:
        found[title][tuple(orjson.loads(path))] = KeptValue(value, origin, since, frozenset(waits))
    return found


async def _store(tx: Tx, title: int, before: Kept, after: Kept) -> None:
    gone = [_text(path) for path in before.keys() - after.keys()]
    if gone:
        await tx.execute(
            delete(kept_values).where(kept_values.c.title_id == title, kept_values.c.path.in_(gone))
        )
    await upsert_rows(
        tx,
        kept_values,
        [
            {
                "title_id": title,
                "path": _text(path),
                "value": one.value,
                "instance_id": one.origin,
                "since_at": one.since,
                "waits": sorted(one.waits),
            }
            for path, one in after.items()
            if before.get(path) != one
        ],
    )


def _text(path: Path) -> str:
    return orjson.dumps(list(path)).decode()


async def any_kept(tx: Tx) -> bool:
    return await tx.scalar(select(kept_values.c.title_id).limit(1)) is not None


async def stuck(tx: Tx) -> int:
    """How many titles lost so much at once that an admin has to look."""
    return sum(1 for kept in (await _load(tx, None)).values() if not any(one.waits for one in kept.values()))


async def let_go(tx: Tx) -> set[int]:
    """Clear what waits for an admin; returns the titles to be merged again."""
    found = {
        title
        for title, kept in (await _load(tx, None)).items()
        if not any(one.waits for one in kept.values())
    }
    await forget(tx, found)
    return found


async def forget(tx: Tx, titles: Collection[int]) -> None:
    """Of titles that are gone."""
    await delete_rows(tx, kept_values, kept_values.c.title_id, titles)
