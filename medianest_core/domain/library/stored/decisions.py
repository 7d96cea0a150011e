"""The rows of what admins decided about records: which are one title, and which are not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, or_, select

from medianest_core.domain.library.identity import Decisions, Place
from medianest_core.store.engine import Tx
from medianest_core.store.tables.decisions import identity_decisions, identity_pairs

SAME = "same"
APART = "apart"
Pair = tuple[Place, Place]


@dataclass(frozen=True, slots=True)
class Decision:
    """verdict: "same" or "apart". titles: names of the titles it was about. before: see `matching.Matching`."""

    id: int
    verdict: str
    at: float
    actor: str | None
    titles: Sequence[str]
    before: Mapping[str, Any]


async def load_decisions(tx: Tx) -> Decisions:
    """All of them: they are made by hand, so they are few."""
    pairs: dict[str, set[Pair]] = {SAME: set(), APART: set()}
    for row in await tx.all(select(identity_pairs)):
        pairs[row["verdict"]].add(((row["instance_a"], row["key_a"]), (row["instance_b"], row["key_b"])))
    return Decisions(frozenset(pairs[SAME]), frozenset(pairs[APART]))


async def store_decision(
    tx: Tx,
    verdict: str,
    pairs: Collection[Pair],
    *,
    at: float,
    actor: str | None,
    titles: Sequence[str],
    before: Mapping[str, Any],
) -> int:
    """The id. What is said now replaces what was said of the same two records before."""
    inserted = await tx.execute(
        identity_decisions.insert()
        .values(verdict=verdict, at=at, actor=actor, titles=list(titles), before=dict(before))
        .returning(identity_decisions.c.id)
    )
    decision_id = int(inserted.scalar_one())
    for one, other in pairs:
        both = or_(*(_pair_is(a, b) for a, b in ((one, other), (other, one))))
        await tx.execute(delete(identity_pairs).where(both))
    rows = [
        {
            "instance_a": one[0],
            "key_a": one[1],
            "instance_b": other[0],
            "key_b": other[1],
            "decision_id": decision_id,
            "verdict": verdict,
        }
        for one, other in sorted(pairs)
    ]
    if rows:
        await tx.execute(identity_pairs.insert(), rows)
    return decision_id


async def decisions_of(tx: Tx, limit: int) -> list[Decision]:
    """Newest first."""
    statement = select(identity_decisions).order_by(identity_decisions.c.id.desc()).limit(limit)
    return [Decision(**row) for row in await tx.all(statement)]


async def take_back(tx: Tx, decision_id: int) -> Decision | None:
    """None where there is no such decision any more."""
    row = await tx.first(select(identity_decisions).where(identity_decisions.c.id == decision_id))
    if row is None:
        return None
    await tx.execute(delete(identity_pairs).where(identity_pairs.c.decision_id == decision_id))
    await tx.execute(delete(identity_decisions).where(identity_decisions.c.id == decision_id))
    return Decision(**row)


def every_pair(groups: Iterable[Collection[Place]]) -> set[Pair]:
    """Each record of each group with each of every other group, so that the loss of one record breaks nothing. Those of the first
    group stand first in their pairs: parts of titles stand where they do."""
    found: set[Pair] = set()
    seen: list[Place] = []
    for group in groups:
        found |= {(other, one) for one in group for other in seen}
        seen += group
    return found


def _pair_is(one: Place, other: Place) -> Any:
    return and_(
        identity_pairs.c.instance_a == one[0],
        identity_pairs.c.key_a == one[1],
        identity_pairs.c.instance_b == other[0],
        identity_pairs.c.key_b == other[1],
    )
