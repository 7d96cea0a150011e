"""People of the library: found by their names among those who took part in its titles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from medianest_core.domain.library.document import parse
from medianest_core.domain.library.wording import plain, search_terms
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import title_docs


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """titles: in how many of the titles that were looked at."""

    name: str
    titles: int


async def people_among(
    db: Database, words: str, title_ids: Sequence[int], most: int = 3
) -> list[FoundPerson]:
    """Who bears these words in their name, each as the beginning of a part of it, among the cast and the makers of these titles: those
    of most titles first. One read."""
    terms = search_terms(words)
    if not terms or not title_ids:
        return []
    async with db.glance() as tx:
        docs = [
            row["doc"] for row in await tx.all(select(title_docs.c.doc).where(title_docs.c.id.in_(title_ids)))
        ]
    found: Counter[str] = Counter()
    for doc in docs:
        values = parse(doc).values
        names = {str(one.get("name", "")) for one in values.get("cast") or ()}
        names |= {str(one) for field in ("directors", "writers") for one in values.get(field) or ()}
        found.update(name for name in names if name and _bears(name, terms))
    ranked = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return [FoundPerson(name, count) for name, count in ranked[:most]]


def _bears(name: str, terms: Sequence[str]) -> bool:
    parts = plain(name).split()
    return all(any(part.startswith(term) for part in parts) for term in terms)
