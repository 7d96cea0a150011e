"""Does the file server answer?"""

from __future__ import annotations

import asyncio
import time

from medianest_core.sdk import N_, Item, NotFound, Snapshot, StatusProvider
from medianest_manifest.client import ManifestServer
from medianest_manifest.service import MANIFEST
from medianest_manifest.settings import ManifestSettings


class ManifestStatus(StatusProvider[ManifestSettings, ManifestServer]):
    service = MANIFEST

    async def snapshot(self) -> Snapshot:
        begun = time.perf_counter()
        kinds = list(self.client.paths)
        answers = await asyncio.gather(*(self.client.answers(kind) for kind in kinds), return_exceptions=True)
        away = [one for one in answers if isinstance(one, BaseException)]
        found = next((one for one in away if not isinstance(one, NotFound)), None)
        if found is not None or (away and len(away) == len(answers)):
            raise found or away[0]
        elapsed_ms = round((time.perf_counter() - begun) * 1000, 1)
        message = N_("A list is missing") if away else ""
        return Snapshot([Item(N_("File server"), up=True, message=message, response_ms=elapsed_ms)])
