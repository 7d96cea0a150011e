"""The HTTP API, version 3, that Radarr and Sonarr share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from medianest_arr import models
from medianest_core.sdk import (
    N_,
    AuthFailed,
    Http,
    InvalidResponse,
    NotFound,
    NotReady,
    Params,
    Rejected,
    Response,
    Secret,
)

T = TypeVar("T")
_PAGE = 200
_MOST_PAGES = 50
_LIST_BYTES = 128 * 1024 * 1024
"""A library of ten thousand films is that large."""
LIST_TIMEOUT = 60.0
SLOW_TIMEOUT = 25.0
"""Looking up and adding asks a service of theirs in turn."""
FRESH = 3.0
"""Seconds that a view of the queue is shared by those who ask at the same time."""


class AlreadyThere(Rejected):
    """The title was added by someone else in the meantime."""


class Missing(NotFound):
    """The service itself says that it has no such thing. Any other 404 says only that something is wrong with the address."""


class ArrClient:
    """One Radarr or Sonarr. app: which of the two, for sentences. uhd: it keeps the 4K copies of titles.

    moved_to: where the last request was redirected, or None: its URL base is missing then.
    """

    def __init__(self, http: Http, key: Secret, *, app: str, uhd: bool = False) -> None:
        self._http = http
        self._key = key
        self.app = app
        self.uhd = uhd
        self.moved_to: str | None = None
        self._shared: dict[str, tuple[float, asyncio.Future[Any]]] = {}

    async def get(self, path: str, shape: type[T], params: Params | None = None, *, whole: bool = False) -> T:
        """What is there. whole: a listing that may be large. Raises NotFound, AuthFailed, InvalidResponse and their like."""
        reply = await self._send("GET", path, params=params, whole=whole)
        return models.decoded(reply.content, shape)

    async def post(self, path: str, body: Any, shape: type[T], params: Params | None = None) -> T:
        """Make something. Raises Rejected with what was refused."""
        return models.decoded((await self._send("POST", path, params=params, json=body)).content, shape)

    async def put(self, path: str, body: Any, params: Params | None = None) -> Any:
        """Change something; what it answers."""
        return models.decoded((await self._send("PUT", path, params=params, json=body)).content, object)

    async def delete(self, path: str) -> None:
        """Remove something. Raises NotFound."""
        await self._send("DELETE", path)

    # What both have

    async def system(self) -> models.System:
        """What it is and which version. Raises AuthFailed."""
        return await self.get("/system/status", models.System)

    async def health(self) -> Sequence[models.HealthNote]:
        """What it complains about itself."""
        return await self.get("/health", list[models.HealthNote])

    async def profiles(self) -> Sequence[models.Profile]:
        """Quality profiles."""
        return await self.get("/qualityprofile", list[models.Profile])

    async def roots(self) -> Sequence[models.RootFolder]:
        """Folders under which titles are kept."""
        return await self.get("/rootfolder", list[models.RootFolder])

    async def tags(self) -> Sequence[models.Tag]:
        """Tags that a title can carry."""
        return await self.get("/tag", list[models.Tag])

    async def queue(self) -> Sequence[models.QueueRow]:
        """All downloads of titles that it knows, at most a few seconds old."""
        return await self.shared("queue", self._queue)

    async def _queue(self) -> Sequence[models.QueueRow]:
        found: dict[int, models.QueueRow] = {}
        for number in range(1, _MOST_PAGES + 1):
            params: Params = {
                "page": number,
                "pageSize": _PAGE,
                "sortKey": "timeleft",
                "sortDirection": "ascending",
            }
            page = await self.get("/queue", models.QueuePage, params)
            # The queue moves while it is read: a row may come twice.
            found |= {row.id: row for row in page.records}
            if not page.records or number * _PAGE >= page.total_records:
                break
        return list(found.values())

    async def running(self) -> Sequence[models.Command]:
        """Commands that wait or run, at most a few seconds old."""

        async def fetch() -> Sequence[models.Command]:
            rows = await self.get("/command", list[models.Command])
            return [row for row in rows if row.status in ("queued", "started")]

        return await self.shared("commands", fetch)

    async def command(self, name: str, **body: Any) -> None:
        """Begin something; one that waits already is not begun twice."""
        await self.post("/command", {"name": name, **body}, models.Command)
        self._shared.clear()

    async def notifications(self) -> Sequence[models.Notification]:
        """Connections."""
        return await self.get("/notification", list[models.Notification])

    async def shared(self, name: str, fetch: Callable[[], Awaitable[T]], fresh: float = FRESH) -> T:
        """The result of `fetch`, shared by all that ask within `fresh` seconds. A failure is not kept."""
        now = time.monotonic()
        for old in [key for key, (ends, future) in self._shared.items() if now > ends and future.done()]:
            del self._shared[old]
        ends, future = self._shared.get(name, (0.0, None))
        if future is None or now > ends or (future.done() and _failed(future)):
            future = asyncio.ensure_future(fetch())
            # Whoever asked may be gone by then; nobody has to hear of the failure.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._shared[name] = (now + fresh, future)
        return await asyncio.shield(future)

    def forget(self) -> None:
        """Something was changed: what is shared is old."""
        self._shared.clear()

    async def close(self) -> None:
        """End what is still being read."""
        waiting = [future for _, future in self._shared.values() if not future.done()]
        self._shared.clear()
        for future in waiting:
            future.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        whole: bool = False,
    ) -> Response:
        headers = {"X-Api-Key": self._key.reveal(), "Accept": "application/json"}
        address = f"/api/v3{path}"
        options: dict[str, Any] = {"timeout": LIST_TIMEOUT, "max_bytes": _LIST_BYTES} if whole else {}
        if method == "POST" or path.endswith("/lookup"):
            options["timeout"] = SLOW_TIMEOUT
        reply = await self._http.request(
            method, address, params=params, headers=headers, json=json, **options
        )
        arrived = reply.url.partition("?")[0]
        self.moved_to = None if arrived == self._http.base_url + address else arrived.removesuffix(address)
        self._refuse(reply)
        if method != "DELETE" and "json" not in reply.headers.get("content-type", ""):
            raise InvalidResponse(
                N_(
                    "The address answers with a web page instead of data. Check it, and whether a sign-in page of a proxy stands before it."
                )
            )
        return reply

    def _refuse(self, reply: Response) -> None:
        if reply.ok:
            return
        if reply.status in (401, 403):
            # The body is empty: whether the key is missing or wrong is not told.
            raise AuthFailed(N_("It refuses the API key. Copy it again from Settings, General."))
        if reply.status == 404:
            if _said(reply):
                raise Missing(N_("{app} knows no such thing.").format(app=self.app))
            raise NotFound(
                N_("The address answers, but there is no Radarr or Sonarr under it. Is its URL base missing?")
            )
        said = _said(reply)
        if reply.status in (400, 409):
            if any(fault.error_code.endswith("ExistsValidator") and _is_title(fault) for fault in said):
                raise AlreadyThere(N_("{app} has this title already.").format(app=self.app))
            reason = "; ".join(fault.error_message for fault in said if fault.error_message)[:300]
            raise Rejected(
                N_("{app} refused: {reason}").format(app=self.app, reason=reason)
                if reason
                else N_("{app} refused the request ({status}).").format(app=self.app, status=reply.status)
            )
        if reply.status >= 500:
            reason = next((fault.error_message for fault in said), "")[:200]
            raise NotReady(
                N_("{app} reports a trouble of its own: {reason}").format(app=self.app, reason=reason)
                if reason
                else N_("The service answered with error {status}.").format(status=reply.status)
            )
        reply.raise_for_status()


def _said(reply: Response) -> Sequence[models.Fault]:
    """What an error names: an array of refused values, or an object with a message."""
    if "json" not in reply.headers.get("content-type", ""):
        return ()
    found = models.faults(reply.content)
    if found:
        return [fault for fault in found if fault.severity == "error"] or found
    try:
        row = models.decoded(reply.content, dict[str, Any])
    except InvalidResponse:
        return ()
    message = row.get("message") or row.get("title")
    return [models.Fault(error_message=message)] if isinstance(message, str) else ()


def _is_title(fault: models.Fault) -> bool:
    return fault.error_code in ("MovieExistsValidator", "SeriesExistsValidator")


def _failed(future: asyncio.Future[Any]) -> bool:
    return future.cancelled() or future.exception() is not None
