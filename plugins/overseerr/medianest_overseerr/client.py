"""Seerr's HTTP API, version 1. One client serves Overseerr, Jellyseerr and Seerr.

Reads raise the errors of the SDK. Writes return the status beside the answer where several mean something, because here 202 is "nothing was made" and 403 may be
a quota as well as a wrong key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from urllib.parse import quote

from medianest_core.sdk import (
    N_,
    AuthFailed,
    Http,
    InvalidResponse,
    NotFound,
    NotReady,
    Quota,
    Rejected,
    Response,
    Secret,
)
from medianest_overseerr import models, reading
from medianest_overseerr.reading import Row

MAX_BYTES = 16 * 1024 * 1024
PAGE = 100
MOST_PAGES = 200
"""A listing longer than this is a mistake of the service, not a household."""


class SeerrClient:
    """Acts as the owner, whom the API key belongs to, or as a person named by `user`."""

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

    async def search(self, text: str, page: int, language: str) -> Row:
        """A page of films, series and people."""
        # Spaces as "+" and bare punctuation are refused: everything is percent-encoded here, not by the HTTP client.
        query = f"query={quote(text, safe='')}&page={page}&language={quote(language, safe='')}"
        return reading.row(await self._get(f"/search?{query}"))

    async def feed(self, path: str, page: int, language: str) -> Row:
        """A page of `/discover/{path}`."""
        return reading.row(
            await self._get(f"/discover/{path}?page={page}&language={quote(language, safe='')}")
        )

    async def details(self, kind: str, tmdb: int, language: str = "en") -> Row:
        """A film ("movie") or series ("tv") with what is known of its requests.

        Raises NotFound where TMDB does not know the title or did not answer, which Seerr does not tell apart.
        """
        status, found = await self.send(
            "GET", f"/{kind}/{tmdb}?language={quote(language, safe='')}", expect=(500,)
        )
        if status == 500 and said(found).startswith("Unable to retrieve"):
            raise NotFound(
                "Overseerr or Seerr cannot tell about this title: TMDB does not know it, or does not answer it now."
            )
        if status == 500:
            raise broken(said(found))
        row = reading.row(found)
        if reading.whole(row, "id") != tmdb:
            # Not taken for a title without requests.
            raise InvalidResponse("Overseerr or Seerr answered with a title that cannot be read.")
        return row

    async def request(self, reference: str) -> Row:
        """One request. Raises NotFound."""
        return reading.row(await self._get(f"/request/{whole(reference)}"))

    async def title_row(self, kind: str, tmdb: int) -> Row:
        """What it stores of a title: its requests, seasons and internal id; empty where it stores nothing."""
        return reading.part(await self.details(kind, tmdb), "mediaInfo")

    async def pages(self, path: str, query: str = "") -> AsyncIterator[Row]:
        """All rows of a listing in its order, page by page; a row that moves between two pages comes once.

        Raises InvalidResponse where pages never end or one is no listing: a short list must not look like a whole one.
        """
        seen: set[object] = set()
        for index in range(MOST_PAGES):
            found = reading.row(await self._get(f"{path}?take={PAGE}&skip={index * PAGE}{query}"))
            rows = found.get("results")
            total = reading.whole(reading.part(found, "pageInfo"), "results")
            if not isinstance(rows, list) or total is None:
                raise InvalidResponse("Overseerr or Seerr answered with a list that cannot be read.")
            for entry in rows:
                if isinstance(entry, dict) and entry.get("id") not in seen:
                    seen.add(entry.get("id"))
                    yield entry
            if not rows or (index + 1) * PAGE >= total:
                return
        raise InvalidResponse("Overseerr or Seerr answered with a list that does not end.")

    async def services(self, kind: str) -> list[Row]:
        """The Radarrs ("radarr") or Sonarrs ("sonarr") behind it."""
        found = reading.listed(await self._get(f"/service/{kind}"))
        return [entry for entry in found if isinstance(entry, dict)]

    async def service(self, kind: str, number: int) -> Row:
        """One of them with its profiles, folders and tags."""
        return reading.row(await self._get(f"/service/{kind}/{number}"))

    async def quota(self, user: str) -> list[Quota]:
        """What a person may still ask for there."""
        return models.quotas(await self._get(f"/user/{whole(user)}/quota"))

    async def webhook(self) -> Row:
        """The settings of its one webhook; the template in them is plain text."""
        return reading.row(await self._get("/settings/notifications/webhook"))

    async def save_webhook(self, settings: Mapping[str, Any]) -> None:
        """Replace them; the template must be made a string of JSON first."""
        await self.send("POST", "/settings/notifications/webhook", json=settings)

    async def image(self, url: str) -> Response:
        """A picture at the image host; no key goes there."""
        reply = await self._http.request("GET", url, max_bytes=MAX_BYTES)
        return reply.raise_for_status()

    async def _get(self, path: str, *, key: bool = True) -> Any:
        _, found = await self.send("GET", path, key=key)
        return found

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        user: str = "",
        key: bool = True,
        expect: Collection[int] = (),
    ) -> tuple[int, Any]:
        """(status, JSON). A status outside 2xx raises, unless it is among `expect`; None stands for an empty answer."""
        headers = {"Accept": "application/json"}
        if key:
            headers["X-Api-Key"] = self._key.reveal()
        if user:
            headers["X-Api-User"] = str(whole(user))
        reply = await self._http.request(
            method, f"/api/v1{path}", headers=headers, json=json, max_bytes=MAX_BYTES
        )
        if reply.status not in expect or _says(reply) is None:
            _refuse(reply)
        if reply.status == 204 or (reply.ok and not reply.content):
            return reply.status, None
        if "json" not in reply.headers.get("content-type", ""):
            raise InvalidResponse(
                "The address answers with a web page instead of data. Check it, and whether a sign-in page of a proxy "
                "stands before it."
            )
        return reply.status, reply.json()


def said(found: Any) -> str:
    """The sentence of an answer that says why not."""
    return reading.text(found, "message") if isinstance(found, dict) else ""


def broken(words: str) -> NotReady:
    """A 500 with words."""
    return NotReady(N_("Overseerr or Seerr reports a mistake of its own: {words}").format(words=words))


def _says(reply: Response) -> str | None:
    """The service's own words; None where the answer is not its own, as from a proxy, or of its other form."""
    if "json" not in reply.headers.get("content-type", ""):
        return None
    try:
        found = reply.json()
    except InvalidResponse:
        return None
    return said(found) or None


def _refuse(reply: Response) -> None:
    """Without any key it is 401, with a wrong one 403 in a form without a message; other refusals say why."""
    if reply.ok:
        return
    words = _says(reply)
    if reply.status == 401 and (words is None or "connect.sid" in words):
        raise AuthFailed(
            "No API key arrived at Overseerr or Seerr. Does a proxy in between remove the header X-Api-Key?"
        )
    if reply.status == 403 and words is None:
        raise AuthFailed("Overseerr or Seerr refuses the API key. Copy it again from its settings.")
    if reply.status == 404:
        if words is None or words == "not found":
            raise NotFound("The address answers, but there is no Overseerr or Seerr under it.")
        raise NotFound("Overseerr or Seerr does not know this any more.")
    if reply.status == 429 or (words is None and reply.status < 500):
        reply.raise_for_status()
    if reply.status >= 500:
        if words is None:
            raise NotReady(
                N_("Overseerr or Seerr does not work at the moment (error {status}).").format(
                    status=reply.status
                )
            )
        raise broken(words)
    raise Rejected(N_("Overseerr or Seerr refuses this: {words}").format(words=words))


def whole(reference: str) -> int:
    """Ids are whole numbers; anything else was never its own. Raises NotFound."""
    if not reference.isdecimal():
        raise NotFound("Overseerr or Seerr does not know this any more.")
    return int(reference)
