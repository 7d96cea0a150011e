"""A provider over what stands in for its service, for tests that go beyond the contracts: see `connected`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.cache.memory import MemoryCache
from medianest_core.sdk.http import Http
from medianest_core.sdk.service import Provider
from medianest_core.sdk.settings import ServiceSettings
from medianest_core.testing.contracts.clients import Clients
from medianest_core.testing.simulators import Simulator

P = TypeVar("P", bound=Provider[Any, Any])
INSTANCE = "11111111-2222-3333-4444-555555555555"


@contextlib.asynccontextmanager
async def connected(kind: type[P], simulator: Simulator | None = None, **settings: Any) -> AsyncIterator[P]:
    """`async with connected(Status, running_simulator) as status`: one instance, with the HTTP client that the portal would hand in.

    settings: on top of those that the simulator's demo would have. Calls do not pass the portal's guard: what the provider raises
    is raised, and nothing is tried twice.
    """
    named = simulator.demo_instances() if simulator is not None else ()
    given = next((one.settings for one in named if one.service == kind.service.name), {})
    factory = Clients()
    factory.memory = MemoryCache()
    try:
        config = kind.service.settings.model_validate({**given, **settings})
        async with made(kind, config, factory) as provider:
            yield provider
    finally:
        await factory.close()


@contextlib.asynccontextmanager
async def made(
    kind: type[P], config: ServiceSettings, factory: HttpFactory, http: Http | None = None
) -> AsyncIterator[P]:
    """A provider with its client, which is closed at the end. http: in the place of one of the factory's."""
    service = kind.service
    own = factory.for_instance(config.base_url(), EgressPolicy.for_settings(config))
    try:
        client = await service.connect(config, http or own) if service.connect else (http or own)
        try:
            yield kind(INSTANCE, config, http or own, client)
        finally:
            if service.close is not None:
                await service.close(client)
    finally:
        await own.aclose()
