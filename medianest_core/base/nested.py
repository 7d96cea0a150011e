"""Settings within settings, as JSON: groups, and lists whose entries are known by an id rather than by their place.

A setting is named with dots: "key", "tls.key" in a group, "feeds.<id>.key" in an entry of a list. An entry's id stands in it as
"_id", a name that no field of a model can have, so that an entry stays itself when others are moved or removed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeGuard

from pydantic import BaseModel

from medianest_core.sdk.settings import MASK

ENTRY_ID = "_id"
_ENTRY_ID = re.compile(r"[a-z0-9]{6,40}")


class Place(NamedTuple):
    """Where a setting stands. name: with dots. setting: the same without the entry's id. holder, key: to read and write it."""

    name: str
    setting: str
    holder: dict[str, Any]
    key: str

    @property
    def value(self) -> Any:
        return self.holder.get(self.key)


def new_entry_id() -> str:
    """Eight characters; not a secret."""
    return secrets.token_hex(4)


def editable(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy whose groups and entries may be changed; those that are models become dictionaries, their fields as they are."""
    return {name: _editable(value) for name, value in values.items()}


def _editable(value: Any) -> Any:
    if isinstance(value, Mapping | BaseModel):
        return dict(value)
    if isinstance(value, list | tuple):
        return [dict(one) if isinstance(one, Mapping | BaseModel) else one for one in value]
    return value


def entries(value: object) -> list[tuple[str, dict[str, Any]]]:
    """(id, entry) of a list of entries, in order; the place stands for an id that is missing. Empty for anything else."""
    if not isinstance(value, list | tuple):
        return []
    return [(entry_id(one, place), one) for place, one in enumerate(value) if isinstance(one, dict)]


def entry_id(entry: object, place: int) -> str:
    """What an entry of a list is called in names."""
    given = entry.get(ENTRY_ID) if isinstance(entry, Mapping) else None
    return given if is_entry_id(given) else str(place)


def is_entry_id(value: object) -> TypeGuard[str]:
    """Whether this may be the id of an entry; a place in a list never is."""
    return isinstance(value, str) and _ENTRY_ID.fullmatch(value) is not None


def places(values: dict[str, Any]) -> Iterator[Place]:
    """Each setting by itself, whatever its model says. values: as `editable` gives them."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from (Place(f"{name}.{key}", f"{name}.{key}", value, key) for key in value)
        elif found := entries(value):
            for name_of_it, entry in found:
                yield from (
                    Place(f"{name}.{name_of_it}.{key}", f"{name}.{key}", entry, key)
                    for key in entry
                    if key != ENTRY_ID
                )
        else:
            yield Place(name, name, values, name)


def each_setting(values: Mapping[str, Any]) -> dict[str, Any]:
    """Name → value of each setting by itself; under the name of a list of entries stand their ids, in order."""
    whole = editable(values)
    found: dict[str, Any] = {
        name: [one for one, _ in listed] for name, value in whole.items() if (listed := entries(value))
    }
    return found | {place.name: place.value for place in places(whole)}


def without_ids(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same as the model knows it."""
    whole = editable(values)
    for value in whole.values():
        for _, entry in entries(value):
            entry.pop(ENTRY_ID, None)
    return whole


def entry_title(entry: Mapping[str, Any]) -> str:
    """What to call an entry: its first text that is no secret. entry: secrets masked, or references."""
    texts = (value for key, value in entry.items() if key != ENTRY_ID and isinstance(value, str))
    return next((text for text in texts if text and text != MASK and not text.startswith("$")), "")
