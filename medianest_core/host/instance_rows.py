"""Rows of configured instances, and of the state each process sees them in."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id, new_token
from medianest_core.base.nested import editable, places
from medianest_core.base.texts import N_
from medianest_core.host.errors import InvalidSettings, UnknownInstance
from medianest_core.host.processes import alive
from medianest_core.host.settings_store import context_of, fingerprint
from medianest_core.sdk.settings import MASK
from medianest_core.store.engine import Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos import settings_history
from medianest_core.store.reseal import Sealed
from medianest_core.store.tables.plugins import instance_states, instances, plugin_states

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_GONE_AFTER = 180.0


def _still_suspended(row: RowMapping, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Sealing settings anew does not change them: what crashed the plugin before would crash it again."""
    if row["suspended_fingerprint"] != fingerprint(row["settings_json"]):
        return {}
    return {"suspended_fingerprint": fingerprint(settings)}


SEALED = (
    Sealed(
        instances, "settings_json", lambda row, name: context_of(row["id"], name), beside=_still_suspended
    ),
)
"""Where secrets of instances are kept."""


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """A configured instance. stored: settings with sealed secrets."""

    id: str
    plugin: str
    service: str
    name: str
    title: str
    stored: Mapping[str, Any]
    enabled: bool
    suspended_fingerprint: str
    version: int
    updated_at: float
    updated_by: str | None


def process_name() -> str:
    """What this process is called in state rows."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{new_token(6)}"


async def load_rows(tx: Tx, instance_id: str | None = None) -> list[InstanceRow]:
    """All instances, oldest first, or the one asked for."""
    statement = select(instances).order_by(instances.c.created_at, instances.c.id)
    if instance_id is not None:
        statement = statement.where(instances.c.id == instance_id)
    return [
        InstanceRow(
            id=row["id"],
            plugin=row["plugin"],
            service=row["service"],
            name=row["name"],
            title=row["title"],
            stored=row["settings_json"] if isinstance(row["settings_json"], dict) else {},
            enabled=row["enabled"],
            suspended_fingerprint=row["suspended_fingerprint"],
            version=row["version"],
            updated_at=row["updated_at"],
            updated_by=row["updated_by"],
        )
        for row in await tx.all(statement)
    ]


async def one_row(tx: Tx, instance_id: str) -> InstanceRow:
    """One instance. Raises UnknownInstance."""
    rows = await load_rows(tx, instance_id)
    if not rows:
        raise UnknownInstance("There is no such service.")
    return rows[0]


async def free_name(tx: Tx, plugin: str, wanted: str, title: str) -> str:
    """A name that is free in the plugin: `wanted`, checked, or one made from the title. Raises InvalidSettings."""
    taken = {row.name for row in await load_rows(tx) if row.plugin == plugin}
    if wanted:
        if not _NAME.fullmatch(wanted):
            raise InvalidSettings({"name": N_("Use up to 40 lower-case letters, digits and dashes.")})
        if wanted in taken:
            raise InvalidSettings({"name": N_("Another service has this name already.")})
        return wanted
    base = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:36].strip("-") or plugin
    return next(name for n in range(1, 10_000) if (name := base if n == 1 else f"{base}-{n}") not in taken)


async def insert_row(
    tx: Tx,
    clock: Clock,
    *,
    instance_id: str,
    plugin: str,
    service: str,
    name: str,
    title: str,
    stored: Mapping[str, Any],
    actor: str | None,
) -> None:
    """Add an instance. Raises InvalidSettings where another one was given the name meanwhile."""
    now = clock.now()
    try:
        await tx.execute(
            instances.insert().values(
                id=instance_id,
                plugin=plugin,
                service=service,
                name=name,
                title=title,
                settings_json=dict(stored),
                enabled=True,
                version=1,
                created_at=now,
                updated_at=now,
                updated_by=actor,
            )
        )
    except IntegrityError as error:
        raise InvalidSettings({"name": N_("Another service has this name already.")}) from error


async def change_row(
    tx: Tx, clock: Clock, row: InstanceRow, values: Mapping[str, Any], *, version: int, actor: str | None
) -> None:
    """Write columns where `version` is still the row's. Raises Stale with what stands there now; secrets masked."""
    result = await tx.execute(
        update(instances)
        .where(instances.c.id == row.id, instances.c.version == version)
        .values(**values, version=version + 1, updated_at=clock.now(), updated_by=actor)
    )
    if result.rowcount != 1:
        raise _stale(await one_row(tx, row.id))


def unchanged(row: InstanceRow, version: int | None) -> None:
    """Raises Stale where somebody has seen another version than this one; None has seen none."""
    if version is not None and version != row.version:
        raise _stale(row)


def _stale(row: InstanceRow) -> Stale:
    return Stale(
        {
            "title": row.title,
            "version": row.version,
            "enabled": row.enabled,
            "settings": masked(row.stored),
        }
    )


def masked(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored settings for people: what is sealed shows as a mask, references as they are."""
    values = editable(stored)
    for place in list(places(values)):
        if isinstance(place.value, str) and place.value.startswith("mn1."):
            place.holder[place.key] = MASK
    return values


async def set_suspended(tx: Tx, instance_id: str, fingerprint: str) -> None:
    """Remember, or with "" forget, which settings crashed the plugin."""
    await tx.execute(
        update(instances).where(instances.c.id == instance_id).values(suspended_fingerprint=fingerprint)
    )


async def delete_row(tx: Tx, instance_id: str) -> None:
    """Remove an instance; rows that refer to it go with it, and so does what its settings were."""
    await settings_history.forget(tx, instance_id)
    await tx.execute(delete(instances).where(instances.c.id == instance_id))


async def put_state(tx: Tx, process: str, instance_id: str, values: Mapping[str, Any]) -> None:
    """Write what this process sees; nothing happens where the instance is gone."""
    known = await tx.scalar(select(func.count()).select_from(instances).where(instances.c.id == instance_id))
    if not known:
        return
    statement = tx.insert(instance_states).values(process=process, instance_id=instance_id, **values)
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["process", "instance_id"], set_=dict(values))
    )


async def put_plugin_state(tx: Tx, process: str, plugin: str, values: Mapping[str, Any]) -> None:
    """Write where a plugin stands in this process."""
    statement = tx.insert(plugin_states).values(process=process, plugin=plugin, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["process", "plugin"], set_=dict(values)))


async def forget_plugin_state(tx: Tx, process: str, plugin: str) -> None:
    """A plugin is not installed any more, as this process sees it."""
    await tx.execute(
        delete(plugin_states).where(plugin_states.c.process == process, plugin_states.c.plugin == plugin)
    )


async def plugin_reasons(tx: Tx, own: str, plugin: str | None = None) -> Sequence[RowMapping]:
    """What processes other than `own` have to say of plugins, or of this one; the newest first."""
    statement = (
        select(plugin_states)
        .where(plugin_states.c.process != own, plugin_states.c.reason != "")
        .order_by(plugin_states.c.seen_at.desc())
    )
    return await tx.all(statement if plugin is None else statement.where(plugin_states.c.plugin == plugin))


async def seen(tx: Tx, clock: Clock, process: str) -> None:
    """Say that this process lives, and forget processes that have said nothing for three minutes."""
    now = clock.now()
    for table in (instance_states, plugin_states):
        await tx.execute(update(table).where(table.c.process == process).values(seen_at=now))
        await tx.execute(delete(table).where(table.c.seen_at < now - _GONE_AFTER))


async def forget_processes(tx: Tx, processes: Sequence[str]) -> None:
    """Remove the states that these processes wrote."""
    for table in (instance_states, plugin_states):
        await tx.execute(delete(table).where(or_(*(table.c.process == process for process in processes))))


async def dead_processes(tx: Tx, own: str) -> list[str]:
    """Processes of this machine that have rows and do not run any more. own: name of this one."""
    host = socket.gethostname()[:40]
    names: set[str] = set()
    for table in (instance_states, plugin_states):
        names |= {row["process"] for row in await tx.all(select(table.c.process).distinct())}
    return [name for name in names - {own} if name.rsplit(":", 2)[0] == host and _gone(name)]


def _gone(process: str) -> bool:
    pid = int(process.rsplit(":", 2)[1])
    # In containers the next process often has the number of the last.
    return pid == os.getpid() or not alive(pid)


def fresh_id() -> str:
    """Id of a new instance; chosen before the row is written, because secrets are sealed to it."""
    return new_id()
