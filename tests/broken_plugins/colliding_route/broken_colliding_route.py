"""A plugin with a page and a route at the same address."""

from medianest_core.sdk import Html, Manifest, Page, Request, Route, hookimpl

manifest = Manifest("colliding_route", title="Colliding", api="1.0")


async def show(request: Request) -> Html:
    return Html("colliding_route/page.html")


@hookimpl
def register_contributions() -> list[object]:
    return [Page("here", show, title="Here"), Route("GET", "/here/", show)]
