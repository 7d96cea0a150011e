"""What settings were after each change, so that a change can be read and an earlier state be brought back.

No secret is ever in here: a state says that one was set, and which of them a change touched.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import delete, select

from medianest_core.base.clock import now
from medianest_core.base.nested import each_setting, editable, places
from medianest_core.base.texts import N_
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.settings import MASK
from medianest_core.store.engine import Tx
from medianest_core.store.tables.system import settings_history as table

PORTAL = "portal"
"""Target of the portal's own settings; those of an instance have its id, and the home page of a person has theirs."""
KEEP = 100
"""How many states of one target are kept."""
TITLE = "instance_title"
"""What a change of an instance's name is called among the changes."""

Action = Literal["found", "created", "saved", "restored"]
"""found: as it stood when the history began."""


class UnknownState(MediaNestError):
    """This state is not kept, or not any more."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting. before, after: JSON values; a mask, a reference or None for a secret, which may differ below its mask."""

    name: str
    before: Any
    after: Any
    secret: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """Settings after a change. at: epoch seconds. actor: user id, None for the console or the system.

    values: secrets masked, references as they are. secrets: names of those that changed. restores: id of the state that was
    brought back. changes: against the state before, empty for the oldest one, which has none before it.
    """

    id: int
    at: float
    actor: str | None
    action: Action
    title: str
    values: Mapping[str, Any]
    secrets: Sequence[str]
    restores: int | None
    changes: Sequence[Change] = ()


@dataclass(frozen=True, slots=True)
class Before:
    """What stood there until a change: noted where the history is still empty, so that its first change can be read too."""

    values: Mapping[str, Any]
    title: str
    at: float
    actor: str | None


async def note(
    tx: Tx,
    target: str,
    *,
    action: Action,
    actor: str | None,
    values: Mapping[str, Any],
    title: str = "",
    secrets: Sequence[str] = (),
    restores: int | None = None,
    before: Before | None = None,
    at: float | None = None,
    together: float = 0.0,
) -> None:
    """Add a state, in the transaction that makes it so; nothing where it is the one that stood there before.

    values: secrets masked. at: epoch seconds, default now. together: a change takes the place of another one that was saved
    at most so many seconds before it. Old states beyond the newest KEEP are forgotten.
    """
    at = now() if at is None else at
    found = await tx.first(select(table).where(table.c.target == target).order_by(table.c.id.desc()).limit(1))
    if found is None and before is not None:
        await _add(
            tx,
            target,
            action="found",
            actor=before.actor,
            at=before.at,
            values=dict(before.values),
            title=before.title,
            secrets=[],
            restores=None,
        )
        last: tuple[object, str] | None = (before.values, before.title)
    else:
        last = (found["values"], found["title"]) if found is not None else None
    if last == (values, title) and not secrets and restores is None:
        return
    if found is not None and (found["action"], action) == ("saved", "saved") and at - found["at"] <= together:
        await tx.execute(delete(table).where(table.c.id == found["id"]))
    await _add(
        tx,
        target,
        action=action,
        actor=actor,
        at=at,
        values=dict(values),
        title=title,
        secrets=sorted(secrets),
        restores=restores,
    )
    oldest = await tx.scalar(
        select(table.c.id)
        .where(table.c.target == target)
        .order_by(table.c.id.desc())
        .offset(KEEP - 1)
        .limit(1)
    )
    if oldest is not None:
        await tx.execute(delete(table).where(table.c.target == target, table.c.id < oldest))


async def _add(tx: Tx, target: str, **columns: Any) -> None:
    await tx.execute(table.insert().values(target=target, **columns))


async def states(
    tx: Tx,
    target: str,
    *,
    before: int | None = None,
    limit: int = 50,
    hide: Collection[str] = (),
) -> list[State]:
    """Newest first, each with what it changed. before: those older than the state with this id.

    hide: settings that are secrets by now, those of entries without an id; an older version of a plugin may have taken one of
    them for plain text.
    """
    wanted = select(table).where(table.c.target == target).order_by(table.c.id.desc()).limit(limit + 1)
    if before is not None:
        wanted = wanted.where(table.c.id < before)
    rows = [{**row, "values": _hidden(row["values"], hide)} for row in await tx.all(wanted)]
    return [
        _state(row, rows[place + 1] if place + 1 < len(rows) else None)
        for place, row in enumerate(rows[:limit])
    ]


async def state(tx: Tx, target: str, state_id: int, *, hide: Collection[str] = ()) -> State:
    """One state. Raises UnknownState."""
    found = await states(tx, target, before=state_id + 1, limit=1, hide=hide)
    if not found or found[0].id != state_id:
        raise UnknownState(N_("This state is not kept any more."))
    return found[0]


async def forget(tx: Tx, target: str) -> None:
    """Remove everything about a target."""
    await tx.execute(delete(table).where(table.c.target == target))


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], secrets: Sequence[str] = ()
) -> tuple[Change, ...]:
    """What differs, in the order of `after`, then secrets of groups and entries by themselves.

    secrets: names of those known to differ, whatever their masks say.
    """
    names = [*after, *(name for name in before if name not in after)]
    told = tuple(
        Change(name, before.get(name), after.get(name), secret=name in secrets)
        for name in names
        if name in secrets or before.get(name) != after.get(name)
    )
    inner = [name for name in secrets if name not in names]
    if not inner:
        return told
    stood, stands = each_setting(before), each_setting(after)
    return told + tuple(Change(name, stood.get(name), stands.get(name), secret=True) for name in inner)


def _hidden(values: Mapping[str, Any], hide: Collection[str]) -> dict[str, Any]:
    shown = editable(values)
    for place in list(places(shown)):
        if place.setting in hide and place.value and not str(place.value).startswith("$"):
            place.holder[place.key] = MASK
    return shown


def _state(row: Mapping[str, Any], older: Mapping[str, Any] | None) -> State:
    told: tuple[Change, ...] = ()
    if older is not None:
        if older["title"] != row["title"]:
            told = (Change(TITLE, older["title"], row["title"]),)
        told += changes(older["values"], row["values"], row["secrets"])
    return State(
        id=row["id"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        title=row["title"],
        values=row["values"],
        secrets=tuple(row["secrets"]),
        restores=row["restores"],
        changes=told,
    )
