"""Seerr's HTTP API, version 1. One client serves Overseerr, Jellyseerr and Seerr."""

from __future__ import annotations

from typing import Any

from medianest_core.sdk import AuthFailed, Http, InvalidResponse, NotFound, Response, Secret
from medianest_overseerr import models


class SeerrClient:
    """Acts as the owner, whom the API key belongs to."""

    def __init__(self, http: Http, key: Secret) -> None:
        self._http = http
        self._key = key

    async def status(self) -> models.Status:
        """Version; needs no key."""
        return models.status(await self._get("/status", key=False))

    async def account(self) -> models.Account:
        """Whom the key acts as. Raises AuthFailed."""
        return models.account(await self._get("/auth/me"))

    async def product(self) -> models.Product:
        """Which product it is; needs no key."""
        return models.product(await self._get("/settings/public", key=False))

    async def _get(self, path: str, *, key: bool = True) -> Any:
        headers = {"Accept": "application/json"}
        if key:
            headers["X-Api-Key"] = self._key.reveal()
        reply = await self._http.request("GET", f"/api/v1{path}", headers=headers)
        _refuse(reply)
        if "json" not in reply.headers.get("content-type", ""):
            raise InvalidResponse(
                "The address answers with a web page instead of data. Check it, and whether a sign-in page of a proxy "
                "stands before it."
            )
        return reply.json()


def _refuse(reply: Response) -> None:
    """The two refusals differ: without any key it is 401, with a wrong one 403."""
    if reply.status == 403:
        raise AuthFailed("It refuses the API key. Copy it again from its settings.")
    if reply.status == 401:
        raise AuthFailed("No API key arrived there. Does a proxy in between remove the header X-Api-Key?")
    if reply.status == 404:
        raise NotFound("The address answers, but there is no Overseerr or Seerr under it.")
    reply.raise_for_status()
