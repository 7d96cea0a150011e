"""The kitchen sink in a running portal: what each hook and each contribution does there, by enumeration."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from medianest_core.cli.contributed import commands_of
from medianest_core.host.decisions import Decisions
from medianest_core.host.declarations import KINDS
from medianest_core.sdk import (
    Action,
    ApiRoute,
    BackendChoice,
    CalendarSource,
    Card,
    Command,
    Event,
    Job,
    Listener,
    MediaChoice,
    MediaType,
    NavItem,
    Page,
    PipelineStage,
    QuotaMeter,
    RequestItem,
    ReviewVerdict,
    Route,
    Slot,
    TableSet,
    TitleKey,
)
from medianest_core.sdk.status import StatusProvider
from medianest_core.testing.portal import Person, TestPortal, opened
from tests.architecture.test_sdk_hooks import CONTRIBUTIONS, HOOKS
from tests.kitchen_sink import extras
from tests.kitchen_sink import plugin as sink
from tests.kitchen_sink.simulator import KEY, PINS, VALVE, SinkSimulator
from tests.kitchen_sink.status import SinkStatus

ROOT = Path(__file__).parents[2]
LEAK = RequestItem("movie", {"imdb": "tt1"}, "The Leak", 2001)


@dataclass
class Kitchen:
    """portal: with the sink in it. ann: who may open it. root: the admin. instance: of the sink."""

    portal: TestPortal
    ann: Person
    root: Person
    instance: str

    async def text(self, path: str) -> str:
        reply = await self.ann.client.get(path)
        assert reply.status_code == 200, f"{path}: {reply.status_code} {reply.text[:300]}"
        return reply.text

    @property
    def decisions(self) -> Decisions:
        host = self.portal.services.host
        return Decisions(host.hooks, host.registry, host.context)

    @property
    def context(self) -> Any:
        return self.portal.services.host.context("sink")


async def api_route(kitchen: Kitchen) -> None:
    reply = await kitchen.ann.client.post("/api/v1/plugins/sink/dishes", json={"name": "cup"})
    assert (reply.status_code, reply.json()) == (200, {"name": "cup"})


async def job(kitchen: Kitchen) -> None:
    done = {one.name: one.state.value for one in await kitchen.portal.run_jobs()}
    assert done["sink.wash"] == "done"


async def event(kitchen: Kitchen) -> None:
    assert "cup" in [one.dish for one in kitchen.portal.events if isinstance(one, extras.Washed)]


async def listener(kitchen: Kitchen) -> None:
    assert extras.last(kitchen.context) == "cup"


async def page(kitchen: Kitchen) -> None:
    assert "Washed last: cup" in await kitchen.text("/p/sink/")


async def route(kitchen: Kitchen) -> None:
    assert (await kitchen.ann.client.get("/p/sink/count")).json() == {"last": "cup"}


async def nav_item(kitchen: Kitchen) -> None:
    assert 'href="/p/sink/"' in await kitchen.text("/account")


async def card(kitchen: Kitchen) -> None:
    assert "cup" in await kitchen.text("/fragments/card/sink:last")


async def slot(kitchen: Kitchen) -> None:
    assert "cup" in await kitchen.text("/fragments/slot/sink:last/1")


async def action(kitchen: Kitchen) -> None:
    instances = kitchen.portal.services.host.instances
    (found,) = [
        one for _, one in kitchen.portal.services.host.registry.contributions(Action) if one.name == "unblock"
    ]
    assert await instances.act(kitchen.instance, found, kitchen.root.id) == "The drain is free."


async def tables(kitchen: Kitchen) -> None:
    async with kitchen.context.begin() as tx:
        await tx.execute(extras.dishes.insert().values(id="d1", user_id=kitchen.ann.id))
    async with kitchen.context.read() as tx:
        assert (await tx.execute(select(func.count()).select_from(extras.dishes))).scalar_one() == 1


async def command(kitchen: Kitchen) -> None:
    (found,) = commands_of("sink")
    assert await found.handler(kitchen.context, ["a", "b"]) == 0


async def media_type(kitchen: Kitchen) -> None:
    assert kitchen.portal.services.requests.types.all()["recipe"].title == "Recipe"


async def quota_meter(kitchen: Kitchen) -> None:
    meter = kitchen.portal.services.requests.quotas.meters()["seasons"]
    assert await meter.measure(RequestItem("show", {}, "Pipes", seasons=(1, 2))) == 2.0


async def stage(kitchen: Kitchen) -> None:
    stages = kitchen.portal.services.host.registry.contributions(PipelineStage)
    assert [(plugin, one.title, one.order) for plugin, one in stages if plugin == "sink"] == [
        ("sink", "Soaking", 250)
    ]


async def calendar(kitchen: Kitchen) -> None:
    agenda = await kitchen.portal.services.calendar.agenda(time.time(), time.time() + 60 * 86_400)
    assert agenda.asked == 1 and "The Leak" in [one.title for one in agenda.entries]


BROUGHT: dict[type[Any], Callable[[Kitchen], Awaitable[None]]] = {
    ApiRoute: api_route,
    Job: job,
    Event: event,
    Listener: listener,
    Page: page,
    Route: route,
    NavItem: nav_item,
    Card: card,
    Slot: slot,
    Action: action,
    TableSet: tables,
    Command: command,
    MediaType: media_type,
    QuotaMeter: quota_meter,
    PipelineStage: stage,
    CalendarSource: calendar,
}
"""In this order: what is washed first is shown afterwards."""


async def review_request(kitchen: Kitchen) -> None:
    said = await kitchen.decisions.review_request(LEAK, kitchen.ann.id)
    assert (said.verdict, said.reason, said.plugin) == (ReviewVerdict.HOLD, "It leaks.", "sink")


async def choose_backend(kitchen: Kitchen) -> None:
    candidates = [BackendChoice("1", "Other", "other", "other"), BackendChoice("2", "Sink", "sink", "sink")]
    assert await kitchen.decisions.choose_backend(LEAK, candidates) == "2"


async def authorize(kitchen: Kitchen) -> None:
    for person in (kitchen.ann, kitchen.root):
        reply = await person.client.get("/calendar")
        assert reply.status_code == 403 and "It is blocked." in reply.text
    assert (await kitchen.ann.client.get("/status")).status_code == 200


async def resolve_media(kitchen: Kitchen) -> None:
    title = TitleKey("1", "movie", {"imdb": "tt1"}, "The Leak", 2001)
    candidates = [MediaChoice(one, one.title(), one, one, "1") for one in ("other", "sink")]
    assert await kitchen.decisions.resolve_media(title, candidates) == "sink"


async def providers(kitchen: Kitchen) -> None:
    registry = kitchen.portal.services.host.registry
    for kind in KINDS.values():
        assert "sink" in [plugin for plugin, _ in registry.providers(kind)]
    (found,) = kitchen.context.instances(SinkStatus)
    assert len((await found.snapshot()).items) == 3 and StatusProvider in KINDS.values()


async def contributed(kitchen: Kitchen) -> None:
    assert set(BROUGHT) == set(CONTRIBUTIONS), "each contribution is looked at in a running portal"
    for kind, look in BROUGHT.items():
        try:
            await look(kitchen)
        except AssertionError as error:
            raise AssertionError(f"{kind.__name__}: {error}") from error


async def services(kitchen: Kitchen) -> None:
    assert set(kitchen.portal.services.host.registry.declarations("sink").services) == {"sink", "tap"}  # type: ignore[union-attr]  # it is active


async def lifecycle(kitchen: Kitchen) -> None:
    await kitchen.portal.services.host.uninstall_data("sink", kitchen.root.id)
    assert {"on_startup", "on_settings_changed", "on_uninstall"} <= set(sink.called)


CALLED: dict[str, Callable[[Kitchen], Awaitable[None]]] = {
    "register_services": services,
    **dict.fromkeys(KINDS, providers),
    "register_contributions": contributed,
    "review_request": review_request,
    "choose_backend": choose_backend,
    "authorize": authorize,
    "resolve_media": resolve_media,
    **dict.fromkeys(("on_startup", "on_settings_changed", "on_uninstall", "on_shutdown"), lifecycle),
}


@pytest.mark.full
async def test_each_hook_and_each_contribution_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(CALLED) == set(HOOKS), "each hook is looked at in a running portal"
    info = tmp_path / "site" / "medianest_sink-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: medianest-sink\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[medianest.plugins.v1]\nsink = tests.kitchen_sink.plugin\n")
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    sink.called.clear()
    async with opened(tmp_path, ["sink"]) as portal:
        assert portal.plugin("sink").startswith("needs_settings: ")
        for secret in (KEY, VALVE, *PINS.values()):
            portal.keeps_secret(secret)
        (made,) = await portal.simulated(SinkSimulator, tmp_path / "sink")
        assert made.ready and portal.plugin("sink") == "active", made.reason
        kitchen = Kitchen(portal, await portal.person("user"), await portal.person("admin"), made.id)
        for look in dict.fromkeys(CALLED.values()):
            await look(kitchen)
    assert sink.called[-1] == "on_shutdown"
