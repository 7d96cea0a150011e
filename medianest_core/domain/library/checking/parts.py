"""What hangs below a title, and which other parts of the same show a season or an episode could be: for admins who join and part them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from medianest_core.domain.library.reading.query import TitleRow, title_row
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import records, titles

_MOST = 2000


@dataclass(frozen=True, slots=True)
class Part:
    """season: number of the season that an episode hangs in. records: how many servers' records it is made of."""

    row: TitleRow
    season: int | None
    records: int


@dataclass(frozen=True, slots=True)
class Family:
    """above: show and season, outermost first. parts: what hangs right below. others: of the same kind in the same show, without
    itself. At most 2,000 of each."""

    above: Sequence[TitleRow] = ()
    parts: Sequence[Part] = ()
    others: Sequence[Part] = ()


async def family_of(db: Database, title_id: int) -> Family:
    """Empty where there is no such title."""
    async with db.read() as tx:
        above: list[TitleRow] = []
        row = await tx.first(select(titles).where(titles.c.id == title_id))
        own, parent = row, row["parent_id"] if row is not None else None
        while parent is not None and (row := await tx.first(select(titles).where(titles.c.id == parent))):
            above.insert(0, title_row(row))
            parent = row["parent_id"]
        if own is None:
            return Family()
        parts = await _parts(tx, titles.c.parent_id == title_id)
        others: list[Part] = []
        if above:
            homes = select(titles.c.id).where(titles.c.parent_id == above[0].id)
            below = (titles.c.parent_id == above[0].id) | titles.c.parent_id.in_(homes)
            others = await _parts(tx, below, titles.c.kind == own["kind"], titles.c.id != title_id)
        return Family(above, parts, others)


async def _parts(tx: Tx, *where: ColumnElement[bool]) -> list[Part]:
    home = titles.alias("home")
    counted = select(func.count()).where(records.c.title_id == titles.c.id).scalar_subquery().label("counted")
    statement: Any = (
        select(titles, home.c.item_index.label("season"), counted)
        .outerjoin(home, home.c.id == titles.c.parent_id)
        .where(*where)
        .order_by(home.c.item_index, titles.c.item_index, titles.c.id)
        .limit(_MOST)
    )
    return [Part(title_row(row), row["season"], row["counted"]) for row in await tx.all(statement)]
