"""The page with the tiles, the card on home, and the admin's pages.

A form that cannot be saved leads back to its page with what was filled in as the query, so that it works without JavaScript and
inside the portal's frame; the page then says what is wrong.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from medianest_core.builtin.links import shelf
from medianest_core.builtin.links.link import ICONS, ROLES, Link, Wanted, checked, grouped, visible
from medianest_core.sdk import Html, Redirect, Request, UserError

NEW = "new"
MANAGE = "/p/links/manage"
_FIELDS = ("title", "url", "icon", "group", "role")


async def tiles(request: Request) -> Html:
    """`/p/links/`: everything that this person may see."""
    return Html("links/page.html", {**await _groups(request), "admin": request.viewer.is_admin})


async def card(request: Request) -> Html:
    """The same as a card of the home page."""
    return Html("links/card.html", {**await _groups(request), "admin": request.viewer.is_admin})


async def manage(request: Request) -> Html:
    """All links with what can be done to them."""
    found = grouped(await shelf.everything(request.context))
    return Html("links/manage.html", {"groups": found})


async def edit(request: Request) -> Html:
    """The form of one link, or of a new one."""
    identifier = request.path_params["id"]
    stored = None if identifier == NEW else await shelf.one(request.context, identifier)
    given = request.query if "title" in request.query else None
    shown = _wanted(given) if given is not None else stored or Wanted("", "")
    error: dict[str, str] = {}
    theirs: dict[str, str] = {}
    if given is not None:
        try:
            checked(shown)
        except UserError as wrong:
            error = {wrong.field or "": request.context.gettext(str(wrong))}
        if stored is not None and given.get("version") != str(stored.version):
            theirs = {
                name: getattr(stored, name)
                for name in _FIELDS
                if getattr(stored, name) != getattr(shown, name)
            }
    known = {link.group for link in await shelf.everything(request.context) if link.group}
    context: dict[str, Any] = {
        "id": identifier,
        "link": shown,
        "version": stored.version if stored else 0,
        "error": error,
        "theirs": theirs,
        "known": sorted(known),
        "icons": ICONS,
        "roles": ROLES,
    }
    return Html("links/edit.html", context)


async def save(request: Request) -> Redirect:
    """Add or change; leads back to the form when that is not possible."""
    form, identifier = await request.form(), request.path_params["id"]
    wanted, gettext = _wanted(form), request.context.gettext
    try:
        if identifier == NEW:
            await shelf.add(request.context, wanted)
        else:
            await shelf.change(request.context, identifier, wanted, _number(form.get("version", "")))
    except (UserError, shelf.ChangedMeanwhile) as problem:
        again = {name: form.get(name, "")[:2100] for name in (*_FIELDS, "version")}
        return Redirect(f"{MANAGE}/{identifier}?{urlencode(again)}", gettext(str(problem)))
    return Redirect(MANAGE, gettext("Saved."))


async def move(request: Request) -> Redirect:
    """One place up or down."""
    identifier = request.path_params["id"]
    await shelf.move(request.context, identifier, (await request.form()).get("to") == "up")
    return Redirect(f"{MANAGE}#link-{identifier}")


async def remove(request: Request) -> Redirect:
    await shelf.remove(request.context, request.path_params["id"])
    return Redirect(MANAGE, request.context.gettext("Removed."))


async def _groups(request: Request) -> dict[str, dict[str, list[Link]]]:
    found = visible(await shelf.everything(request.context), request.viewer)
    return {"groups": dict(grouped(found))}


def _wanted(given: Any) -> Wanted:
    return Wanted(**{name: given.get(name, "") for name in _FIELDS})


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
