"""Links: tiles for any address, for the services of a house that have no plugin."""

from __future__ import annotations

from medianest_core.builtin.links import api, pages
from medianest_core.builtin.links.changed import LinksChanged
from medianest_core.builtin.links.tables import metadata
from medianest_core.sdk import (
    ADMIN,
    N_,
    ApiRoute,
    Card,
    Contributions,
    Manifest,
    NavItem,
    Page,
    Route,
    TableSet,
    hookimpl,
)

manifest = Manifest(
    "links",
    title=N_("Links"),
    api="1.0",
    description=N_("Tiles that lead to other services of the house, in groups and for whom they are meant."),
    icon="link",
)


@hookimpl
def register_contributions() -> Contributions:
    return [
        TableSet(metadata, "medianest_core.builtin.links.migrations"),
        LinksChanged,
        Card("all", N_("Links"), pages.card, refresh_on=(LinksChanged.name,), order=60),
        NavItem(N_("Links"), "/p/links/", icon="link", order=60),
        Page("", pages.tiles, N_("Links")),
        Page("manage", pages.manage, N_("Manage links"), policy=ADMIN),
        Page("manage/{id}", pages.edit, N_("Edit a link"), policy=ADMIN),
        Route("POST", "manage/{id}", pages.save, policy=ADMIN),
        Route("POST", "manage/{id}/move", pages.move, policy=ADMIN),
        Route("POST", "manage/{id}/remove", pages.remove, policy=ADMIN),
        ApiRoute(
            "GET", "links", api.list_links, api.Links, summary="Links that the caller may see, in order"
        ),
        ApiRoute("POST", "links", api.add, api.LinkOut, api.LinkIn, policy=ADMIN, summary="Add a link"),
        ApiRoute(
            "PUT",
            "links/{id}",
            api.change,
            api.LinkOut,
            api.LinkChange,
            policy=ADMIN,
            summary="Change a link",
        ),
        ApiRoute(
            "POST",
            "links/{id}/move",
            api.move,
            api.Links,
            api.Step,
            policy=ADMIN,
            summary="Move a link in its group",
        ),
        ApiRoute("DELETE", "links/{id}", api.remove, api.Links, policy=ADMIN, summary="Remove a link"),
    ]
