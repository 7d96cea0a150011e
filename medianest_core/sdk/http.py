"""The HTTP client that plugins are given.

It reaches only the hosts of the instance it belongs to, connects to the address that was checked, checks every redirect
again, stops at a byte cap and at one total deadline, and translates errors into `medianest_core.sdk.errors`. Paths that
start with "/" are joined to the instance's base URL (the settings field named `url`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from medianest_core.sdk.texts import N_

Params = Mapping[str, str | int | float | bool | Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer. `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises InvalidResponse."""
        import json

        from medianest_core.sdk.errors import InvalidResponse

        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise InvalidResponse("The service answered with something that is not JSON.") from error

    def raise_for_status(self) -> Response:
        """Self for 2xx; AuthFailed for 401 and 403, NotFound for 404, RateLimited for 429, NotReady for 5xx, else Rejected."""
        if self.ok:
            return self
        from urllib.parse import urlsplit

        from medianest_core.sdk import errors

        if self.status in (401, 403):
            raise errors.AuthFailed("The service refused the credentials.")
        if self.status == 404:
            # Without the query: it may hold what nobody else is to see.
            path = urlsplit(self.url).path[:200] or "/"
            raise errors.NotFound(N_("The service does not know the address {path}.").format(path=path))
        if self.status == 429:
            header = self.headers.get("retry-after", "")
            raise errors.RateLimited(
                "The service asks us to slow down.", float(header) if header.isdigit() else None
            )
        if self.status >= 500:
            raise errors.NotReady(N_("The service answered with error {status}.").format(status=self.status))
        raise errors.Rejected(N_("The service refused the request ({status}).").format(status=self.status))


class StreamedResponse(ABC):
    """An answer whose body is read in pieces, inside `async with http.stream(…)`."""

    status: int
    headers: Mapping[str, str]
    url: str

    @abstractmethod
    def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece; the byte cap and the deadline apply to the whole."""


class Http(ABC):
    """Client of one instance; every method raises the errors of `medianest_core.sdk.errors`."""

    base_url: str
    """The instance's own URL, without a trailing slash; empty where it has none."""

    @abstractmethod
    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str | Sequence[str]] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
        max_bytes: int | None = None,
        remember: float | None = None,
    ) -> Response:
        """Send and read a whole answer, whatever its status.

        timeout: total seconds, default 10. max_bytes: cap of the body, default 32 MiB. remember: for a GET, seconds to keep an
        answer that carries an ETag or Last-Modified; the next such request only asks whether it has changed, and where the
        service says 304 the kept answer is returned as a 200. It is kept with all headers and its body, up to 1 MiB, in the cache
        that all processes share.
        """

    @abstractmethod
    def stream(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        max_bytes: int | None = None,
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send and read the answer in pieces."""

    @abstractmethod
    def child_proxy(self) -> AbstractAsyncContextManager[str]:
        """`async with http.child_proxy() as url`: a loopback HTTP proxy for a child process, under the same egress rules.

        The address carries a token of its own ("http://job:TOKEN@127.0.0.1:PORT") and stops working at the end of the block.
        """

    async def get(self, url: str, **options: Any) -> Response:
        """GET, raising for any status but 2xx."""
        return (await self.request("GET", url, **options)).raise_for_status()

    async def post(self, url: str, **options: Any) -> Response:
        """POST, raising for any status but 2xx."""
        return (await self.request("POST", url, **options)).raise_for_status()

    async def put(self, url: str, **options: Any) -> Response:
        """PUT, raising for any status but 2xx."""
        return (await self.request("PUT", url, **options)).raise_for_status()

    async def delete(self, url: str, **options: Any) -> Response:
        """DELETE, raising for any status but 2xx."""
        return (await self.request("DELETE", url, **options)).raise_for_status()
