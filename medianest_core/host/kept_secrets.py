"""Stored secrets that nobody types anew: which are kept when settings are saved, and when they are not.

Whoever can type an address must not be able to have stored secrets sent there. The secrets of an entry of a list go to the
addresses of that entry; where it has none, and for all other secrets, those outside of lists count, and with them those of
entries that have no secret of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from medianest_core.base.nested import editable, entries
from medianest_core.base.texts import N_
from medianest_core.host.errors import InvalidSettings
from medianest_core.host.settings_models import entry_of, is_group, secret_places
from medianest_core.sdk.settings import ServiceSettings, SettingsGroup, secret_fields


def merge_typed(
    model: type[ServiceSettings], typed: Mapping[str, Any], current: Mapping[str, Any]
) -> dict[str, Any]:
    """What was typed, with kept secrets filled in from `current` (clear values or references).

    A secret that is missing or empty in `typed` is kept; None removes it. Those of an entry are found by its id; a list with
    secrets that is missing stays as it is. Raises InvalidSettings where an address now leads to another host.
    """
    values, present = editable(typed), editable(current)
    _fill(model, values, present)
    stands = {place.name: place.value for place in secret_places(model, present)}
    moved = _moved(model, values, present)
    again = {}
    for place in secret_places(model, values):
        if place.holder.get(place.key, "") != "":
            continue
        place.holder.pop(place.key, None)
        if (secret := stands.get(place.name)) is None:
            continue
        if place.name.rpartition(".")[0] in moved:
            again[place.name] = N_("The address has changed, so type this again.")
        place.holder[place.key] = secret
    if again:
        raise InvalidSettings(again)
    return values


def changed_secrets(
    model: type[ServiceSettings], values: Mapping[str, Any], before: Mapping[str, Any]
) -> list[str]:
    """Names of secrets that are others now; those of removed entries are gone with them. values, before: in clear."""
    stood = {place.name: place.value for place in secret_places(model, editable(before))}
    return [
        place.name for place in secret_places(model, editable(values)) if place.value != stood.get(place.name)
    ]


def _fill(model: type[ServiceSettings], values: dict[str, Any], present: Mapping[str, Any]) -> None:
    """Groups and lists that were left out, where secrets are kept in them."""
    for name, field in model.model_fields.items():
        if name in values or name not in present:
            continue
        if is_group(group := field.annotation) and secret_fields(group):
            default, own = _default(field), set(secret_fields(group))
            values[name] = (
                default.model_dump(mode="json", exclude=own) if isinstance(default, SettingsGroup) else {}
            )
        elif (entry := entry_of(field.annotation)) is not None and secret_fields(entry):
            values[name] = [dict(one) for _, one in entries(present[name])]


def _moved(model: type[ServiceSettings], values: dict[str, Any], present: dict[str, Any]) -> set[str]:
    """Names of what holds secrets that would go elsewhere now: "" for the settings themselves, "group", "list.id"."""
    outside, leaving = _leads_elsewhere(model, values, present), set()
    holders, homeless = {""}, set()
    for name, field in model.model_fields.items():
        if is_group(group := field.annotation):
            holders.add(name)
            outside |= _leads_elsewhere(
                group, _mapping(values.get(name)), _mapping(present.get(name)), _default(field)
            )
        elif (kind := entry_of(field.annotation)) is not None:
            known = dict(entries(present.get(name)))
            for entry_id, entry in entries(values.get(name)):
                before = known.get(entry_id, {})
                elsewhere = _leads_elsewhere(kind, entry, before, whole=True)
                if not secret_fields(kind):
                    outside |= elsewhere
                elif elsewhere:
                    leaving.add(f"{name}.{entry_id}")
                elif not any(_origins(value) for value in entry.values()):
                    homeless.add(f"{name}.{entry_id}")
    return leaving | (holders | homeless if outside else set())


def _leads_elsewhere(
    part: type[BaseModel],
    values: Mapping[str, Any],
    present: Mapping[str, Any],
    standard: object = None,
    *,
    whole: bool = False,
) -> bool:
    """Whether an address leads to a host where none did. standard: what stands there without `present`.

    whole: what is left out counts as its default, and leading nowhere any more as a change.
    """
    for name, field in part.model_fields.items():
        if name not in values and not whole:
            continue
        default = getattr(standard, name) if isinstance(standard, part) else _default(field)
        before = _origins(present.get(name, default))
        after = _origins(values.get(name, default))
        if after - before or (whole and before and not after):
            return True
    return False


def _default(field: Any) -> object:
    if field.default_factory_takes_validated_data:
        return None
    found = field.get_default(call_default_factory=True)
    return None if found is PydanticUndefined else found


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _origins(value: object) -> frozenset[str]:
    """Scheme, host and port of typed or stored http addresses."""
    several = value if isinstance(value, list | tuple) else (value,)
    return frozenset(found for one in several if (found := _origin(one)))


def _origin(value: object) -> str:
    """The same of one; empty for anything else."""
    try:
        parts = urlsplit(str(value))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return ""
        return f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    except ValueError:
        return ""
