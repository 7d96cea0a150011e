"""What happens is written down; the page shows it to admins and the command to whoever runs the portal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from medianest_core.sdk import PluginContext
from medianest_core.testing.portal import TestPortal
from medianest_logbook import book, commands


def context(medianest: TestPortal) -> PluginContext:
    return medianest.services.host.context("logbook")


async def entries(medianest: TestPortal, event: str) -> Sequence[book.Entry]:
    """Waits until there is one."""
    async with asyncio.timeout(60):
        while True:
            await medianest.services.bus.drain()
            async with context(medianest).read() as tx:
                if found := await book.latest(tx, 50, event=event):
                    return found
            await asyncio.sleep(0.02)


@pytest.mark.medianest("logbook")
async def test_from_event_to_page_and_command(
    medianest: TestPortal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert medianest.plugin("logbook") == "active"
    root, ann = await medianest.person("admin"), await medianest.person("user")
    assert ann.id in "".join(one.told for one in await entries(medianest, "account:changed"))
    page = await root.client.get("/p/logbook/?event=account:&before=nonsense")
    assert page.status_code == 200 and "account:changed" in page.text
    assert "account:changed" not in (await root.client.get("/p/logbook/?before=1")).text
    assert (await ann.client.get("/p/logbook/")).status_code in (403, 404)
    assert await commands.show(context(medianest), ["--event", "account:"]) == 0
    assert "account:changed" in capsys.readouterr().out
    assert await commands.show(context(medianest), ["--limit", "many"]) == 2
    assert await commands.tear_out(context(medianest), ["--days", "1"]) == 0
    assert capsys.readouterr().out == "0 entries are gone.\n"
    async with context(medianest).begin() as tx:
        assert await book.forget(tx, time.time() + 60) > 0
