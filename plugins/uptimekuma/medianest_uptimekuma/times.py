"""Times as Uptime Kuma writes them: most without saying that they are UTC, those of maintenance in a zone beside them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

DAY = 86400.0
_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_ZONED = re.compile(r"(Z|[+-]\d\d:?\d\d)$")


def epoch(value: Any, offset: str = "+00:00") -> float | None:
    """Epoch seconds of "2026-01-31 12:00:00.000" or ISO 8601; None for anything else. offset: where the text names none."""
    if not isinstance(value, str) or not value:
        return None
    zoned = value if _ZONED.search(value) else value + (offset if _OFFSET.fullmatch(offset) else "+00:00")
    try:
        return datetime.fromisoformat(zoned).timestamp()
    except (ValueError, OverflowError):
        return None


def utc(value: Any) -> float | None:
    """The common case, without a zone, quickly."""
    try:
        return datetime.fromisoformat(f"{value}+00:00").timestamp()
    except (ValueError, OverflowError):
        return epoch(value)


def days_ahead(days: Any, now: float) -> float | None:
    """Epoch seconds of the day that is whole `days` away, the same all day long."""
    if isinstance(days, bool) or not isinstance(days, int | float) or not abs(days) < 100_000:
        return None
    return (now // DAY + int(days)) * DAY
