"""Sends webhooks the way a Plex Media Server does: multipart, with a poster for some events and without a signature."""

from __future__ import annotations

import asyncio
import secrets
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import orjson

from medianest_core.testing.world.pictures import poster
from medianest_plex.simulation.accounts import Person
from medianest_plex.simulation.entries import entry
from medianest_plex.simulation.library import Item

if TYPE_CHECKING:
    from medianest_plex.simulation.world import World

WITH_THUMB = frozenset({"library.new", "library.on.deck", "media.play", "media.rate"})
TIMEOUT = 10.0


class Webhooks:
    """The addresses to call, and the sending."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.urls: list[str] = []

    def payload(self, event: str, item: Item | None, person: Person) -> dict[str, object]:
        """The JSON of one event."""
        world = self._world
        body: dict[str, object] = {
            "event": event,
            "user": True,
            "owner": person is world.accounts.owner,
            "Account": {
                "id": person.id,
                "thumb": f"{world.base_url}/users/{person.uuid}/avatar",
                "title": person.title,
            },
            "Server": {"title": "Living Room", "uuid": world.accounts.machine},
        }
        if event.startswith("media."):
            body["Player"] = {
                "local": True,
                "publicAddress": "203.0.113.7",
                "title": "Living Room TV",
                "uuid": "r6yfkdnfggbh2bdnvkffwbms",
            }
        if item is not None:
            body["Metadata"] = entry(item, world.library, full=True)
        return body

    async def send(
        self,
        url: str,
        event: str,
        item: Item | None,
        *,
        person: Person | None = None,
        thumb: bool | None = None,
    ) -> int | None:
        """Call one address once; its status, or None when it cannot be reached. `thumb` None: as Plex does for the event."""
        body = self.payload(event, item, person or self._world.accounts.owner)
        picture: bytes | None = None
        if item is not None and (event in WITH_THUMB if thumb is None else thumb):
            picture = await asyncio.to_thread(poster, self._world.seed, item)
        status = await asyncio.to_thread(_post, url, orjson.dumps(body), picture)
        key = None if item is None else item.key
        self._world.ledger.record(
            "webhook.sent", url=url, event=event, rating_key=key, status=status, thumb=picture is not None
        )
        return status

    async def announce(self, event: str, item: Item | None) -> None:
        """Call every configured address."""
        await asyncio.gather(*(self.send(url, event, item) for url in self.urls))


def multipart(payload: bytes, picture: bytes | None) -> tuple[str, bytes]:
    """Content type and body of one delivery."""
    boundary = f"------------------------{secrets.token_hex(8)}"
    parts = [
        b'Content-Disposition: form-data; name="payload"\r\nContent-Type: application/json\r\n\r\n' + payload,
    ]
    if picture is not None:
        head = b'Content-Disposition: form-data; name="thumb"; filename="thumb.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        parts.append(head + picture)
    edge = f"--{boundary}".encode()
    body = b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n"
    return f"multipart/form-data; boundary={boundary}", body


def _post(url: str, payload: bytes, picture: bytes | None) -> int | None:
    content_type, body = multipart(payload, picture)
    headers = {"Content-Type": content_type, "User-Agent": "PlexMediaServer/1.42.2"}
    if not url.startswith(("http://", "https://")):
        raise ValueError("a webhook address is an http or https URL")
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310  # scheme checked above
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
