"""Writes one batch: records as they were said, and again the titles they touch, in the caller's transaction.

Only real differences are written. Each changed value of a title that was there before leaves a row in `sync_changes`; new
titles are known by their `created_run`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update

from medianest_core.domain.library.bulk import (
    chunks,
    delete_rows,
    insert_rows,
    select_rows,
    upsert_rows,
)
from medianest_core.domain.library.columns import columns
from medianest_core.domain.library.document import build, parse
from medianest_core.domain.library.identity import identity_of
from medianest_core.domain.library.membership import Incoming, Membership, Place, Placement
from medianest_core.domain.library.merge import LOCK, Merged, Path, Priorities, differences, merge
from medianest_core.domain.library.records import SourceRecord
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import (
    library_state,
    record_data,
    records,
    sync_changes,
    title_docs,
    title_ids,
    title_locks,
    titles,
)

Locks = Mapping[Path, Any]


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch did: numbers of titles, and the ids of those added or changed."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    titles: tuple[int, ...] = ()

    def __add__(self, other: Applied) -> Applied:
        return Applied(
            self.added + other.added,
            self.changed + other.changed,
            self.removed + other.removed,
            (self.titles + other.titles)[:200],
        )


@dataclass(slots=True)
class _Built:
    title: int
    columns: dict[str, Any]
    merged: Merged
    doc: bytes
    records: list[SourceRecord]


@dataclass(frozen=True, slots=True)
class Batch:
    """What belongs to all batches of a run. sources: instance id → number."""

    run_id: int
    priorities: Priorities
    sources: dict[str, int]
    now: float


async def apply(tx: Tx, batch: Batch, incoming: Sequence[Incoming], gone: Collection[Place] = ()) -> Applied:
    """Store `incoming` records and forget `gone` ones; merge and write the titles they touch."""
    # Also serialises batches of several runs: the row stays locked until the end of the transaction.
    next_title = await next_title_locked(tx)
    placement = Placement(tx, batch.sources, next_title)
    membership = await placement.place(incoming, gone)
    await _write_records(tx, batch, membership, incoming, gone)
    applied = await _write_titles(tx, batch, membership)
    if placement.next_title != next_title:
        await tx.execute(update(library_state).values(next_title=placement.next_title))
    return applied


async def remerge(tx: Tx, batch: Batch, wanted: Collection[int]) -> Applied:
    """Merge titles again from their stored records, after priorities or locks changed."""
    next_title = await next_title_locked(tx)
    placement = Placement(tx, batch.sources, next_title)
    placement.result.touched |= set(wanted)
    return await _write_titles(tx, batch, await placement.place((), ()))


async def next_title_locked(tx: Tx) -> int:
    """The first free title id; counts the library's generation on, which tells caches that it changed."""
    statement = (
        update(library_state)
        .values(generation=library_state.c.generation + 1)
        .returning(library_state.c.next_title)
    )
    found = (await tx.execute(statement)).scalar()
    if found is None:
        await tx.execute(
            tx.insert(library_state).values(id=1, generation=1, next_title=1).on_conflict_do_nothing()
        )
        found = (await tx.execute(statement)).scalar()
    return int(found or 1)


async def _write_records(
    tx: Tx,
    batch: Batch,
    membership: Membership,
    incoming: Sequence[Incoming],
    gone: Collection[Place],
) -> None:
    narrow, data = [], []
    for one in incoming:
        source = batch.sources[one.instance]
        narrow.append(
            {
                "source": source,
                "key": one.record.key,
                "library": one.record.library,
                "kind": one.record.kind,
                "digest": one.digest,
                "parent": one.record.parent,
                "title_id": membership.assigned[one.place],
                "missing": 0,
            }
        )
        data.append({"source": source, "key": one.record.key, "data": one.data})
    known = {(batch.sources[instance], key) for instance, key in membership.known}
    for table, rows in ((records, narrow), (record_data, data)):
        await insert_rows(tx, table, [row for row in rows if (row["source"], row["key"]) not in known])
        await upsert_rows(tx, table, [row for row in rows if (row["source"], row["key"]) in known])
    arrived = {one.place for one in incoming}
    moves = [
        {"b_source": batch.sources[instance], "b_key": key, "b_title": title}
        for (instance, key), title in membership.moved.items()
        if (instance, key) not in arrived
    ]
    if moves:
        await tx.execute(
            update(records)
            .where(records.c.source == bindparam("b_source"), records.c.key == bindparam("b_key"))
            .values(title_id=bindparam("b_title")),
            moves,
        )
    for instance in {instance for instance, _ in gone}:
        keys = [key for owner, key in gone if owner == instance]
        for table in (records, record_data):
            await delete_rows(tx, table, table.c.key, keys, table.c.source == batch.sources[instance])


async def _write_titles(tx: Tx, batch: Batch, membership: Membership) -> Applied:
    touched = membership.touched
    present = touched - membership.fresh
    docs: dict[int, bytes] = dict(
        await select_rows(tx, select(title_docs.c.id, title_docs.c.doc), title_docs.c.id, present)
    )
    rows = {row.id: row for row in await select_rows(tx, select(titles), titles.c.id, present)}
    locks = {
        title: _locks(stored)
        for title, stored in await select_rows(
            tx, select(title_locks.c.title_id, title_locks.c.locks), title_locks.c.title_id, present
        )
    }
    filled = {
        title: list(membership.members[title].values()) for title in touched if membership.members[title]
    }
    # Merging is pure computing: in a thread it leaves the event loop to others.
    built = await asyncio.to_thread(_build_all, filled, batch.priorities, locks)
    new_rows, new_docs, kept_docs, kept_rows, changes = [], [], [], [], []
    added, changed = 0, set()
    for one in built:
        slot = membership.slots.get(one.title)
        row = rows.get(one.title)
        if row is None:
            assert slot is not None, "a new title has a place"
            new_rows.append(
                {
                    "id": one.title,
                    "parent_id": slot.parent_id,
                    "match_key": slot.match_key,
                    "created_run": batch.run_id,
                    "version": 1,
                    **one.columns,
                }
            )
            new_docs.append({"id": one.title, "doc": one.doc})
            added += 1
            continue
        wanted = {
            **one.columns,
            "parent_id": slot.parent_id if slot else row.parent_id,
            "match_key": slot.match_key if slot else row.match_key,
        }
        if docs.get(one.title) != one.doc:
            kept_docs.append({"b_id": one.title, "b_doc": one.doc})
            changes += _changes(batch, one, docs.get(one.title))
            changed.add(one.title)
        if any(getattr(row, name) != value for name, value in wanted.items()):
            kept_rows.append({"b_id": one.title, **{f"b_{name}": value for name, value in wanted.items()}})
            changed.add(one.title)
    await insert_rows(tx, titles, new_rows)
    await insert_rows(tx, title_docs, new_docs)
    if kept_docs:
        await tx.execute(
            update(title_docs).where(title_docs.c.id == bindparam("b_id")).values(doc=bindparam("b_doc")),
            kept_docs,
        )
    if kept_rows:
        names = [name[2:] for name in kept_rows[0] if name != "b_id"]
        await tx.execute(
            update(titles)
            .where(titles.c.id == bindparam("b_id"))
            .values({**{name: bindparam(f"b_{name}") for name in names}, "version": titles.c.version + 1}),
            kept_rows,
        )
    empty = [title for title in present if title not in filled]
    changes += [_removal(batch, title, docs[title]) for title in empty if title in docs]
    await insert_rows(tx, sync_changes, changes)
    for part in chunks(empty):
        for table, column in (
            (titles, titles.c.id),
            (title_docs, title_docs.c.id),
            (title_ids, title_ids.c.title_id),
            (title_locks, title_locks.c.title_id),
        ):
            await delete_rows(tx, table, column, part)
    await _write_ids(tx, built, membership)
    return Applied(
        added, len(changed), len(empty), tuple([row["id"] for row in new_rows[:100]] + sorted(changed)[:100])
    )


def _build_all(
    members: Mapping[int, list[SourceRecord]], priorities: Priorities, locks: Mapping[int, Locks]
) -> list[_Built]:
    built = []
    for title, found in members.items():
        merged = merge(found, priorities, locks.get(title))
        built.append(_Built(title, columns(merged, found), merged, build(merged, found), found))
    return built


def _locks(stored: Sequence[Sequence[Any]]) -> Locks:
    return {tuple(path): value for path, value in stored}


def _changes(batch: Batch, one: _Built, before: bytes | None) -> list[dict[str, Any]]:
    old = parse(before) if before else None
    values = dict(differences(old.values if old else {}, one.merged.values))
    held = [holding.instance_id for holding in old.holdings] if old else []
    holders = sorted(record.instance for record in one.records)
    if sorted(held) != holders:
        values[("holdings",)] = (sorted(held), holders)
    alone = len(one.records) == 1
    provenance = one.merged.provenance
    found = []
    for path, (was, now) in values.items():
        winner = provenance.get(path)
        rule = "cleared" if now is None else "lock" if winner == LOCK else "only" if alone else "priority"
        found.append(_change(batch, one.title, path, was, now, None if winner == LOCK else winner, rule))
    return found


def _removal(batch: Batch, title: int, before: bytes) -> dict[str, Any]:
    return _change(batch, title, (), dict(parse(before).values), None, None, "removed")


def _change(
    batch: Batch, title: int, path: Path, before: Any, after: Any, instance: str | None, rule: str
) -> dict[str, Any]:
    return {
        "run_id": batch.run_id,
        "title_id": title,
        "at": batch.now,
        "path": list(path),
        "before": before,
        "after": after,
        "instance_id": instance,
        "rule": rule,
    }


async def _write_ids(tx: Tx, built: Sequence[_Built], membership: Membership) -> None:
    """Every id and every further name under which a top-level title is found."""
    tops = {one.title: one for one in built if one.columns["level"] == 0}
    wanted = {
        (one.columns["kind"], provider, value, title)
        for title, one in tops.items()
        for provider, value in _handles(one, membership)
    }
    present = {
        tuple(row)
        for row in await select_rows(
            tx,
            select(title_ids.c.kind, title_ids.c.provider, title_ids.c.value, title_ids.c.title_id),
            title_ids.c.title_id,
            [title for title in tops if title not in membership.fresh],
        )
    }
    for kind, provider, value, title in present - wanted:
        await delete_rows(
            tx,
            title_ids,
            title_ids.c.title_id,
            [title],
            title_ids.c.kind == kind,
            title_ids.c.provider == provider,
            title_ids.c.value == value,
        )
    await insert_rows(
        tx,
        title_ids,
        [
            {"kind": kind, "provider": provider, "value": value, "title_id": title}
            for kind, provider, value, title in sorted(wanted - present)
        ],
    )


def _handles(one: _Built, membership: Membership) -> set[tuple[str, str]]:
    slot = membership.slots.get(one.title)
    found = {
        (provider, value) for record in one.records for provider, value in record.record.ids.items() if value
    }
    if len(one.records) > 1:
        names = {identity_of(record.instance, record.record).name for record in one.records}
        found |= {("name", name) for name in names - {slot.match_key if slot else min(names)}}
    return found
