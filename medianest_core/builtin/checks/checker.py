"""Looks again and again, and says what it found as a status item."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from medianest_core.builtin.checks.probes import Finding
from medianest_core.builtin.checks.settings import CheckSettings
from medianest_core.sdk import (
    N_,
    CheckResult,
    EgressDenied,
    Http,
    Item,
    MediaNestError,
    Snapshot,
)

K = TypeVar("K", bound=CheckSettings)
RETRY = 5.0
"""Seconds between two tries, where the interval is not shorter."""


class Checker(Generic[K]):
    """The client of one check. latest: what the last look found."""

    def __init__(
        self,
        config: K,
        http: Http,
        probe: Callable[[K, Http], Awaitable[Finding]],
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._config = config
        self._http = http
        self._probe = probe
        self._sleep = sleep
        self.latest: Item | None = None

    async def look(self) -> Item:
        """One look. Raises EgressDenied, where looking is not allowed at all."""
        config = self._config
        response_ms = ends_at = None
        try:
            found = await self._probe(config, self._http)
        except EgressDenied:
            raise
        except TimeoutError:
            up, message = (
                False,
                N_("No answer within {seconds} seconds.").format(seconds=f"{config.timeout:g}"),
            )
        except MediaNestError as error:
            up, message = False, str(error)
        except OSError:
            up, message = False, N_("No connection came about.")
        else:
            up, message = found.good, found.message
            response_ms, ends_at = found.response_ms, found.certificate_ends_at
        return Item(
            name=config.target,
            key="check",
            up=up,
            message=message,
            response_ms=response_ms,
            group=config.group,
            certificate_ends_at=ends_at,
            url=config.base_url() or None,
        )

    async def watch(self) -> AsyncIterator[Snapshot]:
        """A snapshot for each look. What fails is looked at again before it counts."""
        config = self._config
        while True:
            began = time.monotonic()
            for left in range(config.retries, -1, -1):
                item = await self.look()
                if item.up or not left:
                    break
                await self._sleep(min(RETRY, config.interval))
            self.latest = item
            yield Snapshot([item])
            await self._sleep(max(1.0, config.interval - (time.monotonic() - began)))

    async def snapshot(self) -> Snapshot:
        if self.latest is None:
            self.latest = await self.look()
        return Snapshot([self.latest])

    async def check(self) -> CheckResult:
        """The check itself always works; what it looks at may not."""
        (item,) = (await self.snapshot()).items
        if item.up:
            return CheckResult(item.message)
        return CheckResult(
            N_("This can be watched. Just now it is not as it should be: {reason}").format(
                reason=item.message
            ),
            warnings=(item.message,),
        )
