"""The hello example at work: its job counts to ten with progress, and its event reaches a browser and the card."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.sdk.events import Audience
from medianest_core.sdk.portal import Card, Page
from medianest_core.sdk.routes import Html, Redirect, Request, Route, Viewer
from medianest_core.store.tables.ledger import jobs

from .conftest import House, until


class Asked(Request):
    """A request as the portal hands it to a plugin."""

    def __init__(self, context: Any, method: str = "GET") -> None:
        self.method = method
        self.path = "/p/hello/"
        self.path_params, self.query = {}, {}
        self.viewer = Viewer("user-1", "anna", "user", frozenset())
        self.context = context

    async def form(self) -> dict[str, str]:
        return {}

    def url(self, path: str) -> str:
        return path


async def test_it_counts(
    house: House, wheels: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(wheels("hello")))
    async with house.host(translate=lambda plugin, message: f"{plugin}: {message}") as host:
        context = host.context("hello")
        registry = JobRegistry(house.ledger)
        (count,) = [job for plugin, job in host.jobs() if plugin == "hello"]
        registry.add(count, context)
        worker = Worker(house.db, house.ledger, registry, house.bus)
        try:
            pages = {
                item.path: item for plugin, item in host.registry.contributions(Page) if plugin == "hello"
            }
            routes = {
                item.method: item for plugin, item in host.registry.contributions(Route) if plugin == "hello"
            }
            shown = await pages[""].handler(Asked(context))
            assert isinstance(shown, Html)
            assert shown.context == {"name": "anna", "number": 0, "runs": 0, "goal": 10}
            await context.enqueue(count, count.args(pause=0.0), owner="user-1")
            started = await routes["POST"].handler(Asked(context, "POST"))
            assert isinstance(started, Redirect) and started.message == "hello: Counting has begun."
            # Until now nobody worked, so that the second wish found the first in the queue.
            await worker.start()
            card = next(item for plugin, item in host.registry.contributions(Card) if plugin == "hello")
            folder = context.data_dir
            await until(
                lambda: (
                    '"number": 10' in (folder / "count.json").read_text()
                    if (folder / "count.json").exists()
                    else False
                )
            )
            assert (await card.handler(Asked(context))).context["number"] == 10
            # The job writes its file before it says so.
            async with asyncio.timeout(60):
                counted: list[int] = []
                while len(counted) < 10:
                    events, complete = await house.bus.since([Audience.everyone().room], 0)
                    counted = [event.data["number"] for event in events if event.name == "hello:counted"]
                    await asyncio.sleep(0.02)
            assert complete and counted[:10] == list(range(1, 11))
            async with house.db.read() as tx:
                row = (await tx.all(select(jobs).where(jobs.c.name == "hello.count")))[0]
            assert (row["plugin"], row["owner"], row["title"]) == ("hello", "user-1", "Count to ten")
        finally:
            await worker.stop()


async def test_its_templates_hold_to_the_content_policy(wheels: Callable[[str], Path]) -> None:
    folder = wheels("hello") / "medianest_hello" / "templates" / "hello"
    names = {path.name for path in folder.iterdir()}
    assert names == {"page.html", "count.html", "card.html"}
    for path in folder.iterdir():
        text = path.read_text()
        for forbidden in ("<script", "style=", "onclick", "hx-on"):
            assert forbidden not in text
