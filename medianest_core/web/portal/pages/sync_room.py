"""Admin → sync: the pages of the room, for the row of links that stands on each of them."""

from __future__ import annotations

from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.views import Choice

BASE = "/admin/sync"
PART = f"{BASE}/part"


def sync_tabs(current: str) -> tuple[Choice, ...]:
    """current: "runs", "priorities", "matching" or "report"."""
    pages = (
        ("runs", _("Runs"), BASE),
        ("priorities", _("Priorities"), f"{BASE}/priorities"),
        ("matching", _("Matching"), f"{BASE}/matching"),
        ("report", _("Report"), f"{BASE}/report"),
    )
    return tuple(
        Choice(label=label, value=value, path=path, current=value == current) for value, label, path in pages
    )
