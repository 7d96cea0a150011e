"""What the store can refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medianest_core.sdk.errors import MediaNestError


class Stale(MediaNestError):
    """Someone else changed the row since it was read. `current`: its present values; shown beside the refused ones (409)."""

    def __init__(self, current: Mapping[str, Any]) -> None:
        super().__init__("Someone else changed this in the meantime.")
        self.current = current


class DatabaseAway(MediaNestError):
    """The database does not answer. Callers answer 503 with Retry-After."""


class Clashed(DatabaseAway):
    """Two transactions waited for each other and this one was given up; nothing of it was written. May be tried again at once."""
