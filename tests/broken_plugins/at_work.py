"""Faults of plugins that run: each kind of misbehaviour is one distribution, which shows it wherever a plugin's code is called."""

from __future__ import annotations

from medianest_core.host.states import PluginState
from tests.broken_plugins.distribution import Broken

HEAD = """
import asyncio
import logging
import sys
import threading
from pydantic import BaseModel
from medianest_core.sdk import (
    Audience, Card, Event, Html, Item, Job, Json, Listener, Manifest, Page, Retry, Route, ServiceSettings,
    ServiceType, Slot, Snapshot, StatusProvider, hookimpl,
)

manifest = Manifest("{name}", title="Title of {name}", api="1.0")
released = threading.Event()
"""
SOUND = "async def misbehave(result):\n    return result\n"
KINDS = {
    "raises": 'async def misbehave(result):\n    raise ValueError("a fault of raises")\n',
    "exits": "async def misbehave(result):\n    sys.exit(7)\n",
    "cancels": "async def misbehave(result):\n    raise asyncio.CancelledError\n",
    "garbage": "async def misbehave(result):\n    return object()\n",
    "hangs_later": "async def misbehave(result):\n    await asyncio.Event().wait()\n",
    "swallows": """
async def misbehave(result):
    while not released.is_set():
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            pass
    return result
""",
    "blocks": """
async def misbehave(result):
    released.wait(60)
    return result
""",
    "leaks": """
async def forgotten():
    await asyncio.sleep(3600)

tasks = set()

async def misbehave(result):
    tasks.update(asyncio.create_task(forgotten()) for _ in range(60))
    return result
""",
}
PLACES = """
class Things(ServiceSettings):
    word: str = "hello"

class Happened(Event):
    name = "{name}:happened"

class Nothing(BaseModel):
    pass

THINGS = ServiceType("{name}", Things, "Things")

class Status(StatusProvider):
    service = THINGS

    async def snapshot(self):
        return await misbehave(Snapshot(items=[Item("thing", up=True)]))

async def show(request):
    return await misbehave(Json({{"sound": "yes"}}))

async def inside(request):
    return await misbehave(Html("{name}/inside.html"))

async def heard(context, event):
    await misbehave(None)

async def work(context, args):
    return await misbehave("done")

@hookimpl
def register_status_providers():
    return [Status]

@hookimpl
def register_contributions():
    return [
        Page("page", show, title="Page"), Route("GET", "/route", show), Card("card", "Card", inside),
        Slot("title.aside", "slot", inside), Happened, Listener(Happened, heard),
        Job("work", work, Nothing, title="Work", retry=Retry(attempts=1)),
    ]
"""
STARTING = """
@hookimpl
async def on_startup(context):
    {body}
"""
TEMPLATE = "<p>The inside of {name}</p>"


def working(name: str, kind: str) -> Broken:
    """It does the same wherever it is called."""
    source = HEAD.format(name=name) + kind + PLACES.format(name=name)
    # A package, because it brings a template.
    return Broken(
        name,
        source,
        PluginState.ACTIVE,
        "",
        package=True,
        files={f"templates/{name}/inside.html": TEMPLATE.format(name=name)},
    )


def starting(name: str, body: str, reason: str) -> Broken:
    """It goes wrong in `on_startup`."""
    source = HEAD.format(name=name) + STARTING.format(body=body)
    return Broken(name, source, PluginState.ACTIVE, reason)


GOOD = working("good", SOUND)
AT_WORK = {name: working(name, kind) for name, kind in KINDS.items()}
AGAIN = working("blocks_again", SOUND)
"""Of this one it is said that it blocks again and again, until it is set aside."""
AT_STARTUP = (
    starting(
        "startup_raises", 'raise LookupError("no such start")', "on_startup): LookupError: no such start"
    ),
    starting("startup_exits", "sys.exit(8)", "on_startup): The code called for the end of the process"),
    starting("startup_hangs", "await asyncio.Event().wait()", "on_startup): No answer within"),
    starting(
        "log_flood",
        'for n in range(600):\n        logging.getLogger(__name__).warning("once more %s", n)',
        "(log): It writes so much into the log",
    ),
)
