"""What a source says of a title beyond its listing: kept as the difference to the listed record, and laid over it again. Pure.

Only what the listing lacks or cuts short is kept, so a value that the listing does carry whole changes with the next listing,
and what it lacks stays until the details are read again. What decides which title a record belongs to is the listing's alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from medianest_core.base.kept_json import kept_json
from medianest_core.base.texts import N_
from medianest_core.domain.library.merge import BY_LEAF, statements
from medianest_core.sdk.errors import InvalidResponse
from medianest_core.sdk.media import EPISODE, MediaRecord

_LISTED = ("title", "year", "ids")
_NUMBERED = ("year", "ids")
"""What is the listing's alone where a number within its parent says which title it is: then its name is only shown."""


def beyond(listed: MediaRecord, full: MediaRecord) -> bytes:
    """What `full` says and `listed` does not, or not so; empty where there is nothing. Equal differences give equal bytes.

    Raises InvalidResponse where `full` holds something that is not JSON.
    """
    said, more = statements(listed), statements(full)
    own = _NUMBERED if listed.kind == EPISODE and listed.index is not None else _LISTED
    found: dict[str, Any] = {}
    for name, value in more.items():
        if name in own or said.get(name) == value:
            continue
        if name in BY_LEAF:
            known = said.get(name, {})
            value = {leaf: one for leaf, one in value.items() if known.get(leaf) != one}
            if not value:
                continue
        found[name] = value
    try:
        return kept_json(found, orjson.OPT_SORT_KEYS) if found else b""
    except TypeError as error:
        raise InvalidResponse(
            N_("The details of {key} cannot be stored: {message}.").format(key=listed.key, message=error)
        ) from error


def overlaid(listed: MediaRecord, details: bytes | None) -> MediaRecord:
    """`listed` with its stored details; the same object where there are none."""
    if not details:
        return listed
    fields = dict(listed.fields)
    more = orjson.loads(details)
    for name, value in more.items():
        known = fields.get(name)
        fields[name] = {**known, **value} if name in BY_LEAF and isinstance(known, Mapping) else value
    # An episode's name: files often bear its number alone.
    return replace(listed, title=more.get("title", listed.title), fields=fields)
