"""The event that makes open pages show the links again."""

from __future__ import annotations

from typing import ClassVar

from medianest_core.sdk import Event


class LinksChanged(Event):
    """Some link was added, changed, moved or removed. It does not say which: not everyone may see every link."""

    name: ClassVar[str] = "links:changed"
