"""The cards of a person's home page: which ones, in which order, and how they were before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from sqlalchemy import select, update

from medianest_core.base.clock import Clock
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos import settings_history
from medianest_core.store.repos.settings_history import Action, State
from medianest_core.store.tables.home import home_cards

TOGETHER = 600.0
"""Seconds: each step is saved by itself, but those of one sitting are one change."""
MOST = 200
"""Cards that are remembered; a home page has a dozen."""


class HasId(Protocol):
    """Anything that stands for a card."""

    @property
    def id(self) -> str: ...


C = TypeVar("C", bound=HasId)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """order: ids of cards; what it does not name follows behind. version: 0 before the first change."""

    order: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    version: int = 0

    def sorted(self, cards: Sequence[C]) -> list[C]:
        """All cards in the person's order, hidden ones too."""
        place = {name: number for number, name in enumerate(self.order)}
        return sorted(cards, key=lambda card: place.get(card.id, len(place)))

    def shown(self, cards: Sequence[C]) -> list[C]:
        """What the home page shows."""
        return [card for card in self.sorted(cards) if card.id not in self.hidden]

    def moved(self, cards: Sequence[HasId], name: str, by: int) -> Arrangement:
        """One card `by` places down (up where negative), as far as there is room. Unknown cards change nothing."""
        order = [card.id for card in self.sorted(cards)]
        if name not in order:
            return self
        at = order.index(name)
        order.insert(max(0, min(len(order) - 1, at + by)), order.pop(at))
        # Cards of plugins that are off at the moment keep their place at the end.
        rest = [one for one in self.order if one not in order]
        return replace(self, order=tuple([*order, *rest][:MOST]))

    def switched(self, name: str) -> Arrangement:
        """One card hidden, or shown again."""
        return replace(self, hidden=self.hidden ^ {name})


class HomeCards:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def of(self, user_id: str) -> Arrangement:
        """What the person chose; everything in its own order where they did not."""
        async with self._db.glance() as tx:
            row = await tx.first(select(home_cards).where(home_cards.c.user_id == user_id))
        if row is None:
            return Arrangement()
        return Arrangement(tuple(row["order"]), frozenset(row["hidden"]), row["version"])

    async def save(self, user_id: str, chosen: Arrangement, *, restores: int | None = None) -> Arrangement:
        """Keep it, where `version` is still what stands there. Raises Stale: the person did the same in another window.

        restores: the earlier state that it is.
        """
        values = {
            "order": list(chosen.order[:MOST]),
            "hidden": sorted(chosen.hidden)[:MOST],
            "version": chosen.version + 1,
            "updated_at": self._clock.now(),
        }
        async with self._db.begin() as tx:
            action: Action = "saved" if restores is None else "restored"
            await self._note(tx, user_id, chosen, action=action, restores=restores)
            if chosen.version == 0:
                result = await tx.execute(
                    tx.insert(home_cards).values(user_id=user_id, **values).on_conflict_do_nothing()
                )
            else:
                result = await tx.execute(
                    update(home_cards)
                    .where(home_cards.c.user_id == user_id, home_cards.c.version == chosen.version)
                    .values(**values)
                )
            if result.rowcount != 1:
                row = await tx.first(select(home_cards).where(home_cards.c.user_id == user_id))
                raise Stale(
                    {} if row is None else {name: row[name] for name in ("order", "hidden", "version")}
                )
        return replace(chosen, version=chosen.version + 1)

    async def forget(self, user_id: str) -> None:
        """Back to how everyone's page looks."""
        async with self._db.begin() as tx:
            await self._note(tx, user_id, Arrangement(), action="restored")
            await tx.execute(home_cards.delete().where(home_cards.c.user_id == user_id))

    async def earlier(self, user_id: str, limit: int = 10) -> Sequence[State]:
        """How it was, newest first, without how it is now. `values` of each: see `arrangement`."""
        async with self._db.glance() as tx:
            found = await settings_history.states(tx, user_id, limit=limit + 1)
        return found[1:]

    async def restore(self, user_id: str, state_id: int, version: int) -> Arrangement:
        """Bring an earlier one back. version: of what stands there now. Raises UnknownState, Stale."""
        async with self._db.read() as tx:
            state = await settings_history.state(tx, user_id, state_id)
        return await self.save(user_id, replace(arrangement(state), version=version), restores=state.id)

    async def _note(
        self, tx: Tx, user_id: str, chosen: Arrangement, *, action: Action, restores: int | None = None
    ) -> None:
        row = await tx.first(select(home_cards).where(home_cards.c.user_id == user_id))
        before = settings_history.Before(
            _values(row["order"], row["hidden"]) if row is not None else _values((), ()),
            "",
            row["updated_at"] if row is not None else self._clock.now(),
            user_id,
        )
        await settings_history.note(
            tx,
            user_id,
            action=action,
            actor=user_id,
            values=_values(chosen.order, chosen.hidden),
            restores=restores,
            before=before,
            at=self._clock.now(),
            together=TOGETHER,
        )


def arrangement(state: State) -> Arrangement:
    """What an earlier state was."""
    return Arrangement(tuple(state.values["order"]), frozenset(state.values["hidden"]))


def _values(order: Iterable[str], hidden: Iterable[str]) -> dict[str, list[str]]:
    return {"order": list(order)[:MOST], "hidden": sorted(hidden)[:MOST]}
