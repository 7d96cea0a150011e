"""HTTP clients for contracts: one that reaches nobody, and a factory that reads the system's certificates once."""

from __future__ import annotations

import contextlib
import functools
import ssl
from collections.abc import AsyncIterator
from typing import Any

from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.http import Http, Response, StreamedResponse


class NobodyThere(Http):
    """Every call is written down in `asked` and fails as if the service were away."""

    def __init__(self, base_url: str = "http://nobody.invalid") -> None:
        self.base_url = base_url
        self.asked: list[str] = []

    async def request(self, method: str, url: str, **options: Any) -> Response:
        self.asked.append(f"{method} {url}")
        raise NotReady("Nobody is there.")

    @contextlib.asynccontextmanager
    async def _stream(self, method: str, url: str) -> AsyncIterator[StreamedResponse]:
        self.asked.append(f"{method} {url}")
        raise NotReady("Nobody is there.")
        yield  # an async generator, though it never gets here

    def stream(
        self, method: str, url: str, **options: Any
    ) -> contextlib.AbstractAsyncContextManager[StreamedResponse]:
        return self._stream(method, url)

    @contextlib.asynccontextmanager
    async def child_proxy(self) -> AsyncIterator[str]:
        self.asked.append("child proxy")
        yield "http://job:token@127.0.0.1:9"


@functools.cache
def _certificates(verify: bool) -> ssl.SSLContext:
    from medianest_core.base.http import tls_context

    return tls_context(verify)


class Clients(HttpFactory):
    def _context(self, verify: bool) -> ssl.SSLContext:
        return _certificates(verify)
