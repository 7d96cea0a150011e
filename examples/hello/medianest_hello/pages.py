"""The page, its live part, and the card on the home page."""

from __future__ import annotations

from medianest_core.sdk import Html, Redirect, Request
from medianest_hello.counter import read
from medianest_hello.jobs import COUNT, GOAL, CountArgs


async def page(request: Request) -> Html:
    """`/p/hello/`: a greeting, the count, and a button."""
    return Html("hello/page.html", {"name": request.viewer.username, **_count(request)})


async def live(request: Request) -> Html:
    """The part of the page that changes while the job counts."""
    return Html("hello/count.html", _count(request))


async def start(request: Request) -> Redirect:
    """The button: put the job into the ledger and go back."""
    await request.context.enqueue(COUNT, CountArgs(), owner=request.viewer.id)
    return Redirect("/p/hello/", request.context.gettext("Counting has begun."))


async def card(request: Request) -> Html:
    """The tile on the home page."""
    return Html("hello/card.html", _count(request))


def _count(request: Request) -> dict[str, int]:
    count = read(request.context.data_dir)
    return {"number": count.number, "runs": count.runs, "goal": GOAL}
