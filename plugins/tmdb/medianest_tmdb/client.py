"""TMDB's HTTP API, version 3, with the read access token."""

from __future__ import annotations

import re
from typing import Any

from medianest_core.sdk import (
    AuthFailed,
    Http,
    InvalidResponse,
    NotFound,
    NotReady,
    RateLimited,
    Rejected,
    Response,
    Secret,
)

_SHORT_KEY = re.compile(r"[0-9a-fA-F]{32}")


class TmdbClient:
    """Read access. The token goes into a header: keys in addresses end up in logs."""

    def __init__(self, http: Http, token: Secret) -> None:
        self._http = http
        self._token = token

    async def authenticate(self) -> None:
        """Is the token good? Raises AuthFailed."""
        if _SHORT_KEY.fullmatch(self._token.reveal()):
            raise AuthFailed("This is the short API key. Copy the long “API Read Access Token” beside it.")
        reply = await self._get("/authentication")
        if not isinstance(reply, dict) or reply.get("success") is not True:
            raise InvalidResponse("The address answers, but not like TMDB.")

    async def image_sizes(self) -> int:
        """How many poster sizes the configuration lists; proves that reading works."""
        reply = await self._get("/configuration")
        images = reply.get("images") if isinstance(reply, dict) else None
        sizes = images.get("poster_sizes") if isinstance(images, dict) else None
        if not isinstance(sizes, list):
            raise InvalidResponse("The address answers, but not like TMDB.")
        return len(sizes)

    async def _get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self._token.reveal()}", "Accept": "application/json"}
        reply = await self._http.request("GET", path, headers=headers)
        if not reply.ok:
            raise _refusal(reply)
        return reply.json()


def _refusal(reply: Response) -> Exception:
    """Errors carry a code of TMDB's own; those of its gateway are web pages."""
    try:
        body = reply.json()
    except InvalidResponse:
        body = None
    code = body.get("status_code") if isinstance(body, dict) else None
    said = str(body.get("status_message") or "") if isinstance(body, dict) else ""
    if reply.status == 429:
        header = reply.headers.get("retry-after", "")
        return RateLimited("TMDB asks us to slow down.", float(header) if header.isdigit() else None)
    if reply.status >= 500:
        return NotReady(f"TMDB answered with error {reply.status}.")
    if reply.status in {401, 403}:
        if code == 10:
            return AuthFailed("TMDB has suspended this token.")
        return AuthFailed("TMDB refuses the token. Copy the API Read Access Token again.")
    if reply.status == 404 and code is None:
        return NotFound("The address answers, but there is no TMDB under it.")
    if reply.status == 404:
        return NotFound("TMDB does not know this.")
    return Rejected(f"TMDB refused the request ({said[:120] or reply.status}).")
