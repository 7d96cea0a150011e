"""What is stored of a source before it is read: of each record just enough to see whether a listing says the same.

A large server has hundreds of thousands of records, and all servers are read at once: a dictionary from key to digest for each
library is what fits. Whatever else a record is known by is asked for where a listing lacks it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from medianest_core.store.engine import Database
from medianest_core.store.tables.library import records

_PART = 5000


@dataclass(slots=True)
class StoredLibrary:
    """The stored records of one library of a source. digests: by key. missing: of those that listings lacked, see `Known`."""

    digests: dict[str, str] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)


NOTHING = StoredLibrary()
"""Never written to."""


async def stored_libraries(db: Database, source: int | None) -> Mapping[str, StoredLibrary]:
    """Key of a library → its records. Read in parts, so that rows and result are not in memory twice."""
    found: dict[str, StoredLibrary] = defaultdict(StoredLibrary)
    if source is None:
        return found
    statement = (
        select(records.c.key, records.c.digest, records.c.library, records.c.missing)
        .where(records.c.source == source)
        .order_by(records.c.key)
        .limit(_PART)
    )
    after = ""
    async with db.read() as tx:
        while True:
            rows = (await tx.execute(statement.where(records.c.key > after))).all()
            for key, digest, library, missing in rows:
                one = found[library]
                one.digests[key] = digest
                if missing:
                    one.missing[key] = missing
            if len(rows) < _PART:
                return dict(found)
            after = rows[-1][0]
