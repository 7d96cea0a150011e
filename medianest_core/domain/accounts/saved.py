"""Searches that a person keeps: a name for what the library or the discover page was narrowed down to."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import func, select

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import NotAllowed
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database
from medianest_core.store.tables.search import saved_searches

LIBRARY, DISCOVER = "library", "discover"
KEPT = {
    LIBRARY: (
        "kind",
        "q",
        "genre",
        "decade",
        "year_from",
        "year_to",
        "quality",
        "server",
        "availability",
        "sort",
    ),
    DISCOVER: ("q", "list"),
}
"""What of an address is kept, by page. Places in a list are not: a search begins at the start."""
_USUAL = ("sort", "title")
MOST = 50
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """place: "library" or "discover". query: what stands behind "?" of the page's address. created_at: epoch seconds."""

    id: str
    place: str
    name: str
    query: str
    created_at: float

    @property
    def path(self) -> str:
        return f"/{self.place}?{self.query}" if self.query else f"/{self.place}"


def tidy(place: str, query: str) -> str:
    """The part of an address that a search is made of, in one spelling, so that equal searches are equal text.

    Raises UserError where nothing of it is left, or too much.
    """
    known = KEPT.get(place)
    if known is None:
        raise UserError(N_("Searches are kept for the library and for the discover page."), "place")
    pairs = {(name, value) for name, value in parse_qsl(query.lstrip("?"), max_num_fields=200) if value}
    chosen = sorted(pair for pair in pairs if pair[0] in known and pair != _USUAL)
    kept = urlencode(chosen)
    if all(name == "sort" for name, _ in chosen):
        raise UserError(N_("Search or filter for something first."), "query")
    if len(kept) > _LONGEST:
        raise UserError(N_("This search has too many filters to be kept."), "query")
    return kept


class SavedSearches:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def of(self, user_id: str, place: str | None = None) -> list[SavedSearch]:
        """By name; of one page only where `place` is given."""
        statement = select(saved_searches).where(saved_searches.c.user_id == user_id)
        if place is not None:
            statement = statement.where(saved_searches.c.place == place)
        async with self._db.glance() as tx:
            rows = await tx.all(statement)
        found = [
            SavedSearch(row["id"], row["place"], row["name"], row["query"], row["created_at"]) for row in rows
        ]
        return sorted(found, key=lambda one: (one.name.casefold(), one.place))

    async def save(self, user_id: str, place: str, name: str, query: str) -> SavedSearch:
        """Keep it; one of the same name is replaced. Raises UserError, NotAllowed when there are too many."""
        name = " ".join(name.split())
        if not 1 <= len(name) <= 80:
            raise UserError(N_("Give the search a name of 1 to 80 characters."), "name")
        made = SavedSearch(new_id(), place, name, tidy(place, query), self._clock.now())
        values = {"query": made.query, "created_at": made.created_at}
        mine = saved_searches.c.user_id == user_id
        same = (mine, saved_searches.c.place == place, saved_searches.c.name == name)
        async with self._db.begin() as tx:
            count = await tx.scalar(select(func.count()).select_from(saved_searches).where(mine))
            if int(count or 0) >= MOST and await tx.first(select(saved_searches.c.id).where(*same)) is None:
                raise NotAllowed(
                    N_("You have {count} saved searches already. Delete one first.").format(count=MOST)
                )
            await tx.execute(
                tx.insert(saved_searches)
                .values(id=made.id, user_id=user_id, place=place, name=name, **values)
                .on_conflict_do_update(index_elements=["user_id", "place", "name"], set_=values)
            )
            row = await tx.first(select(saved_searches.c.id).where(*same))
        assert row is not None
        return SavedSearch(row["id"], place, name, made.query, made.created_at)

    async def remove(self, user_id: str, search_id: str) -> bool:
        """False where the person has no such search."""
        async with self._db.begin() as tx:
            gone = await tx.execute(
                saved_searches.delete().where(
                    saved_searches.c.id == search_id, saved_searches.c.user_id == user_id
                )
            )
        return bool(gone.rowcount)
