"""The wire format: entries of the two manifests and of the metadata files beside the media, read tolerantly.

The shapes are those of the README. What has another type than expected counts as not said, so that one odd value spoils no entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from medianest_core.sdk import N_, InvalidResponse

MOVIES_VERSION, TV_VERSION = 1.0, 1.0001
"""The versions of the shapes that are read here."""
VERSION = "version"
SEASONS, EPISODES = "seasons", "episodes"
Members = dict[str, msgspec.Raw]


def members(raw: msgspec.Raw | bytes | memoryview) -> Members:
    """The members of a JSON object, undecoded. Raises InvalidResponse."""
    try:
        return msgspec.json.decode(raw, type=Members)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidResponse(N_("An entry of the manifest cannot be read.")) from error


def entry(raw: msgspec.Raw | bytes | memoryview) -> Mapping[str, Any]:
    """A JSON object, decoded. Raises InvalidResponse."""
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidResponse(N_("An entry of the manifest cannot be read.")) from error


def table(value: object) -> Mapping[str, Any]:
    """A JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """A text that says something."""
    return value.strip() or None if isinstance(value, str) else None


def number(value: object) -> float | None:
    """A number, also one written as text; never true or false."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if found == found and abs(found) != float("inf") else None


def whole(value: object) -> int | None:
    """A whole number."""
    found = number(value)
    return None if found is None else round(found)
