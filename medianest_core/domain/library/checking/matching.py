"""Repairs of identity by hand: several titles are one, or a record is none of a title's; the same for seasons and episodes. What is said
holds for every later sync and can be taken back; what pointed to a title follows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.bus.events import LibraryChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.checking.mismatches import (
    Finding,
    Matched,
    Mismatch,
    count_mismatches,
    find_mismatches,
    matched_titles,
)
from medianest_core.domain.library.checking.parts import Family, family_of
from medianest_core.domain.library.identity import Place
from medianest_core.domain.library.stored import sources
from medianest_core.domain.library.stored.bulk import select_rows
from medianest_core.domain.library.stored.decisions import (
    APART,
    SAME,
    Decision,
    decisions_of,
    every_pair,
    store_decision,
    take_back,
)
from medianest_core.domain.library.stored.priorities import load_priorities
from medianest_core.domain.library.writing.finalize import Applied, Batch, regroup
from medianest_core.domain.library.writing.heirs import living, naming
from medianest_core.sdk.errors import NotFound, UserError
from medianest_core.sdk.events import Audience
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.decisions import title_aliases
from medianest_core.store.tables.library import library_sources, records, title_locks, titles
from medianest_core.store.transaction import alone

MOST_AT_ONCE = 20
MOST_BELOW = 5000
"""Seasons and episodes that get back what they had when a join of their shows is taken back."""


class Matching:
    def __init__(self, db: Database, bus: EventBus, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock

    async def living(self, title_id: int) -> int | None:
        """The title that one which is gone went into, or None."""
        async with self._db.glance() as tx:
            return await living(tx, title_id)

    async def counts(self) -> dict[str, int]:
        """How many of what could not be matched, or is in doubt; by `mismatches.Mismatch`."""
        return await count_mismatches(self._db)

    async def mismatches(self, kind: Mismatch, *, offset: int = 0, limit: int = 25) -> list[Finding]:
        """One page of them."""
        return await find_mismatches(self._db, kind, offset=offset, limit=limit)

    async def matched(self, title_id: int) -> Matched | None:
        """A title with the records it is made of."""
        async with self._db.read() as tx:
            return (await matched_titles(tx, [title_id])).get(title_id)

    async def family(self, title_id: int) -> Family:
        """What it is part of and made of: for seasons and episodes that are to be joined."""
        return await family_of(self._db, title_id)

    async def decisions(self, limit: int = 100) -> list[Decision]:
        """Newest first."""
        async with self._db.read() as tx:
            return await decisions_of(tx, limit)

    async def join(self, title_ids: Sequence[int], actor: str | None) -> int:
        """Make one title of these; the first one's id and address stay. Returns that id.

        Raises NotFound, and UserError where they cannot be one.
        """
        wanted = list(dict.fromkeys(title_ids))
        if not 2 <= len(wanted) <= MOST_AT_ONCE:
            raise UserError(N_("Choose between 2 and {count} titles.").format(count=MOST_AT_ONCE))
        async with self._db.begin() as tx:
            await alone(tx, "library")
            rows = await _rows(tx, wanted)
            if len({row["kind"] for row in rows.values()}) > 1:
                raise UserError(N_("Titles of different kinds cannot be one."))
            places = await _places(tx, wanted)
            before = await _before(tx, {**places, **await _places(tx, await _below(tx, wanted))})
            decision = await store_decision(
                tx,
                SAME,
                every_pair(places[title] for title in wanted),
                at=self._clock.now(),
                actor=actor,
                titles=[await _name(tx, rows[title]) for title in wanted],
                before=before,
            )
            await self._regroup(tx, wanted, leading=wanted[0])
            await _note(tx, actor, "library.joined", wanted[0], {"titles": wanted, "decision": decision})
        return wanted[0]

    async def split(self, title_id: int, instance_id: str, key: str, actor: str | None) -> int:
        """Take a record off a title; it becomes one of its own, or goes where else it belongs. Returns the id of its title.

        Raises NotFound, and UserError where the title has nothing else.
        """
        odd = (instance_id, key)
        async with self._db.begin() as tx:
            await alone(tx, "library")
            rows = await _rows(tx, [title_id])
            places = await _places(tx, [title_id])
            others = [place for place in places[title_id] if place != odd]
            if len(others) == len(places[title_id]):
                raise NotFound("This record does not belong to this title.")
            if not others:
                raise UserError(N_("This title has no other record."))
            decision = await store_decision(
                tx,
                APART,
                {(odd, other) for other in others},
                at=self._clock.now(),
                actor=actor,
                titles=[await _name(tx, rows[title_id])],
                before=await _before(tx, places),
            )
            await self._regroup(tx, [title_id], leading=None)
            await _note(tx, actor, "library.split", title_id, {"record": list(odd), "decision": decision})
            return (await _titles_at(tx, [odd]))[odd]

    async def take_back(self, decision_id: int, actor: str | None) -> None:
        """Let the rules decide again. Titles that had been joined get back their ids and what pointed to them. Raises NotFound."""
        async with self._db.begin() as tx:
            await alone(tx, "library")
            decision = await take_back(tx, decision_id)
            if decision is None:
                raise NotFound("There is no such decision.")
            former = {
                (str(instance), str(key)): int(title)
                for title, places in decision.before["places"].items()
                for instance, key in places
            }
            now = set((await _titles_at(tx, former)).values())
            await self._regroup(tx, now, leading=None, prefer=former)
            back = await _titles_at(tx, former)
            for title in {title for place, title in former.items() if back.get(place) == title}:
                await _restore(tx, title, decision.before)
            await self._regroup(tx, set(back.values()), leading=None)
            await _note(tx, actor, "library.decision_taken_back", decision_id, {"verdict": decision.verdict})

    async def _regroup(
        self,
        tx: Tx,
        wanted: Collection[int],
        *,
        leading: int | None,
        prefer: Mapping[Place, int] | None = None,
    ) -> Applied:
        numbers = await sources.numbers(tx, ())
        batch = Batch(0, await load_priorities(tx), numbers, self._clock.now())
        applied = await regroup(tx, batch, wanted, leading=leading, prefer=prefer)
        await self._bus.publish(
            tx,
            LibraryChanged(
                added=applied.added,
                changed=applied.changed,
                removed=applied.removed,
                title_ids=[str(title) for title in dict.fromkeys([*wanted, *applied.titles])][:200],
            ),
            Audience.library(),
        )
        return applied


async def _note(tx: Tx, actor: str | None, action: str, target: int, details: dict[str, Any]) -> None:
    await record(tx, actor=actor, action=action, target=str(target), details=details)


async def _rows(tx: Tx, wanted: Sequence[int]) -> dict[int, RowMapping]:
    rows = {row["id"]: row for row in await tx.all(select(titles).where(titles.c.id.in_(wanted)))}
    if len(rows) < len(set(wanted)):
        raise NotFound("There is no such title.")
    return rows


async def _below(tx: Tx, wanted: Sequence[int]) -> list[int]:
    """Their seasons and episodes, which become one too where they are alike; as many as can be remembered."""
    found: list[int] = []
    level = list(wanted)
    while level:
        rows = await select_rows(tx, select(titles.c.id), titles.c.parent_id, level)
        level = [row[0] for row in rows]
        found += level
    return sorted(found)[:MOST_BELOW]


async def _places(tx: Tx, wanted: Sequence[int]) -> dict[int, list[Place]]:
    found: dict[int, list[Place]] = defaultdict(list)
    rows = await tx.execute(
        select(records.c.title_id, library_sources.c.instance_id, records.c.key)
        .join(library_sources, library_sources.c.id == records.c.source)
        .where(records.c.title_id.in_(wanted))
        .order_by(library_sources.c.instance_id, records.c.key)
    )
    for title, instance, key in rows.all():
        found[title].append((instance, key))
    return found


async def _titles_at(tx: Tx, places: Iterable[Place]) -> dict[Place, int]:
    by_instance: dict[str, list[str]] = defaultdict(list)
    for instance, key in places:
        by_instance[instance].append(key)
    found: dict[Place, int] = {}
    for instance, keys in by_instance.items():
        rows = await tx.execute(
            select(records.c.key, records.c.title_id)
            .join(library_sources, library_sources.c.id == records.c.source)
            .where(library_sources.c.instance_id == instance, records.c.key.in_(keys))
        )
        found |= {(instance, key): title for key, title in rows.all()}
    return found


async def _before(tx: Tx, places: Mapping[int, Sequence[Place]]) -> dict[str, Any]:
    """What is needed to give titles back what they had: their records, their locks, and the rows that named them."""
    wanted = list(places)
    locks = await tx.all(select(title_locks).where(title_locks.c.title_id.in_(wanted)))
    named: dict[str, list[list[Any]]] = {}
    for table, column, key in naming():
        rows = await tx.execute(select(table.c[column], table.c[key]).where(table.c[column].in_(wanted)))
        named[f"{table.name}.{column}"] = [list(row) for row in rows.all()]
    return {
        "places": {str(title): [list(place) for place in found] for title, found in places.items()},
        "locks": {str(row["title_id"]): row["locks"] for row in locks},
        "named": named,
    }


async def _restore(tx: Tx, title: int, before: Mapping[str, Any]) -> None:
    """Give a title that is there again what it had, as far as that is still where it went."""
    heir = await living(tx, title)
    await tx.execute(delete(title_aliases).where(title_aliases.c.old_id == title))
    if heir is None:
        return
    for table, column, key in naming():
        keys = [one for owner, one in before["named"].get(f"{table.name}.{column}", ()) if owner == title]
        if keys:
            await tx.execute(
                update(table).where(table.c[key].in_(keys), table.c[column] == heir).values({column: title})
            )
    locks = before["locks"].get(str(title))
    present = await tx.scalar(select(title_locks.c.title_id).where(title_locks.c.title_id == title))
    if not locks or present is not None:
        return
    await tx.execute(title_locks.insert().values(title_id=title, locks=locks, version=1))
    own = {tuple(one[0]) for one in before["locks"].get(str(heir), ())}
    row = await tx.first(select(title_locks).where(title_locks.c.title_id == heir))
    if row is not None:
        lent = [one for one in locks if tuple(one[0]) not in own]
        left = [one for one in row["locks"] if one not in lent]
        changed = update(title_locks).where(title_locks.c.title_id == heir)
        await tx.execute(
            changed.values(locks=left, version=row["version"] + 1)
            if left
            else delete(title_locks).where(title_locks.c.title_id == heir)
        )


async def _name(tx: Tx, row: RowMapping) -> str:
    """As decisions are listed: "Heat (1995)", "Dark · 1 · 5 Truths"."""
    if not row["level"]:
        return f"{row['title']} ({row['year']})" if row["year"] else str(row["title"])
    names = [str(row["title"]) if row["item_index"] is None else f"{row['item_index']} {row['title']}"]
    above = row["parent_id"]
    while above is not None and (parent := await tx.first(select(titles).where(titles.c.id == above))):
        index = parent["item_index"]
        names.insert(0, str(parent["title"] if index is None or not parent["level"] else index))
        above = parent["parent_id"]
    return " · ".join(names)
