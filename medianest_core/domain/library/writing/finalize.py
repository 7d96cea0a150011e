"""Writes one batch: records as they were said, and again the titles they touch, in the caller's transaction.

Only real differences are written. Each changed value of a title that was there before leaves a row in `sync_changes`; new
titles are known by their `created_run`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import bindparam, select, update

from medianest_core.base.failpoints import failpoint
from medianest_core.domain.library.columns import columns
from medianest_core.domain.library.document import Document, build, parse
from medianest_core.domain.library.holds import NONE, Marks, fingerprint
from medianest_core.domain.library.identity import identity_of, index_in
from medianest_core.domain.library.merge import Merged, Path, Priorities, ended, merge
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.stored.bulk import (
    chunks,
    delete_rows,
    insert_rows,
    select_rows,
    update_rows,
    upsert_rows,
)
from medianest_core.domain.library.stored.marks import load_marks, store_marks
from medianest_core.domain.library.stored.owned import ask_again, owned_records
from medianest_core.domain.library.writing import kept
from medianest_core.domain.library.writing.changes import Rule, Writer
from medianest_core.domain.library.writing.heirs import follow, heirs_of
from medianest_core.domain.library.writing.membership import Incoming, Membership, Place, Placement, Slot
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import (
    library_state,
    record_data,
    record_details,
    records,
    sync_changes,
    title_docs,
    title_ids,
    title_locks,
    title_owned,
    titles,
)

_COLUMNS = tuple(titles.c.keys())


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
    described: int
    """How many sources its values come from: records, and owners that add to them."""
    over: set[Path]
    """Holds that have ended."""


@dataclass(frozen=True, slots=True)
class _Before:
    """The titles of a batch as they stand. rows: of `titles`. docs, olds: their documents, and those read."""

    rows: Mapping[int, Any]
    docs: Mapping[int, bytes]
    olds: Mapping[int, Document]
    marks: Mapping[int, Marks]


@dataclass(slots=True)
class _Differences:
    """Rows to be added and overwritten, rows of `sync_changes`, and the titles that were there and change."""

    new_rows: list[dict[str, Any]] = field(default_factory=list)
    new_docs: list[dict[str, Any]] = field(default_factory=list)
    kept_rows: list[dict[str, Any]] = field(default_factory=list)
    kept_docs: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Batch:
    """What belongs to all batches of a run. sources: instance id → number. untold: titles whose changes leave no rows, because
    they were not changed but read to the end. rule, actor: why and by whom, where that is not a sync."""

    run_id: int
    priorities: Priorities
    sources: dict[str, int]
    now: float
    untold: frozenset[int] = frozenset()
    rule: Rule | Literal[""] = ""
    actor: str | None = None


async def apply(tx: Tx, batch: Batch, incoming: Sequence[Incoming], gone: Collection[Place] = ()) -> Applied:
    """Store `incoming` records and forget `gone` ones; merge and write the titles they touch."""
    # Also serialises batches of several runs: the row stays locked until the end of the transaction.
    next_title = await next_title_locked(tx)
    placement = Placement(tx, batch.sources, next_title)
    membership = await placement.place(incoming, gone)
    await _write_records(tx, batch, membership, incoming, gone)
    failpoint("library.recording")
    probed: dict[int, set[str]] = defaultdict(set)
    for one in incoming:
        probed[membership.assigned[one.place]].add(one.instance)
    applied = await _write_titles(tx, batch, membership, asking=True, probed=probed)
    failpoint("library.finalizing")
    if placement.next_title != next_title:
        await tx.execute(update(library_state).values(next_title=placement.next_title))
    return applied


async def remerge(tx: Tx, batch: Batch, wanted: Collection[int]) -> Applied:
    """Merge titles again from their stored records, after priorities or locks changed."""
    next_title = await next_title_locked(tx)
    placement = Placement(tx, batch.sources, next_title)
    placement.result.touched |= set(wanted)
    return await _write_titles(tx, batch, await placement.place((), ()))


async def described(
    tx: Tx, batch: Batch, wanted: Collection[int]
) -> tuple[Mapping[int, list[SourceRecord]], Mapping[int, list[SourceRecord]]]:
    """What these titles are made of: the records of servers that have them, and what owners add."""
    placement = Placement(tx, batch.sources, 0)
    placement.result.touched |= set(wanted)
    members = (await placement.place((), ())).members
    found = {title: list(members[title].values()) for title in wanted}
    return found, await owned_records(tx, batch.sources, wanted)


async def regroup(
    tx: Tx,
    batch: Batch,
    wanted: Collection[int],
    *,
    leading: int | None = None,
    prefer: Mapping[Place, int] | None = None,
) -> Applied:
    """Decide anew which records make these titles, after an admin said which belong together. leading, prefer: see
    `Placement`."""
    next_title = await next_title_locked(tx)
    placement = Placement(tx, batch.sources, next_title)
    placement.leading, placement.prefer = leading, dict(prefer or {})
    membership = await placement.place((), (), wanted)
    await _write_records(tx, batch, membership, (), ())
    applied = await _write_titles(tx, batch, membership, asking=True)
    if placement.next_title != next_title:
        await tx.execute(update(library_state).values(next_title=placement.next_title))
    return applied


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
    for write, known in ((insert_rows, False), (upsert_rows, True)):
        told = [one for one in incoming if (one.place in membership.known) is known]
        narrow = [
            {
                "source": batch.sources[one.instance],
                "key": one.record.key,
                "library": one.record.library,
                "kind": one.record.kind,
                "digest": one.digest,
                "parent": one.record.parent,
                "title_id": membership.assigned[one.place],
                "missing": 0,
            }
            for one in told
        ]
        data = [
            {"source": batch.sources[one.instance], "key": one.record.key, "data": one.data} for one in told
        ]
        await write(tx, records, narrow)
        await write(tx, record_data, data)
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
        for table in (records, record_data, record_details):
            await delete_rows(tx, table, table.c.key, keys, table.c.source == batch.sources[instance])


async def _write_titles(
    tx: Tx,
    batch: Batch,
    membership: Membership,
    *,
    asking: bool = False,
    probed: Mapping[int, Collection[str]] | None = None,
) -> Applied:
    """asking: owners of fields are asked again about titles that changed. probed: title → instances that were just asked about it."""
    touched = membership.touched
    present = touched - membership.fresh
    empty = [title for title in present if not membership.members[title]]
    heirs = heirs_of(empty, membership.went)
    await follow(tx, heirs, batch.now)
    docs: dict[int, bytes] = dict(
        await select_rows(tx, select(title_docs.c.id, title_docs.c.doc), title_docs.c.id, present)
    )
    olds = await asyncio.to_thread(_parse_all, docs)
    rows = {row.id: row for row in await select_rows(tx, select(titles), titles.c.id, present)}
    marks = await load_marks(tx, touched)
    empty = [title for title in empty if marks.get(title, NONE).kept is None]
    filled = {
        title: list(membership.members[title].values()) for title in touched if membership.members[title]
    }
    withheld = {title for title, one in marks.items() if _stays_withheld(one, filled.get(title))}
    shown = {title: found for title, found in filled.items() if title not in withheld}
    owned = await owned_records(tx, batch.sources, shown.keys() & present)
    told = {title: [*found, *owned.get(title, ())] for title, found in shown.items() if title in present}
    held = {title: one.holds for title, one in marks.items()}
    stay = await kept.stay(tx, told, olds, probed or {}, batch.priorities.off, batch.now, held)
    for title, stays in stay.items():
        owned[title] = [*owned.get(title, ()), *stays]
    # Merging and comparing are pure computing: in a thread they leave the event loop to others.
    built = await asyncio.to_thread(_build_all, shown, owned, batch.priorities, marks)
    before = _Before(rows, docs, olds, marks)
    found = await asyncio.to_thread(_compare, batch, built, before, membership.slots)
    await insert_rows(tx, titles, found.new_rows)
    await insert_rows(tx, title_docs, found.new_docs)
    await update_rows(tx, title_docs, "id", found.kept_docs)
    await update_rows(tx, titles, "id", found.kept_rows, counts="version")
    writer, changes = _writer(batch), found.changes
    changes += [
        writer.removal(title, rows[title]._mapping, docs[title], marks.get(title, NONE), heirs.get(title))
        for title in empty
        if title in docs
    ]
    leaving = {title: rows[title] for title in withheld if title in rows}
    changes += [
        writer.removal(title, row._mapping, docs[title], marks[title], rule="withheld")
        for title, row in leaving.items()
    ]
    await insert_rows(tx, sync_changes, changes)
    await _withhold(tx, leaving)
    await store_marks(
        tx, {one.title: left for one in built if (left := _marks_left(marks.get(one.title), one.over))}
    )
    for part in chunks(empty):
        for table, column in (
            (titles, titles.c.id),
            (title_docs, title_docs.c.id),
            (title_ids, title_ids.c.title_id),
            (title_locks, title_locks.c.title_id),
            (title_owned, title_owned.c.title_id),
        ):
            await delete_rows(tx, table, column, part)
        await kept.forget(tx, part)
    await _write_ids(tx, built, membership)
    if asking:
        await ask_again(tx, found.changed)
    return Applied(
        len(found.new_rows),
        len(found.changed),
        len(empty) + len(leaving),
        tuple([row["id"] for row in found.new_rows[:100]] + sorted(found.changed)[:100]),
    )


def _writer(batch: Batch) -> Writer:
    return Writer(batch.run_id, batch.now, batch.rule, batch.actor)


def _parse_all(docs: Mapping[int, bytes]) -> dict[int, Document]:
    return {title: parse(doc) for title, doc in docs.items()}


def _compare(
    batch: Batch, built: Sequence[_Built], before: _Before, slots: Mapping[int, Slot]
) -> _Differences:
    """What is to be written so that these titles are what they were built to be."""
    found, writer = _Differences(), _writer(batch)
    for one in built:
        slot = slots.get(one.title)
        row = before.rows.get(one.title)
        if row is None and slot is None:
            slot = _slot_before(before.marks.get(one.title, NONE))
        if row is None:
            assert slot is not None, "a new title has a place"
            found.new_rows.append(
                {
                    "id": one.title,
                    "parent_id": slot.parent_id,
                    "match_key": slot.match_key,
                    "created_run": batch.run_id,
                    "version": 1,
                    **one.columns,
                    "item_index": index_in(slot.match_key, one.columns["item_index"]),
                }
            )
            found.new_docs.append({"id": one.title, "doc": one.doc})
            if one.title in before.marks and batch.rule:
                found.changes.append(writer.restored(one.title))
            continue
        wanted = {
            **one.columns,
            "parent_id": slot.parent_id if slot else row.parent_id,
            "match_key": slot.match_key if slot else row.match_key,
        }
        wanted["item_index"] = index_in(wanted["match_key"], one.columns["item_index"])
        if before.docs.get(one.title) != one.doc:
            found.kept_docs.append({"id": one.title, "doc": one.doc})
            if one.title not in batch.untold:
                found.changes += writer.of_title(
                    one.title,
                    before.olds.get(one.title),
                    one.merged,
                    [record.instance for record in one.records],
                    before.marks.get(one.title, NONE).without(one.over).holds,
                    alone=one.described == 1,
                )
            found.changed.add(one.title)
        was = dict(zip(_COLUMNS, row, strict=True))
        if any(was[name] != value for name, value in wanted.items()):
            found.kept_rows.append({"id": one.title, **wanted})
            found.changed.add(one.title)
    return found


def _build_all(
    members: Mapping[int, list[SourceRecord]],
    owned: Mapping[int, list[SourceRecord]],
    priorities: Priorities,
    marks: Mapping[int, Marks],
) -> list[_Built]:
    built = []
    for title, found in members.items():
        # Owners add values, but are no place where the title is.
        described = [*found, *owned.get(title, ())]
        mine = marks.get(title, NONE)
        merged = merge(described, priorities, mine.locked, mine.holds)
        over = ended(mine.holds, described) if mine.holds else set()
        built.append(
            _Built(title, columns(merged, found), merged, build(merged, found), found, len(described), over)
        )
    return built


def _stays_withheld(marks: Marks, found: list[SourceRecord] | None) -> bool:
    """Until servers say something else of what it is, or another server has it."""
    return bool(marks.withheld and found and marks.withheld.said == fingerprint(found))


def _slot_before(marks: Marks) -> Slot | None:
    return Slot(marks.withheld.parent_id, marks.withheld.match_key) if marks.withheld else None


def _marks_left(marks: Marks | None, over: set[Path]) -> Marks | None:
    """None where nothing ended. A title that servers have again needs no keeping."""
    if marks is None or not (over or marks.kept is not None or marks.withheld is not None):
        return None
    return replace(marks.without(over), kept=None, withheld=None)


async def _withhold(tx: Tx, rows: Mapping[int, Any]) -> None:
    """Take titles out of all lists. Their ids and names stay, so that records that come later find them."""
    for table, column in ((titles, titles.c.id), (title_docs, title_docs.c.id)):
        await delete_rows(tx, table, column, rows)
    names = [
        {"kind": row.kind, "provider": "name", "value": row.match_key, "title_id": title}
        for title, row in sorted(rows.items())
        if row.level == 0
    ]
    await upsert_rows(tx, title_ids, names)


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
