"""The tile on the home page: what the workers are busy with, of all instances."""

from __future__ import annotations

from medianest_core.sdk import ADMIN, Card, Html, ProviderError, Request
from medianest_tdarr.status import TdarrStatus


async def card(request: Request) -> Html:
    """An instance that is away takes nothing from the others."""
    rows, trouble = [], []
    for one in request.context.instances(TdarrStatus):
        try:
            nodes = await one.nodes()
        except ProviderError as error:
            trouble.append(str(error))
            continue
        rows += [
            {"node": node.name, "file": worker.file.rsplit("/", 1)[-1], "percent": worker.percentage}
            for node in nodes
            for worker in node.workers.values()
        ]
    return Html("tdarr/card.html", {"rows": rows, "trouble": trouble})


CARD = Card("workers", "Converting", card, ttl=15.0, policy=ADMIN)
