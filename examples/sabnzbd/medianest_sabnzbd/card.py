"""The tile on the home page: what is being fetched, of all instances."""

from __future__ import annotations

from medianest_core.sdk import Card, Html, ProviderError, Request
from medianest_sabnzbd.status import SabnzbdStatus

SHOWN = 5


async def card(request: Request) -> Html:
    """An instance that is away takes nothing from the others."""
    slots, trouble = [], []
    for one in request.context.instances(SabnzbdStatus):
        try:
            slots += (await one.queue()).slots
        except ProviderError as error:
            trouble.append(str(error))
    return Html(
        "sabnzbd/card.html", {"slots": slots[:SHOWN], "more": max(0, len(slots) - SHOWN), "trouble": trouble}
    )


CARD = Card("queue", "Fetching", card, refresh_on=("download:changed",), ttl=15.0)
