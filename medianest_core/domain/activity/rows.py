"""What is remembered of stages: the last word of each service, and since when it says nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, delete, or_, select

from medianest_core.domain.activity.reports import Said, same
from medianest_core.sdk.pipeline import StageState
from medianest_core.store.engine import Tx
from medianest_core.store.tables.activity import request_stage_sources, request_stages
from medianest_core.store.tables.requests import request_participants, requests

_SOURCE = request_stage_sources.c


@dataclass(frozen=True, slots=True)
class Source:
    """A stage of an instance. Times: epoch seconds. failing_since_at: None while it answers."""

    instance_id: str
    stage: str
    answered_at: float | None
    failing_since_at: float | None
    reason: str


async def said_of(tx: Tx, request_ids: Collection[str]) -> dict[str, dict[tuple[str, str], Said]]:
    """Request id → (instance id, stage) → its last word."""
    found: dict[str, dict[tuple[str, str], Said]] = {}
    if not request_ids:
        return found
    wanted = select(request_stages).where(request_stages.c.request_id.in_(request_ids))
    for row in await tx.all(wanted):
        said = Said(
            StageState(row["state"]),
            row["at"],
            row["progress"],
            row["ends_at"],
            row["message"],
            tuple(row["actions"]),
        )
        found.setdefault(row["request_id"], {})[row["instance_id"], row["stage"]] = said
    return found


async def said_of_source(tx: Tx, instance_id: str, stage: str) -> list[str]:
    """Ids of the open requests that it has said something of."""
    wanted = (
        select(request_stages.c.request_id)
        .join(requests, requests.c.id == request_stages.c.request_id)
        .where(
            request_stages.c.instance_id == instance_id,
            request_stages.c.stage == stage,
            requests.c.open_key.is_not(None),
        )
    )
    return list((await tx.execute(wanted)).scalars())


async def write(
    tx: Tx,
    instance_id: str,
    stage: str,
    before: Mapping[str, Said],
    after: Mapping[str, Said],
    asked: Collection[str],
) -> list[str]:
    """Store what changed of the requests that were asked for; returns their ids. Those that are gone meanwhile are left out."""
    changed = [name for name in asked if not same(before.get(name), after.get(name))]
    if not changed:
        return []
    there = set((await tx.execute(select(requests.c.id).where(requests.c.id.in_(changed)))).scalars())
    changed = [name for name in changed if name in there]
    gone = [name for name in changed if name not in after]
    if gone:
        await tx.execute(
            delete(request_stages).where(
                request_stages.c.instance_id == instance_id,
                request_stages.c.stage == stage,
                request_stages.c.request_id.in_(gone),
            )
        )
    for name in changed:
        if (said := after.get(name)) is None:
            continue
        values = {
            "state": said.state.value,
            "at": said.at,
            "progress": said.progress,
            "ends_at": said.ends_at,
            "message": said.message,
            "actions": list(said.actions),
        }
        statement = tx.insert(request_stages).values(
            request_id=name, instance_id=instance_id, stage=stage, **values
        )
        statement = statement.on_conflict_do_update(
            index_elements=[
                request_stages.c.request_id,
                request_stages.c.instance_id,
                request_stages.c.stage,
            ],
            set_=values,
        )
        await tx.execute(statement)
    return changed


async def sources(tx: Tx) -> dict[tuple[str, str], Source]:
    """(instance id, stage) → how it answers."""
    return {
        (row["instance_id"], row["stage"]): Source(
            row["instance_id"], row["stage"], row["answered_at"], row["failing_since_at"], row["reason"]
        )
        for row in await tx.all(select(request_stage_sources))
    }


async def put_source(tx: Tx, source: Source) -> None:
    values = {
        "answered_at": source.answered_at,
        "failing_since_at": source.failing_since_at,
        "reason": source.reason,
    }
    statement = tx.insert(request_stage_sources).values(
        instance_id=source.instance_id, stage=source.stage, **values
    )
    statement = statement.on_conflict_do_update(
        index_elements=[_SOURCE.instance_id, _SOURCE.stage], set_=values
    )
    await tx.execute(statement)


async def forget(tx: Tx, gone: Sequence[tuple[str, str]]) -> None:
    """Of services that were removed, and of stages that no plugin brings any more."""
    for table in (request_stages, request_stage_sources):
        await tx.execute(
            delete(table).where(
                or_(*(and_(table.c.instance_id == one, table.c.stage == stage) for one, stage in gone))
            )
        )


async def followers(tx: Tx, request_ids: Collection[str]) -> dict[str, list[str]]:
    """Request id → who follows it."""
    found: dict[str, list[str]] = {}
    if request_ids:
        wanted = select(request_participants.c.request_id, request_participants.c.user_id).where(
            request_participants.c.request_id.in_(request_ids)
        )
        for request_id, user_id in await tx.execute(wanted):
            found.setdefault(request_id, []).append(user_id)
    return found
