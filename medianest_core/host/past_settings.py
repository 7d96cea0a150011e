"""Settings of an instance as they were: writing them down, and what bringing them back types into the form of today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from medianest_core.base.nested import ENTRY_ID, editable, entries
from medianest_core.host.instance_rows import InstanceRow, masked
from medianest_core.host.settings_models import entry_of, is_group, secret_places
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

    past, present: masked. again: secrets that were typed anew, by name. A secret whose value is not kept is left out, which keeps
    the one of today; a setting that `past` does not know stays as it is, and one that the plugin does not have any more is dropped.
    An entry of a list that is gone today comes back with its id, and asks for its secrets.
    """
    typed = _typed(model, past, present, again, "")
    for name, field in model.model_fields.items():
        value, stands = typed.get(name), present.get(name)
        if is_group(group := field.annotation) and isinstance(value, Mapping):
            typed[name] = _typed(group, value, _mapping(stands), again, f"{name}.")
        elif (kind := entry_of(field.annotation)) is not None and isinstance(value, list):
            known = dict(entries(stands))
            typed[name] = [
                {ENTRY_ID: entry_id}
                | _typed(kind, entry, known.get(entry_id, {}), again, f"{name}.{entry_id}.")
                for entry_id, entry in entries(value)
            ]
    return typed


def _typed(
    part: type[BaseModel],
    past: Mapping[str, Any],
    present: Mapping[str, Any],
    again: Mapping[str, str],
    prefix: str,
) -> dict[str, Any]:
    """The same of settings, of a group or of an entry. prefix: before the names of its secrets."""
    secrets = secret_fields(part)
    typed: dict[str, Any] = {}
    for name in part.model_fields:
        value = past[name] if name in past else present.get(name)
        if name not in secrets:
            if name in past or name in present:
                typed[name] = value
        elif again.get(prefix + name):
            typed[name] = again[prefix + name]
        elif name in past and value != MASK:
            typed[name] = value
    return typed


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def not_kept(model: type[ServiceSettings], past: Mapping[str, Any]) -> Sequence[str]:
    """Secrets that were set then, and whose values nobody knows any more."""
    return [place.name for place in secret_places(model, editable(past)) if place.value == MASK]


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
