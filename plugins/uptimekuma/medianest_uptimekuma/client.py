"""One Uptime Kuma: its HTTP routes, and the live connection where the credentials allow one."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from medianest_core.sdk import AuthFailed, Beat, Http, Incident, InvalidResponse, NotFound, Response, Secret
from medianest_uptimekuma import announcements, metrics, pages
from medianest_uptimekuma.models import Reading

if TYPE_CHECKING:
    from medianest_uptimekuma.session import Session


SECONDS = 8.0
"""How long one request may take; the portal gives a whole status ten."""
LARGEST = 24 * 1024 * 1024
"""Bytes of one answer: a thousand monitors are two million."""


class KumaClient:
    """session: None where there is no sign-in."""

    def __init__(self, http: Http, session: Session | None = None) -> None:
        self.http = http
        self.session = session
        self._began: dict[str, float] = {}

    async def close(self) -> None:
        if self.session is not None:
            await self.session.close()

    async def metrics(self, key: Secret) -> list[Reading]:
        """Monitors by API key. Raises AuthFailed."""
        # Only the password counts; the user name is ignored.
        basic = base64.b64encode(f":{key.reveal()}".encode()).decode()
        reply = await self._get("/metrics", {"Authorization": f"Basic {basic}"})
        if reply.status == 401:
            raise AuthFailed(
                "Uptime Kuma refuses the API key. It also does so when it is asked more than 60 times a minute."
            )
        if reply.status == 404:
            raise NotFound("The address answers, but there is no Uptime Kuma under it.")
        return metrics.readings(reply.raise_for_status().text, time.time())

    async def status_page(self, slug: str) -> list[Reading]:
        """Monitors of a public status page. Raises NotFound. Up to five minutes old: Uptime Kuma caches it."""
        # An unknown page has no beats and is still answered with 200: only the page itself tells.
        page = await self._json(f"/api/status-page/{slug}")
        return pages.readings(page, await self._json(f"/api/status-page/heartbeat/{slug}"), time.time())

    async def page_beats(self, slug: str, since: float) -> list[Beat]:
        """The checks that a status page tells: the last fifty or hundred of each monitor."""
        return pages.beats(await self._json(f"/api/status-page/heartbeat/{slug}"), since)

    async def page_incidents(self, slug: str) -> list[Incident]:
        """What a status page announces, with what it announced lately where the server keeps that."""
        page = await self._json(f"/api/status-page/{slug}")
        found = announcements.of_page(page)
        rows = page.get("maintenanceList") if isinstance(page, dict) else None
        found += self.maintenance(rows if isinstance(rows, list) else [])
        if isinstance(page, dict) and "incidents" in page:
            try:
                found += announcements.of_history(
                    await self._json(f"/api/status-page/{slug}/incident-history")
                )
            except (NotFound, InvalidResponse):
                # The second generation tells several incidents a little longer than it keeps old ones.
                pass
        return found

    def maintenance(self, rows: list[Any]) -> list[Incident]:
        """Maintenance windows out of Uptime Kuma's list of them."""
        return announcements.maintenance(rows, time.time(), self._began.setdefault)

    async def _json(self, path: str) -> Any:
        reply = await self._get(path, {"Accept": "application/json"})
        if reply.status == 404:
            raise NotFound("Uptime Kuma has no status page of that name.")
        reply.raise_for_status()
        if "json" not in reply.headers.get("content-type", ""):
            raise InvalidResponse("The address answers with a web page instead of data. Check it.")
        return reply.json()

    async def _get(self, path: str, headers: Mapping[str, str]) -> Response:
        return await self.http.request("GET", path, headers=headers, timeout=SECONDS, max_bytes=LARGEST)
