"""A check in the running portal: configured like any service, its item named by the admin, on the status page."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from medianest_core.base.settings import AppSettings
from medianest_core.bus.events import ServiceStatus
from medianest_core.domain.status.states import State
from medianest_core.sdk.routes import Viewer
from medianest_core.testing.loopback import serving
from tests.integration.test_matrix import running

ADMIN = Viewer("a", "Ada", "admin", frozenset())


@pytest.mark.full
async def test_a_check_stands_on_the_status_page_by_its_own_name(tmp_path: Path) -> None:
    status = [200]

    async def answer(request: Request) -> Response:
        return PlainTextResponse("x", status[0])

    settings = AppSettings(data_dir=tmp_path, safe_mode=True, _env_file=None)
    async with serving(Starlette(routes=[Route("/", answer)])) as url, running(settings) as world:
        services = world.services
        heard: list[Any] = []

        async def hear(event: ServiceStatus) -> None:
            heard.append(event)

        services.bus.subscribe(ServiceStatus, hear, name="test")
        values = {"url": url, "group": "Home", "retries": "0"}
        made = await services.host.instances.create("checks", "http", "", "Router", values, None)

        async def listed(name: str) -> list[Any]:
            async with asyncio.timeout(30):
                while True:
                    found = (await services.status.read.monitors(ADMIN)).page.items
                    if any(one.name == name and one.state is State.UP for one in found):
                        return list(found)
                    await asyncio.sleep(0.05)

        (only,) = await listed("Router")
        assert (only.group, only.own, only.url) == ("Home", False, url)
        status[0] = 500
        info = services.host.instances.info(made.id)
        values = {"url": url, "group": "Home", "retries": "0", "statuses": "500"}
        await services.host.instances.update(made.id, values, info.version, None, title="Gateway")
        (only,) = await listed("Gateway")
        assert not services.status.is_down(made.id)
        assert any(one.monitor_id == str(only.id) for one in heard)
