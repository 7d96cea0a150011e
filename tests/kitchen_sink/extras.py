"""Everything that is no provider: one of each contribution, small enough to be read at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel
from sqlalchemy import Column, MetaData, String, Table

from medianest_core.sdk import (
    Action,
    ApiRoute,
    Audience,
    CalendarEntry,
    CalendarSource,
    Card,
    Command,
    Contributions,
    Event,
    Html,
    Http,
    Job,
    JobContext,
    Json,
    Listener,
    MediaType,
    NavItem,
    Page,
    PipelineStage,
    PluginContext,
    QuotaMeter,
    Request,
    RequestItem,
    Route,
    Schedule,
    Slot,
    StageAction,
    StageReport,
    StageState,
    TableSet,
    Tracked,
    core_stub,
    needs,
    user_fk,
)

metadata = MetaData()
core_stub(metadata)
dishes = Table("sink_dishes", metadata, Column("id", String(36), primary_key=True), user_fk())
OPEN = needs("sink.open")


class Washed(Event):
    """A dish was washed."""

    name: ClassVar[str] = "sink:washed"
    dish: str


class WashArgs(BaseModel):
    dish: str = "all"


class Dish(BaseModel):
    name: str


async def wash(job: JobContext, args: WashArgs) -> None:
    assert job.plugin is not None
    await job.plugin.emit(Washed(dish=args.dish), Audience.everyone())


async def heard(context: PluginContext, event: Any) -> None:
    (context.data_dir / "last").write_text(event.dish)


async def page(request: Request) -> Html:
    return Html("sink/page.html", {"last": last(request.context)})


async def fragment(request: Request) -> Html:
    return Html("sink/card.html", {"last": last(request.context)})


async def count(request: Request) -> Json:
    return Json({"last": last(request.context)})


async def add(request: Request, body: Dish) -> Dish:
    await request.context.enqueue("sink.wash", WashArgs(dish=body.name), owner=request.viewer.id)
    return body


async def unblock(client: Http) -> str:
    return "The drain is free."


async def size(item: RequestItem) -> float:
    return float(len(item.seasons) or 1)


async def look(client: Http, tracked: Sequence[Tracked]) -> Mapping[str, StageReport]:
    return {one.id: StageReport(StageState.ACTIVE, message="In the sink") for one in tracked}


async def rinse(client: Http, tracked: Tracked) -> str:
    return "Rinsed."


async def appear(client: Http, start: float, end: float) -> Sequence[CalendarEntry]:
    return [CalendarEntry((start + end) / 2, "movie", "The Leak", {"imdb": "tt1"}, day_only=True)]


async def say(context: PluginContext, arguments: Sequence[str]) -> int:
    context.log.info("said", words=len(arguments))
    return 0


def last(context: PluginContext) -> str:
    """The dish that was washed last; "" where none was."""
    path = context.data_dir / "last"
    return path.read_text() if path.exists() else ""


def contributions() -> Contributions:
    return [
        Job("sink.wash", wash, WashArgs, title="Wash", policy=OPEN, schedule=Schedule(every=3600)),
        Page("", page, title="Kitchen sink", policy=OPEN),
        NavItem("Kitchen sink", "/p/sink/", policy=OPEN),
        Card("last", "Kitchen sink", fragment, refresh_on=(Washed.name,), policy=OPEN),
        Slot("title.aside", "last", fragment, policy=OPEN),
        Action("unblock", "Unblock", "sink", unblock),
        Route("GET", "count", count, policy=OPEN),
        ApiRoute("POST", "dishes", add, Dish, Dish, policy=OPEN, summary="Wash a dish"),
        TableSet(metadata, "tests.kitchen_sink.migrations"),
        Washed,
        Listener(Washed, heard),
        Command("say", say, "Counts words"),
        MediaType("recipe", "Recipe", "Recipes"),
        QuotaMeter("seasons", "Seasons", "requests", size),
        PipelineStage("soaking", "Soaking", "sink", look, 250, (StageAction("rinse", "Rinse", rinse),)),
        CalendarSource("premieres", "sink", appear),
    ]
