"""Answers that are valid and yet not what was hoped for: without any rows, with each row twice, or far too large."""

from __future__ import annotations

from typing import Any

import orjson

HUGE = 40 * 1024 * 1024
"""Bytes; more than a client should take."""
PAGE = (
    b"<!doctype html><html><head><title>Sign in</title></head><body><form>Who are you?</form></body></html>"
)
"""What a proxy says in the place of the service."""
_PIECE = b'"' + b"x" * 262_142 + b'",'


def emptied(body: bytes) -> bytes:
    """The same answer without its rows; lines of a text but its comments go."""
    return _changed(body, _without_rows, lambda lines: [one for one in lines if one.startswith(b"#")])


def doubled(body: bytes) -> bytes:
    """The same answer with each row twice."""
    return _changed(body, _with_rows_twice, lambda lines: [one for one in lines for _ in range(2)])


def huge() -> list[bytes]:
    """A list that does not end soon, in pieces."""
    count = HUGE // len(_PIECE)
    return [b"[", *([_PIECE] * count), b'""]']


def _changed(body: bytes, value: Any, lines: Any) -> bytes:
    try:
        return orjson.dumps(value(orjson.loads(body)))
    except orjson.JSONDecodeError:
        return b"\n".join(lines(body.split(b"\n")))


def _without_rows(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_rows(entry) for key, entry in value.items()}
    return [] if isinstance(value, list) else value


def _with_rows_twice(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_rows_twice(entry) for key, entry in value.items()}
    if isinstance(value, list):
        rows = [_with_rows_twice(entry) for entry in value]
        return [row for row in rows for _ in range(2)]
    return value
