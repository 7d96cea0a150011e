"""The hello example in the whole portal: page, navigation, card, button; and nothing of it once it is uninstalled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from medianest_core.asgi import Portal
from medianest_core.base.settings import AppSettings
from medianest_core.domain.accounts.signin import Browser

ORIGIN = "http://portal.test"


@contextlib.asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[tuple[Portal, httpx.AsyncClient]]:
    """The portal between its lifespan's ends, and a browser of its admin."""
    portal = Portal(AppSettings(data_dir=data_dir, _env_file=None))
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outgoing: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(portal({"type": "lifespan"}, incoming.get, outgoing.put))
    await incoming.put({"type": "lifespan.startup"})
    assert (await outgoing.get())["type"] == "lifespan.startup.complete"
    await portal.up.wait()
    try:
        accounts = portal.runtime.services.accounts
        if await accounts.setup.needed():
            await accounts.setup.add_admin("anna", "a long password")
        signed_in = await accounts.sign_in.local("anna", "a long password", Browser("test", "9.9.9.9"))
        transport = httpx.ASGITransport(portal, client=("9.9.9.9", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN}, cookies={"mn": signed_in.cookie}
        ) as browser:
            yield portal, browser
    finally:
        await incoming.put({"type": "lifespan.shutdown"})
        await task


@pytest.mark.full
async def test_installed_and_uninstalled(
    tmp_path: Path, wheels: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as installed:
        installed.syspath_prepend(str(wheels("hello")))
        async with running(tmp_path / "portal") as (portal, browser):
            home = (await browser.get("/")).text
            assert 'href="/p/hello/"' in home
            page = await browser.get("/p/hello/")
            assert page.status_code == 200
            assert "Hello, anna" in page.text and "0 of 10" in page.text
            assert 'data-live-topic="hello:counted"' in page.text
            pressed = await browser.post("/p/hello/count")
            assert (pressed.status_code, pressed.headers["location"]) == (303, "/p/hello/")
            folder = portal.runtime.services.host.context("hello").data_dir
            async with asyncio.timeout(30):
                while '"runs": 1' not in (
                    (folder / "count.json").read_text() if (folder / "count.json").exists() else ""
                ):
                    await asyncio.sleep(0.05)
            assert "10 of 10" in (await browser.get("/p/hello/count")).text
            async with httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url=ORIGIN) as stranger:
                assert (await stranger.get("/p/hello/")).status_code in {303, 401}
    async with running(tmp_path / "portal") as (portal, browser):
        assert 'href="/p/hello/"' not in (await browser.get("/")).text
        assert (await browser.get("/p/hello/")).status_code == 404
        assert portal.runtime.services.host.registry.plugin("hello") is None
