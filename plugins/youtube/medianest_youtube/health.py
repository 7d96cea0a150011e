"""Is downloading possible, and if not, what is to be done?"""

from __future__ import annotations

from medianest_core.sdk.errors import ProviderError
from medianest_core.sdk.http import Http
from medianest_core.sdk.status import Item, Snapshot, StatusProvider
from medianest_youtube import tools
from medianest_youtube.service import YOUTUBE, needed, site_probe
from medianest_youtube.settings import YoutubeSettings


class YoutubeStatus(StatusProvider[YoutubeSettings, Http]):
    service = YOUTUBE

    async def snapshot(self) -> Snapshot:
        """The site and the programs. A site that cannot be reached is a fact to show, the programs are still told."""
        box = await tools.look()
        missed = needed(box, self.config)
        items = [await self._site()]
        for tool in box.all():
            if tool not in missed:
                items.append(Item(tool.name, up=None, message="Not needed for this site."))
            else:
                items.append(Item(tool.name, up=tool.present, message=tool.advice or tool.version))
        return Snapshot(items, box.ytdlp.version or None)

    async def _site(self) -> Item:
        try:
            await self.http.get(site_probe(self.config), timeout=6, max_bytes=1024 * 1024)
        except ProviderError as error:
            return Item("Site", up=False, message=str(error))
        return Item("Site", up=True)
