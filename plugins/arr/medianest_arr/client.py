"""The HTTP API, version 3, that Radarr and Sonarr share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medianest_arr import models
from medianest_core.sdk import AuthFailed, Http, InvalidResponse, NotFound, Response, Secret


class ArrClient:
    """One Radarr or Sonarr. moved_to: where the last request was redirected, or None: its URL base is missing then."""

    def __init__(self, http: Http, key: Secret) -> None:
        self._http = http
        self._key = key
        self.moved_to: str | None = None

    async def system(self) -> models.System:
        """What it is and which version. Raises AuthFailed."""
        return models.system(await self._get("/system/status"))

    async def health(self) -> Sequence[models.HealthNote]:
        """What it complains about itself."""
        return models.health(await self._get("/health"))

    async def _get(self, path: str) -> Any:
        headers = {"X-Api-Key": self._key.reveal(), "Accept": "application/json"}
        address = f"/api/v3{path}"
        reply = await self._http.request("GET", address, headers=headers)
        arrived = reply.url.partition("?")[0]
        self.moved_to = None if arrived == self._http.base_url + address else arrived.removesuffix(address)
        _refuse(reply)
        if "json" not in reply.headers.get("content-type", ""):
            raise InvalidResponse(
                "The address answers with a web page instead of data. Check it, and whether a sign-in page of a proxy "
                "stands before it."
            )
        return reply.json()


def _refuse(reply: Response) -> None:
    if reply.status == 401:
        # The body is empty: whether the key is missing or wrong is not told.
        raise AuthFailed("It refuses the API key. Copy it again from Settings, General.")
    if reply.status == 404:
        raise NotFound(
            "The address answers, but there is no Radarr or Sonarr under it. Is its URL base missing?"
        )
    reply.raise_for_status()
