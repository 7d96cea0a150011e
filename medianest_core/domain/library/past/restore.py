"""Carries out what a rollback wants of some titles, in the caller's transaction: values, and whole titles that came or went."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import select

from medianest_core.domain.library.document import parse
from medianest_core.domain.library.holds import NONE, Marks, Withheld, fingerprint, marks_of
from medianest_core.domain.library.merge import Path, merge, value_at
from medianest_core.domain.library.past.undo import ANY, Outcome, Undone, Wish, undo
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.stored.bulk import insert_rows, select_rows
from medianest_core.domain.library.stored.marks import load_marks, store_marks
from medianest_core.domain.library.writing.changes import HOLDINGS, WHOLE_RULES, Writer
from medianest_core.domain.library.writing.finalize import Applied, Batch, described, remerge
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import sync_changes, title_docs, title_ids, titles

Done = tuple[list[Undone], Applied]


async def undo_titles(tx: Tx, batch: Batch, wanted: Mapping[int, Mapping[Path, Wish]]) -> Done:
    """Values of titles that are there; others are passed over."""
    docs = dict(await select_rows(tx, select(title_docs.c.id, title_docs.c.doc), title_docs.c.id, wanted))
    names = await _names(tx, wanted)
    marks = await load_marks(tx, wanted)
    members, owned = await described(tx, batch, docs.keys())
    present = [title for title in wanted if title in docs and members.get(title)]
    # A title that no server has stays as it was kept.
    lost = [
        Undone(title, names[title], path, None, None, "gone")
        for title, paths in wanted.items()
        if title in docs and not members.get(title)
        for path in paths
    ]

    def decide() -> tuple[dict[int, Marks], list[Undone]]:
        left, found = {}, []
        for title in present:
            doc, mine = parse(docs[title]), marks.get(title, NONE)
            base = merge([*members[title], *owned.get(title, ())], batch.priorities)
            new, outcomes = undo(mine, doc, base, wanted[title], batch.now, batch.run_id)
            if new != mine:
                left[title] = new
            for path, outcome in outcomes.items():
                before, wish = value_at(doc.values, path), wanted[title][path].value
                after = wish if outcome == "restored" and wish is not ANY else before
                found.append(Undone(title, names[title], path, before, after, outcome))
        return left, found

    changed, found = await asyncio.to_thread(decide)
    await store_marks(tx, changed)
    return [*found, *lost], await remerge(tx, batch, changed.keys())


async def withhold(tx: Tx, batch: Batch, ids: Collection[int], *, run_id: int | None = None) -> Done:
    """Take titles out of the library that servers list. run_id: the run that added them; those of which later runs found further
    servers stay."""
    names = await _names(tx, ids)
    members, _ = await described(tx, batch, ids)
    later = await _spread(tx, members, run_id) if run_id is not None else set()
    slots = {
        row[0]: row[1:]
        for row in await select_rows(
            tx, select(titles.c.id, titles.c.parent_id, titles.c.match_key), titles.c.id, ids
        )
    }
    marks = await load_marks(tx, ids)
    chosen = [title for title in ids if title in slots and members.get(title) and title not in later]
    await store_marks(
        tx,
        {
            title: replace(
                marks.get(title, NONE),
                withheld=Withheld(
                    fingerprint(members[title]), slots[title][0], slots[title][1], batch.now, batch.run_id
                ),
            )
            for title in chosen
        },
    )
    # Those that were only kept go for good.
    unkept = [title for title in ids if title in slots and title in marks and marks[title].kept is not None]
    await store_marks(tx, {title: replace(marks[title], kept=None) for title in unkept})
    chosen += unkept
    found = [_whole(title, names[title], "withheld") for title in chosen]
    found += [_whole(title, names[title], "later") for title in sorted(later & slots.keys())]
    return found, await remerge(tx, batch, chosen)


async def undo_wholes(tx: Tx, batch: Batch, rows: Mapping[int, Mapping[str, Any]], level: int) -> Done:
    """rows: title id → the row that says how the title came or went. Only titles of that level; those of which it is not known count
    as 0."""
    marks = await load_marks(tx, rows)
    present = {row[0] for row in await select_rows(tx, select(titles.c.id), titles.c.id, rows)}
    found: list[Undone] = []
    applied = Applied()
    shown, hidden, unkept = {}, [], {}
    for title, row in sorted(rows.items()):
        mine = marks.get(title, NONE)
        was = row["before"] or {}
        if was.get("row", {}).get("level", 0) != level:
            continue
        name = str((was.get("values") or {}).get("title") or title)
        if row["rule"] == "restored":
            if title in present and mine.kept is not None:
                unkept[title] = replace(mine, kept=None)
                found.append(_whole(title, name, "withheld"))
            elif title in present:
                hidden.append(title)
        elif title in present:
            found.append(_whole(title, name, "same"))
        elif mine.withheld is not None:
            # Whatever it stood against, servers now say something else: the merge shows the title again and knows its place.
            shown[title] = replace(mine, withheld=replace(mine.withheld, said=""))
            found.append(_whole(title, name, "revived"))
        elif row["rule"] == "removed" and await _free(tx, was):
            await _revive(tx, batch, title, was)
            applied += Applied(added=1, titles=(title,))
            found.append(_whole(title, name, "revived"))
        else:
            found.append(_whole(title, name, "gone"))
    await store_marks(tx, {**shown, **unkept})
    applied += await remerge(tx, batch, [*shown, *unkept])
    if hidden:
        more, also = await withhold(tx, batch, hidden)
        found += more
        applied += also
    return found, applied


async def _free(tx: Tx, was: Mapping[str, Any]) -> bool:
    """Whether the title's place is still empty: no other has its ids or its name, and its parent is there."""
    row = was.get("row")
    if row is None:
        return False
    if row["parent_id"] is not None:
        if await tx.scalar(select(titles.c.id).where(titles.c.id == row["parent_id"])) is None:
            return False
        same_place = (titles.c.parent_id == row["parent_id"], titles.c.match_key == row["match_key"])
        return await tx.scalar(select(titles.c.id).where(*same_place)) is None
    if await tx.scalar(
        select(titles.c.id).where(titles.c.level == row["level"], titles.c.match_key == row["match_key"])
    ):
        return False
    for provider, value in _handles(was):
        # Of titles that are withheld only the ids are left; they take no place.
        taken = (
            select(title_ids.c.title_id)
            .join(titles, titles.c.id == title_ids.c.title_id)
            .where(
                title_ids.c.kind == row["kind"],
                title_ids.c.provider == provider,
                title_ids.c.value == value,
            )
        )
        if await tx.scalar(taken) is not None:
            return False
    return True


async def _revive(tx: Tx, batch: Batch, title: int, was: Mapping[str, Any]) -> None:
    """A title that no server has: it is shown as it was, with no place to watch it, until one has it again."""
    row = {name: value for name, value in was["row"].items() if name in titles.c}
    await insert_rows(tx, titles, [{**row, "id": title, "sources": "", "version": 1}])
    doc = {name: was[name] for name in ("values", "source", "exceptions")} | {"holdings": []}
    await insert_rows(tx, title_docs, [{"id": title, "doc": orjson.dumps(doc, option=orjson.OPT_SORT_KEYS)}])
    if row["level"] == 0:
        await insert_rows(
            tx,
            title_ids,
            [
                {"kind": row["kind"], "provider": provider, "value": value, "title_id": title}
                for provider, value in _handles(was)
            ],
        )
    marks = marks_of(was.get("locks") or [], was.get("holds") or {}, 0)
    await store_marks(tx, {title: replace(marks, kept=batch.now, withheld=None)})
    writer = Writer(batch.run_id, batch.now, batch.rule, batch.actor)
    await insert_rows(tx, sync_changes, [writer.restored(title)])


def _handles(was: Mapping[str, Any]) -> list[tuple[str, str]]:
    ids = was["values"].get("ids") or {}
    return sorted((provider, str(value)) for provider, value in ids.items() if value)


async def _spread(tx: Tx, members: Mapping[int, Sequence[SourceRecord]], run_id: int) -> set[int]:
    """Titles that servers have which did not have them at the end of the run."""
    statement = (
        select(sync_changes.c.title_id, sync_changes.c.path, sync_changes.c.before)
        .where(sync_changes.c.run_id > run_id, sync_changes.c.rule.not_in(("rollback", *WHOLE_RULES)))
        .order_by(sync_changes.c.id)
    )
    first: dict[int, set[str]] = {}
    for title, path, before in await select_rows(tx, statement, sync_changes.c.title_id, members):
        if tuple(path) == HOLDINGS:
            first.setdefault(title, set(before or ()))
    return {title for title, had in first.items() if {one.instance for one in members[title]} - had}


async def _names(tx: Tx, ids: Collection[int]) -> dict[int, str]:
    rows = await select_rows(tx, select(titles.c.id, titles.c.title), titles.c.id, ids)
    return {title: name for title, name in rows}  # noqa: C416  # rows are not pairs to the type checker


def _whole(title: int, name: str, outcome: Outcome) -> Undone:
    return Undone(title, name, (), None, None, outcome)
