"""The nodes, for the status page; what their workers do, for the card."""

from __future__ import annotations

from collections.abc import Sequence

from medianest_core.sdk import Item, Snapshot, StatusProvider
from medianest_tdarr.client import Node, TdarrClient
from medianest_tdarr.service import TDARR, TdarrSettings


class TdarrStatus(StatusProvider[TdarrSettings, TdarrClient]):
    service = TDARR

    async def snapshot(self) -> Snapshot:
        about, nodes = await self.client.about(), await self.client.nodes()
        return Snapshot([_item(one) for one in nodes], version=about.version or None)

    async def nodes(self) -> Sequence[Node]:
        """For the card."""
        return await self.client.nodes()


def _item(node: Node) -> Item:
    if node.paused:
        return Item(node.name, None, "Paused", key=node.id)
    return Item(node.name, True, f"{len(node.workers)} workers busy", key=node.id)
