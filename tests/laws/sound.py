"""What must hold of every library at any moment at which nothing is being written: no half title, and nothing but what follows from
the records, values that wait for others to be asked, the order of sources, and what admins said."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson
from sqlalchemy import select

from medianest_core.domain.library.columns import columns
from medianest_core.domain.library.detail import overlaid
from medianest_core.domain.library.document import build
from medianest_core.domain.library.identity import cluster, identity_of
from medianest_core.domain.library.merge import Path, merge
from medianest_core.domain.library.records import SourceRecord, decode
from medianest_core.domain.library.stored.decisions import load_decisions
from medianest_core.domain.library.stored.marks import load_marks
from medianest_core.domain.library.stored.owned import owned_records
from medianest_core.domain.library.stored.priorities import load_priorities
from medianest_core.domain.library.stored.sources import numbers
from medianest_core.domain.library.writing.kept import KeptValue, as_record
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.decisions import kept_values
from medianest_core.store.tables.library import record_data, record_details, records, title_docs, titles

Docs = dict[int, bytes]


async def sound(db: Database) -> Docs:
    """Asserts it, and returns title id → document."""
    async with db.read() as tx:
        said, homes = await _records(tx)
        rows = {row["id"]: row for row in await tx.all(select(titles))}
        docs: Docs = {row[0]: bytes(row[1]) for row in await tx.execute(select(title_docs))}
        marks = await load_marks(tx, set(rows) | set(homes.values()))
        priorities, decided = await load_priorities(tx), await load_decisions(tx)
        owned = await owned_records(tx, await numbers(tx, ()), set(rows))
        waiting = await _waiting(tx)
    withheld = {title for title, one in marks.items() if one.withheld is not None}
    kept = {title for title, one in marks.items() if one.kept is not None}
    assert docs.keys() == rows.keys(), "a title and its document come and go together"
    assert set(homes.values()) - withheld <= rows.keys(), "a record belongs to a title that is there"
    members: dict[int, list[SourceRecord]] = defaultdict(list)
    for place, title in homes.items():
        members[title].append(said[place])
    for title, row in rows.items():
        assert members[title] or title in kept, f"no server has {row['title']}"
        parent = row["parent_id"]
        assert parent is None or parent in rows, f"{row['title']} is under a title that is not there"
        if not members[title]:
            continue
        merged = merge(
            [*members[title], *owned.get(title, ()), *as_record(waiting[title], row["kind"], title)],
            priorities,
            marks[title].locked if title in marks else {},
            marks[title].holds if title in marks else {},
        )
        assert docs[title] == build(merged, members[title]), (
            f"{row['title']} is not what follows from its records"
        )
        for name, value in columns(merged, members[title]).items():
            assert row[name] == value, f"{name} of {row['title']}"
    tops = [place for place, title in homes.items() if title in rows and rows[title]["level"] == 0]
    groups = cluster([identity_of(place[0], said[place].record) for place in tops], decided)
    together: dict[int, set[Any]] = defaultdict(set)
    for place in tops:
        together[homes[place]].add(place)
    assert {frozenset(one.place for one in group) for group in groups} == {
        frozenset(places) for places in together.values()
    }, "which records are one title does not depend on how they came"
    return docs


async def _waiting(tx: Tx) -> dict[int, dict[Path, KeptValue]]:
    """title id → what its sources no longer tell but not all were asked about."""
    found: dict[int, dict[Path, KeptValue]] = defaultdict(dict)
    for row in await tx.all(select(kept_values)):
        path = tuple(orjson.loads(row["path"]))
        found[row["title_id"]][path] = KeptValue(
            row["value"], row["instance_id"], row["since_at"], frozenset(row["waits"])
        )
    return found


async def _records(tx: Tx) -> tuple[dict[Any, SourceRecord], dict[Any, int]]:
    """(instance, key) → record; (instance, key) → title id."""
    names = {number: instance for instance, number in (await numbers(tx, ())).items()}
    rows = (await tx.execute(select(records.c.source, records.c.key, records.c.title_id))).all()
    data = {(row[0], row[1]): row[2] for row in await tx.execute(select(record_data))}
    more = {
        (row[0], row[1]): row[2]
        for row in await tx.execute(
            select(record_details.c.source, record_details.c.key, record_details.c.data)
        )
    }
    places = {(row[0], row[1]) for row in rows}
    assert data.keys() == places, "a record and its bytes come and go together"
    assert more.keys() <= places, "no details are left of a record that is gone"
    said = {
        (names[source], key): SourceRecord(
            names[source], overlaid(decode(data[(source, key)]), more.get((source, key)))
        )
        for source, key in places
    }
    return said, {(names[source], key): title for source, key, title in rows}
