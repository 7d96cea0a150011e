"""Settings of an instance as they were: writing them down, and what bringing them back types into the form of today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.host.instance_rows import InstanceRow, masked
from medianest_core.host.settings_models import is_group
from medianest_core.sdk.settings import MASK, ServiceSettings, secret_fields
from medianest_core.store.engine import Tx
from medianest_core.store.repos import settings_history


def as_typed(
    model: type[ServiceSettings],
    past: Mapping[str, Any],
    present: Mapping[str, Any],
    again: Mapping[str, str],
) -> dict[str, Any]:
    """What an admin would have to type for `past` to come back; it goes the way of everything that is typed.

    past, present: masked. again: secrets that were typed anew. A secret whose value is not kept is left out, which keeps the
    one of today; a setting that `past` does not know stays as it is, and one that the plugin does not have any more is dropped.
    """
    secrets = secret_fields(model)
    typed: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        value = past[name] if name in past else present.get(name)
        if is_group(group := field.annotation) and isinstance(value, Mapping):
            stands = present.get(name)
            known = {**stands, **value} if isinstance(stands, Mapping) else value
            value = {key: one for key, one in known.items() if key in group.model_fields}
        if name not in secrets:
            if name in past or name in present:
                typed[name] = value
        elif again.get(name):
            typed[name] = again[name]
        elif name in past and value != MASK:
            typed[name] = value
    return typed


def not_kept(model: type[ServiceSettings], past: Mapping[str, Any]) -> Sequence[str]:
    """Secrets that were set then, and whose values nobody knows any more."""
    return [name for name in model.model_fields if name in secret_fields(model) and past.get(name) == MASK]


async def note_created(
    tx: Tx, instance_id: str, stored: Mapping[str, Any], title: str, actor: str | None, *, at: float
) -> None:
    """The first state of an instance. stored: with sealed secrets, which stay out of the history."""
    await settings_history.note(
        tx, instance_id, action="created", actor=actor, values=masked(stored), title=title, at=at
    )


async def note_saved(
    tx: Tx,
    row: InstanceRow,
    stored: Mapping[str, Any],
    title: str,
    secrets: Sequence[str],
    actor: str | None,
    *,
    restores: int | None,
    at: float,
) -> None:
    """What `row` became. stored: with sealed secrets. secrets: those that are others now. restores: id of a state, or None."""
    await settings_history.note(
        tx,
        row.id,
        action="saved" if restores is None else "restored",
        actor=actor,
        values=masked(stored),
        title=title,
        secrets=secrets,
        restores=restores,
        before=settings_history.Before(masked(row.stored), row.title, row.updated_at, row.updated_by),
        at=at,
    )
