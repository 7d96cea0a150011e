"""View-models of admin → caches."""

from __future__ import annotations

from dataclasses import dataclass

from medianest_core.web.portal.views.common import Action, Stat


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRow:
    """One cache. notes: short facts in words, shown beside each other. oldest_at: epoch seconds."""

    name: str
    title: str
    text: str
    icon: str
    held: str
    hits: str
    notes: tuple[str, ...] = ()
    oldest_at: float | None = None
    clear: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class CachesView:
    """`core/admin/caches.html`."""

    stats: tuple[Stat, ...]
    rows: tuple[CacheRow, ...]
