"""Admins lock values: what stands in a lock is shown whatever servers say, until it is taken away. Holds are let go here too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.bus.events import LibraryChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.document import Document, parse
from medianest_core.domain.library.holds import NONE, Lock, Marks
from medianest_core.domain.library.merge import BY_LEAF, GROUPS, Path, statements, value_at
from medianest_core.domain.library.past import keeping
from medianest_core.domain.library.past.keeping import last_told, with_lock
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.stored import sources
from medianest_core.domain.library.stored.bulk import select_rows
from medianest_core.domain.library.stored.marks import load_marks, store_marks
from medianest_core.domain.library.stored.priorities import load_priorities
from medianest_core.domain.library.writing.finalize import Batch, described, next_title_locked, remerge
from medianest_core.sdk.errors import NotFound, UserError
from medianest_core.sdk.events import Audience
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.library import title_docs
from medianest_core.store.transaction import alone

LONGEST = 20_000
"""Bytes of a locked value."""
TEXTS = frozenset(
    {
        "title",
        "sort_title",
        "original_title",
        "summary",
        "tagline",
        "studio",
        "content_rating",
        "released_on",
    }
)
"""Fields that can be given words nobody offers."""


class _Present:
    """Stands for the value that is shown now."""


PRESENT: Any = _Present()


class Locking:
    """version: of the title's locks and holds as the admin saw them (`Why.version`); raises Stale where it is another by now. None: whatever
    it is. All raise NotFound for a title that is not there."""

    def __init__(self, db: Database, bus: EventBus, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock

    async def lock(
        self,
        title_id: int,
        path: Sequence[str],
        actor: str | None,
        *,
        value: Any = PRESENT,
        version: int | None = None,
    ) -> None:
        """value: None keeps the field empty. Raises UserError for a field or value that cannot be locked."""
        where = tuple(path)
        async with self._db.begin() as tx:
            marks, doc, found = await self._read(tx, title_id, version)
            wanted = value_at(doc.values, where) if value is PRESENT else value
            _check(where, wanted, [doc.values, *(statements(one.record) for one in found)])
            holds = {path: one for path, one in marks.holds.items() if path != where}
            origin = next(
                (
                    one.instance
                    for one in found
                    if wanted is not None and value_at(statements(one.record), where) == wanted
                ),
                None,
            )
            held = marks.holds.get(where)
            if origin is None and held is not None and held.value == wanted:
                origin = held.origin
            lock = Lock(wanted, self._clock.now(), actor, origin)
            await self._write(
                tx,
                title_id,
                replace(marks, locks={**marks.locks, where: lock}, holds=holds)
                if marks.kept is None
                else with_lock(marks, doc, where, lock, self._clock.now()),
                actor,
                "library.locked",
                where,
            )

    async def unlock(
        self, title_id: int, path: Sequence[str], actor: str | None, *, version: int | None = None
    ) -> None:
        """The next owner's value is shown from now on. Raises UserError where there is no such lock."""
        where = tuple(path)
        async with self._db.begin() as tx:
            marks, _, _ = await self._read(tx, title_id, version)
            if where not in marks.locks:
                raise UserError(N_("This value is not locked."), "path")
            locks = {locked: one for locked, one in marks.locks.items() if locked != where}
            await self._write(tx, title_id, replace(marks, locks=locks), actor, "library.unlocked", where)

    async def release(
        self, title_id: int, path: Sequence[str], actor: str | None, *, version: int | None = None
    ) -> None:
        """Hold a value no longer that was rolled back. Raises UserError where it is not held."""
        where = tuple(path)
        async with self._db.begin() as tx:
            marks, _, _ = await self._read(tx, title_id, version)
            if marks.kept is not None:
                raise UserError(N_("No server has this title any more, so there is nothing else to show."))
            if where not in marks.holds:
                raise UserError(N_("This value is not held."), "path")
            await self._write(tx, title_id, marks.without([where]), actor, "library.released_value", where)

    async def _read(
        self, tx: Tx, title_id: int, version: int | None
    ) -> tuple[Marks, Document, list[SourceRecord]]:
        await alone(tx, "library")
        await next_title_locked(tx)
        rows = await select_rows(
            tx, title_docs.select().with_only_columns(title_docs.c.doc), title_docs.c.id, [title_id]
        )
        if not rows:
            raise NotFound(N_("There is no such title."))
        marks = (await load_marks(tx, [title_id])).get(title_id, NONE)
        if version is not None and version != marks.version:
            raise Stale({"version": marks.version})
        doc = parse(rows[0][0])
        if marks.kept is not None:
            return marks, doc, last_told(doc, "", title_id)
        batch = await self._batch(tx, None)
        members, owned = await described(tx, batch, [title_id])
        return marks, doc, [*members.get(title_id, ()), *owned.get(title_id, ())]

    async def _batch(self, tx: Tx, actor: str | None) -> Batch:
        return Batch(
            0, await load_priorities(tx), await sources.numbers(tx, ()), self._clock.now(), actor=actor
        )

    async def _write(
        self, tx: Tx, title_id: int, marks: Marks, actor: str | None, action: str, path: Path
    ) -> None:
        batch = await self._batch(tx, actor)
        if marks.kept is None:
            await store_marks(tx, {title_id: marks})
            applied = await remerge(tx, batch, [title_id])
        else:
            applied = await keeping.write(tx, batch, title_id, marks)
        await record(tx, actor=actor, action=action, target=str(title_id), details={"path": list(path)})
        await self._bus.publish(
            tx,
            LibraryChanged(changed=applied.changed, title_ids=[str(title_id)]),
            Audience.library(),
        )


def _check(path: Path, value: Any, said: Sequence[Mapping[str, Any]]) -> None:
    """A value has the shape of what is offered for the field, or is text where the field is text: all that reads titles relies on it."""
    if not path or len(path) != (2 if path[0] in BY_LEAF else 1) or not all(path):
        raise UserError(N_("There is no such field."), "path")
    offered = [found for values in said if (found := value_at(values, path)) is not None]
    if path[0] not in GROUPS and not offered:
        raise UserError(N_("There is no such field."), "path")
    if value is None or value == "":
        if path == ("title",):
            raise UserError(N_("A title needs a name."), "value")
        if value is None:
            return
        raise UserError(N_("Write something, or lock the field as empty."), "value")
    try:
        size = len(orjson.dumps(value))
    except TypeError as error:
        raise UserError(N_("This value cannot be stored."), "value") from error
    if size > LONGEST:
        raise UserError(N_("This value is too long."), "value")
    if value in offered:
        return
    fits = isinstance(value, str) if path[0] in TEXTS else _is_like(value, path, offered)
    if not fits:
        raise UserError(N_("This field takes another kind of value."), "value")


def _is_like(value: Any, path: Path, offered: Sequence[Any]) -> bool:
    if path == ("year",):
        return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000
    if path[0] in ("rating", "audience_rating"):
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 10
    if path[0] in ("genres", "directors", "writers"):
        return isinstance(value, list) and all(isinstance(one, str) and one for one in value)
    return False
