"""What was held lately: an event, a listener that writes it down, and a slot that shows it."""

from __future__ import annotations

from typing import ClassVar

from medianest_core.sdk import Event, Html, PluginContext, Request

KEPT = 20


class Held(Event):
    """A request was held by a rule of the house."""

    name: ClassVar[str] = "house_rules:held"
    title: str
    reason: str


async def write_down(context: PluginContext, event: Held) -> None:
    """Durable, and so it may run twice: the same line is written once."""
    lines = [one for one in read(context) if one != event.title]
    (context.data_dir / "held.txt").write_text("\n".join([event.title, *lines][:KEPT]), "utf-8")


def read(context: PluginContext) -> list[str]:
    """Titles, the latest first."""
    try:
        return (context.data_dir / "held.txt").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []


async def beside(request: Request) -> Html:
    """The fragment beside a title."""
    return Html("house_rules/held.html", {"titles": read(request.context)[:5]})
