"""Locks of titles that are kept although no server has them: what such a title is stands in its document alone.

A value that a lock covers would be lost with it, for nobody tells it any more: it stays beside the lock as a hold, and is back
when the lock is taken away.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import update

from medianest_core.domain.library.columns import columns
from medianest_core.domain.library.document import Document, build, parse
from medianest_core.domain.library.holds import Hold, Lock, Marks
from medianest_core.domain.library.merge import LOCK, Path, merge, value_at
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.stored.bulk import insert_rows
from medianest_core.domain.library.stored.marks import store_marks
from medianest_core.domain.library.writing import kept
from medianest_core.domain.library.writing.changes import Writer
from medianest_core.domain.library.writing.finalize import Applied, Batch, next_title_locked
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import sync_changes, title_docs, titles

_OF_FILES = ("kind", "level", "item_index", "added_at", "quality", "hdr", "sources")
"""Columns that follow records, of which there are none: they stay as they are."""


def last_told(doc: Document, kind: str, title: int) -> list[SourceRecord]:
    """The document's values as records of those who told them last; without what admins wrote."""
    values = {
        path: kept.KeptValue(value_at(doc.values, path), origin, 0.0, frozenset())
        for path, origin in doc.provenance().items()
        if origin != LOCK
    }
    return kept.as_record(values, kind, title)


def with_lock(marks: Marks, doc: Document, path: Path, lock: Lock, now: float) -> Marks:
    """The lock over what stands there, which is kept beneath it."""
    origin, value = doc.source_of(*path), value_at(doc.values, path)
    holds = dict(marks.holds)
    if value is not None and origin is not None and origin != LOCK:
        holds[path] = Hold(value, origin, None, None, now, 0)
    return replace(marks, locks={**marks.locks, path: lock}, holds=holds)


async def write(tx: Tx, batch: Batch, title: int, marks: Marks) -> Applied:
    """Stores the marks, and the title as it is with them."""
    await next_title_locked(tx)
    row = await tx.one(titles.select().where(titles.c.id == title))
    data = bytes((await tx.one(title_docs.select().where(title_docs.c.id == title)))["doc"])
    before = parse(data)
    told = last_told(before, row["kind"], title)
    merged = merge(told, batch.priorities, marks.locked, marks.holds)
    doc = build(merged, [])
    there = {path for path, origin in merged.provenance.items() if origin != LOCK}
    # What is shown again stands in the document; beneath a lock it has no other place.
    marks = marks.without([path for path in marks.holds if path in there])
    await store_marks(tx, {title: marks})
    if doc == data:
        return Applied()
    writer = Writer(batch.run_id, batch.now, batch.rule, batch.actor)
    await insert_rows(tx, sync_changes, writer.of_title(title, before, merged, (), marks.holds, alone=True))
    shown = columns(merged, [SourceRecord("", MediaRecord(str(title), row["kind"], "", ""))])
    changed = {name: value for name, value in shown.items() if name not in _OF_FILES}
    await tx.execute(update(title_docs).where(title_docs.c.id == title).values(doc=doc))
    await tx.execute(
        update(titles).where(titles.c.id == title).values(**changed, version=titles.c.version + 1)
    )
    return Applied(changed=1, titles=(title,))
