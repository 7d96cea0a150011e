"""What the plugin brings."""

from __future__ import annotations

from medianest_core.sdk import Card, Contributions, Manifest, NavItem, Page, Route, hookimpl
from medianest_hello import jobs, pages

manifest = Manifest(
    "hello",
    title="Hello",
    api="1.0",
    description="Counts to ten, to show how a plugin is made.",
    icon="puzzle",
)


@hookimpl
def register_contributions() -> Contributions:
    return [
        Page("", pages.page, title="Hello"),
        Route("GET", "count", pages.live),
        Route("POST", "count", pages.start),
        NavItem("Hello", "/p/hello/"),
        Card("count", "Hello", pages.card, refresh_on=("hello:counted",)),
        jobs.COUNT,
        jobs.Counted,
    ]
