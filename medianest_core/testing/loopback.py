"""For tests of a plugin's client: any ASGI application on a loopback port, and the guarded client an instance would be given."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http import GuardedHttp
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk.settings import ServiceSettings
from medianest_core.testing.guest import Guest, loopback_listener


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """`async with serving(app) as url`: the application answers at `url`, without a trailing slash."""
    listener = loopback_listener()
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = Guest(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="loopback server")
    while not server.started:
        if task.done():
            await task
            raise RuntimeError("the loopback server did not start")
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.end()
        await task


@contextlib.asynccontextmanager
async def guarded_client(settings: ServiceSettings) -> AsyncIterator[GuardedHttp]:
    """The HTTP client that an instance with these settings is given."""
    factory = HttpFactory()
    try:
        yield factory.for_instance(settings.base_url(), EgressPolicy.for_settings(settings))
    finally:
        await factory.close()
