"""Makes the HTTP clients of instances. The client's library is imported with the first one, after the portal answers."""

from __future__ import annotations

import dataclasses
import ssl
import weakref
from typing import TYPE_CHECKING

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.egress import EgressPolicy, Resolver
from medianest_core.base.egress_proxy import EgressProxy
from medianest_core.base.settings import AppSettings

if TYPE_CHECKING:
    from medianest_core.base.http import GuardedHttp
    from medianest_core.base.http_memory import Store


class HttpFactory:
    """Makes the clients of all instances and owns what they share."""

    def __init__(
        self,
        settings: AppSettings | None = None,
        clock: Clock | None = None,
        *,
        resolver: Resolver | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._resolver = resolver
        self.memory: Store | None = None
        """Where clients keep answers to ask whether they have changed; None: nowhere."""
        self._tls: ssl.SSLContext | None = None
        self._proxy = EgressProxy()
        # Instances come and go; one that is gone must not be kept alive by us.
        self._clients: weakref.WeakSet[GuardedHttp] = weakref.WeakSet()

    def for_instance(self, base_url: str, policy: EgressPolicy, *, verify_tls: bool = True) -> GuardedHttp:
        """A client; close it with `aclose()`, or all of them with `close()`."""
        from medianest_core.base.http import GuardedHttp

        if policy.resolver is None and self._resolver is not None:
            policy = dataclasses.replace(policy, resolver=self._resolver)
        client = GuardedHttp(
            base_url,
            policy,
            tls=self._context(verify_tls),
            proxy=self._proxy,
            memory=lambda: self.memory,
        )
        self._clients.add(client)
        return client

    def _context(self, verify: bool) -> ssl.SSLContext:
        from medianest_core.base.http import tls_context

        if not verify:
            return tls_context(False)
        if self._tls is None:
            self._tls = tls_context(True)
        return self._tls

    async def close(self) -> None:
        """Close all clients and the proxy for child processes."""
        for client in list(self._clients):
            await client.aclose()
        self._clients.clear()
        await self._proxy.close()
