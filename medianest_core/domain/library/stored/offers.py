"""What every source says of some titles, read together: servers that hold them, and owners that add to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import select

from medianest_core.domain.library.detail import overlaid
from medianest_core.domain.library.records import SourceRecord, decode
from medianest_core.domain.library.stored.bulk import select_rows
from medianest_core.domain.library.stored.owned import owned_records
from medianest_core.domain.library.stored.sources import numbers
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import record_data, record_details, records


async def records_of(tx: Tx, title_ids: Collection[int]) -> dict[int, list[SourceRecord]]:
    """title id → the records of the servers that hold it, with their details; by source and key."""
    instances = {number: instance for instance, number in (await numbers(tx, ())).items()}
    statement = (
        select(records.c.title_id, records.c.source, record_data.c.data, record_details.c.data)
        .join(record_data, (records.c.source == record_data.c.source) & (records.c.key == record_data.c.key))
        .outerjoin(
            record_details,
            (records.c.source == record_details.c.source) & (records.c.key == record_details.c.key),
        )
        .order_by(records.c.source, records.c.key)
    )
    found: dict[int, list[SourceRecord]] = defaultdict(list)
    for title, source, data, details in await select_rows(tx, statement, records.c.title_id, title_ids):
        if source in instances:
            found[title].append(SourceRecord(instances[source], overlaid(decode(data), details)))
    return found


async def offers_of(tx: Tx, title_ids: Collection[int]) -> dict[int, list[SourceRecord]]:
    """Likewise, with what owners add."""
    found = await records_of(tx, title_ids)
    owned = await owned_records(tx, await numbers(tx, ()), title_ids)
    return {title: [*found.get(title, ()), *owned.get(title, ())] for title in title_ids}
