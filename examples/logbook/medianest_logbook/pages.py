"""The page: the book from its end, twenty entries at a time, for admins."""

from __future__ import annotations

from medianest_core.sdk import ADMIN, Html, NavItem, Page, Request
from medianest_logbook.book import latest

SHOWN = 20


async def page(request: Request) -> Html:
    """`/p/logbook/?before=ID&event=NAME`; what makes no sense in the address is as if it were not there."""
    asked = request.query.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 16 else None
    event = request.query.get("event", "")[:80]
    async with request.context.read() as tx:
        # One more than is shown says whether there are others.
        found = await latest(tx, SHOWN + 1, before, event)
    more = found[SHOWN - 1].id if len(found) > SHOWN else None
    return Html("logbook/page.html", {"entries": found[:SHOWN], "more": more, "event": event})


PAGE = Page("", page, title="Logbook", policy=ADMIN)
ENTRY = NavItem("Logbook", "/p/logbook/", icon="book-open", policy=ADMIN)
