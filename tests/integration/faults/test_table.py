"""Each service × each way to fail: a state that says so, words an admin understands, pages that stand, nothing deleted."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from medianest_core.host.errors import PluginFault
from medianest_core.host.states import InstanceState
from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.downloads import Downloader, DownloadFailed
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.fields import FieldOwner, TitleKey
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.requests import RequestBackend, RequestItem
from medianest_core.sdk.status import StatusProvider
from medianest_core.testing.faults import Rule
from medianest_core.testing.world.titles import MOVIE, SHOW, elsewhere
from tests.integration.faults.conftest import Town

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

AWAY, REFUSED, FINE = InstanceState.RETRYING, InstanceState.NEEDS_REAUTH, InstanceState.READY
FAULTS: dict[str, tuple[Rule, InstanceState | None]] = {
    "down": (Rule("down"), AWAY),
    "slow": (Rule("slow", seconds=60), AWAY),
    "hang": (Rule("hang"), AWAY),
    "drip": (Rule("drip", seconds=5), AWAY),
    "401": (Rule("401"), REFUSED),
    "403": (Rule("403"), REFUSED),
    "429": (Rule("429", seconds=1), AWAY),
    "500": (Rule("500"), AWAY),
    "html": (Rule("html"), AWAY),
    "truncated": (Rule("truncated"), AWAY),
    "huge": (Rule("huge"), AWAY),
    "double": (Rule("double"), FINE),
    "empty": (Rule("empty"), None),
}
"""What is done, and the state it leads to; None: whichever fits what the service is asked."""
SERVICES = ("manifest", "plex", "radarr", "seerr", "sonarr", "tmdb", "uptimekuma", "youtube")
OTHERWISE = {
    ("plex", "403"): AWAY,
    ("youtube", "html"): FINE,
    ("manifest", "drip"): FINE,
    ("manifest", "truncated"): FINE,
}
"""A Plex server knows the token then, and does not take it for the owner's. A page is what a site of videos answers with. Whether
a file server is there shows at the beginning of its lists; that one breaks off later is for the sync to say."""
PAGES: dict[type[Any], tuple[str, ...]] = {
    MediaSource: ("/", "/library"),
    Catalog: ("/discover", "/discover?q=the"),
    RequestBackend: ("/requests",),
    StatusProvider: ("/status",),
    Downloader: ("/downloads",),
}
PROGRAMMERS = re.compile(
    r"Traceback|Error\b\s*[:(]|Exception|httpx|httpcore|0x[0-9a-f]{4}|NoneType|<[a-z!]|\bNone\b|\{|\}|\b[A-Z][a-z]+[A-Z][a-z]+Error"
)
DELETIONS = ("deleted", "removed", "cancelled", "declined")
FEW = ("down", "401", "html")
"""Faults that are tried with each run of the tests."""


def understandable(text: str) -> bool:
    """Whether these are words for an admin: a sentence, without what only a programmer could read."""
    return len(text.split()) > 3 and not PROGRAMMERS.search(text)


def film() -> RequestItem:
    title = elsewhere(MOVIE)[0]
    return RequestItem(MOVIE, dict(title.ids), title.title, title.year)


def show() -> RequestItem:
    title = elsewhere(SHOW)[0]
    return RequestItem(SHOW, dict(title.ids), title.title, title.year, seasons=(1,))


async def listed(source: Any) -> int:
    count = 0
    for library in await source.libraries():
        async for page in source.records(library):
            count += len(page.records)
    return count


def calls(town: Town, name: str) -> dict[str, Callable[[], Awaitable[Any]]]:
    """What the portal asks this service while somebody uses it; nothing of it changes anything there."""
    instances = town.services.host.instances
    found: dict[str, Callable[[], Awaitable[Any]]] = {}
    there: dict[type[Any], Any] = {
        one: instances.get(one, town.named[name]).api
        for one in (MediaSource, FieldOwner, StatusProvider, RequestBackend, Catalog, Downloader)
        if instances.has(one, town.named[name])
    }
    if source := there.get(MediaSource):
        found["list"] = lambda: listed(source)
    if owner := there.get(FieldOwner):
        title = elsewhere(MOVIE)[0]
        found["report"] = lambda: owner.report(
            [TitleKey("1", MOVIE, dict(title.ids), title.title, title.year)]
        )
    if status := there.get(StatusProvider):
        found["snapshot"] = status.snapshot
    if backend := there.get(RequestBackend):
        item = film() if MOVIE in backend.kinds() else show()
        found["find"] = lambda: backend.find(item, "")
        found["options"] = lambda: backend.options(item.kind)
    if catalog := there.get(Catalog):
        found["search"] = lambda: catalog.search("the")
        found["discover"] = lambda: catalog.discover(catalog.feeds()[0].name)
    return found


@pytest.mark.parametrize(
    "fault", [one if one in FEW else pytest.param(one, marks=pytest.mark.full) for one in FAULTS]
)
@pytest.mark.parametrize("name", SERVICES)
async def test_trouble(town: Town, name: str, fault: str) -> None:
    rule, state = FAULTS[fault]
    state = OTHERWISE.get((name, fault), state)
    instances, simulator = town.services.host.instances, town.simulators[name]
    before, asked = await town.held(), calls(town, name)
    if fault in ("slow", "hang", "drip"):
        town.hurry.seconds = 0.3
    done = len(simulator.ledger.entries())
    simulator.faults.set(Rule(rule.mode, seconds=rule.seconds))
    if state is not FINE and state is not None:
        await simulator.hang_up()
    try:
        plugin, service, settings = town.settings[name]
        try:
            await instances.test(plugin, service, settings)
            said, reached = "", FINE
        except MediaNestError as error:
            said, reached = str(error), AWAY
        assert reached is FINE or understandable(said), said
        if state is None:
            state = reached
        await instances.retry(town.named[name])
        await town.reaches(name, state)
        reason = town.info(name).reason
        if state is not FINE:
            assert understandable(reason), reason
            row = await town.page(f"/admin/services/{town.named[name]}")
            assert f"The {name}" in row.text
            assert reason in html.unescape(row.text)

        outcomes = await asyncio.gather(*(one() for one in asked.values()), return_exceptions=True)
        for what, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                assert isinstance(outcome, MediaNestError | DownloadFailed), (what, outcome)
                assert not isinstance(outcome, PluginFault), (what, outcome)
                assert understandable(str(outcome)), (what, outcome)

        for kind, paths in PAGES.items():
            if instances.has(kind, town.named[name]):
                for path in paths:
                    await town.page(path)
        if instances.has(MediaSource, town.named[name]):
            await town.synced()
        assert await town.held() == before
    finally:
        await town.whole(name)
    harm = [
        one["kind"]
        for one in simulator.ledger.entries()[done:]
        if any(word in one["kind"] for word in DELETIONS)
    ]
    assert harm == []
    assert await town.held() == before
