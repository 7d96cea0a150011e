"""JSON Pointers (RFC 6901): where in a message a value stands."""

from __future__ import annotations

import re
from typing import Any

_VALID = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_MISSING = object()


def valid(pointer: str) -> bool:
    """Is it one? The empty one means the whole message."""
    return _VALID.fullmatch(pointer) is not None


def find(document: Any, pointer: str) -> Any:
    """The value at the pointer; None where there is none."""
    found = document
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name, _MISSING)
        elif isinstance(found, list) and _index(name) and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
        if found is _MISSING:
            return None
    return found


def _index(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 10 and (name == "0" or name[0] != "0")
