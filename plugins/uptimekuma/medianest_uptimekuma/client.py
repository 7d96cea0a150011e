"""Uptime Kuma's HTTP routes: `/metrics` and public status pages."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from medianest_core.sdk import AuthFailed, Http, InvalidResponse, NotFound, Secret
from medianest_uptimekuma import metrics, models


class KumaClient:
    """One Uptime Kuma."""

    def __init__(self, http: Http) -> None:
        self.http = http

    async def metrics(self, key: Secret) -> Sequence[models.Reading]:
        """Monitors by API key. Raises AuthFailed."""
        # Only the password counts; the user name is ignored.
        basic = base64.b64encode(f":{key.reveal()}".encode()).decode()
        reply = await self.http.request("GET", "/metrics", headers={"Authorization": f"Basic {basic}"})
        if reply.status == 401:
            raise AuthFailed(
                "Uptime Kuma refuses the API key. It also does so when it is asked more than 60 times a minute."
            )
        if reply.status == 404:
            raise NotFound("The address answers, but there is no Uptime Kuma under it.")
        return metrics.readings(reply.raise_for_status().text)

    async def status_page(self, slug: str) -> Sequence[models.Reading]:
        """Monitors of a public status page. Raises NotFound. Up to five minutes old: Uptime Kuma caches it."""
        # An unknown page has no beats and is still answered with 200: only the page itself tells.
        page = await self._json(f"/api/status-page/{slug}")
        beats = await self._json(f"/api/status-page/heartbeat/{slug}")
        return models.status_page(page, beats)

    async def _json(self, path: str) -> Any:
        reply = await self.http.request("GET", path, headers={"Accept": "application/json"})
        if reply.status == 404:
            raise NotFound("Uptime Kuma has no status page of that name.")
        reply.raise_for_status()
        if "json" not in reply.headers.get("content-type", ""):
            raise InvalidResponse("The address answers with a web page instead of data. Check it.")
        return reply.json()
