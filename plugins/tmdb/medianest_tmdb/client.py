"""TMDB's HTTP API, version 3, with the read access token.

tmdb = TmdbClient(http, Secret(token))
print(await tmdb.get("/search/multi", query="salt"))
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from medianest_core.sdk import (
    N_,
    AuthFailed,
    Http,
    InvalidResponse,
    NotFound,
    NotReady,
    Rejected,
    Response,
    Secret,
)
from medianest_tmdb.pace import Pace

_SHORT_KEY = re.compile(r"[0-9a-fA-F]{32}")
_UNREADABLE = N_("The address answers, but not like TMDB.")
MAX_BYTES = 4 * 1024 * 1024
"""Of one answer; the largest real ones have a few hundred thousand."""
MAX_IMAGE_BYTES = 10 * 1024 * 1024
REMEMBERED = 7 * 86400.0
"""Seconds that an answer is kept to ask whether it has changed."""


class TmdbClient:
    """Read access. The token goes into a header: keys in addresses end up in logs. timeout: seconds for one answer."""

    def __init__(
        self,
        http: Http,
        token: Secret,
        *,
        pace: Pace | None = None,
        timeout: float = 8.0,
    ) -> None:
        self._http = http
        self._token = token
        self._pace = pace or Pace()
        self.timeout = timeout

    async def authenticate(self) -> None:
        """Is the token good? Always asked anew. Raises AuthFailed."""
        if _SHORT_KEY.fullmatch(self._token.reveal()):
            raise AuthFailed("This is the short API key. Copy the long “API Read Access Token” beside it.")
        await self._pace.turn()
        reply = self._object(await self._ask("/authentication", {}))
        if reply.get("success") is not True:
            raise InvalidResponse(_UNREADABLE)

    async def image_sizes(self) -> int:
        """How many poster sizes the configuration lists; proves that reading works."""
        images = (await self.get("/configuration")).get("images")
        sizes = images.get("poster_sizes") if isinstance(images, dict) else None
        if not isinstance(sizes, list):
            raise InvalidResponse(_UNREADABLE)
        return len(sizes)

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """The object at a path. Raises the SDK's errors."""
        await self._pace.turn()
        return self._object(await self._ask(path, params, remember=REMEMBERED))

    async def image(self, url: str) -> Response:
        """A picture of the image host, which wants no token and does not count. Raises NotFound."""
        reply = await self._http.request("GET", url, timeout=self.timeout, max_bytes=MAX_IMAGE_BYTES)
        if reply.status in {403, 404}:
            raise NotFound("TMDB has no such picture.")
        if not reply.ok:
            raise NotReady(N_("TMDB's image host answered with error {status}.").format(status=reply.status))
        if not reply.headers.get("content-type", "").startswith("image/") or not reply.content:
            raise InvalidResponse("TMDB's image host sent something that is no picture.")
        return reply

    async def _ask(
        self, path: str, params: Mapping[str, str | int], remember: float | None = None
    ) -> Response:
        reply = await self._http.request(
            "GET",
            path,
            params=params,
            headers={"Authorization": f"Bearer {self._token.reveal()}", "Accept": "application/json"},
            timeout=self.timeout,
            max_bytes=MAX_BYTES,
            remember=remember,
        )
        if not reply.ok:
            raise self._refusal(reply)
        return reply

    def _object(self, reply: Response) -> dict[str, Any]:
        found = reply.json()
        if not isinstance(found, dict):
            raise InvalidResponse(_UNREADABLE)
        return found

    def _refusal(self, reply: Response) -> Exception:
        """Errors carry a code of TMDB's own; those of its gateway are web pages."""
        try:
            body = reply.json()
        except InvalidResponse:
            body = None
        code = body.get("status_code") if isinstance(body, dict) else None
        said = str(body.get("status_message") or "") if isinstance(body, dict) else ""
        if reply.status == 429:
            header = reply.headers.get("retry-after", "")
            return self._pace.refused(float(header) if header.isdigit() else None)
        if reply.status >= 500:
            return NotReady(N_("TMDB answered with error {status}.").format(status=reply.status))
        if reply.status == 403 and code is None:
            return AuthFailed("TMDB lets us not in. Check that nothing between here and TMDB blocks it.")
        if reply.status in {401, 403}:
            if code == 10:
                return AuthFailed("TMDB has suspended this token.")
            return AuthFailed("TMDB refuses the token. Copy the API Read Access Token again.")
        if reply.status == 404 and code is None:
            return NotFound("The address answers, but there is no TMDB under it.")
        if reply.status == 404:
            return NotFound("TMDB does not know this.")
        return Rejected(N_("TMDB refused the request ({reason}).").format(reason=said[:120] or reply.status))
