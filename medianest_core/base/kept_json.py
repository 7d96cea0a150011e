"""JSON that is kept for a while, in no more room than it is long.

orjson writes into room that it doubles as it needs more, and hands its result over with all of that: 2.4 KB of text hold 8 KB.
"""

from __future__ import annotations

from typing import Any

import orjson


def kept_json(value: Any, option: int | None = None) -> bytes:
    """`orjson.dumps`, with its options and errors."""
    return memoryview(orjson.dumps(value, option=option)).tobytes()
