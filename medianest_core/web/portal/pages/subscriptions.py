"""Downloads → subscriptions: the channels and playlists whose new videos come by themselves, and what is wanted of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.downloads.filters import EVERY, Wanted
from medianest_core.domain.downloads.following import Subscription
from medianest_core.sdk.errors import ProviderError, UserError
from medianest_core.sdk.permissions import OWNER, USER
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import day, span
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Badge, Choice, Field, FieldGroup, Form, TileState
from medianest_core.web.portal.views.downloads import SubscriptionRow, SubscriptionsView, SubscriptionView

BASE = "/downloads/subscriptions"
REMOVE = "remove"
NAMED = 5
"""Titles that are named of those that would be removed."""


class SubscriptionPages:
    """Handlers of a person's subscriptions."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one, post = BASE + "/{id}", ("POST",)
        return [
            page(BASE, self.list, policy=USER),
            page(f"{BASE}/add", self.add, methods=("GET", "POST"), policy=USER),
            page(one, self.edit, methods=("GET", "POST"), policy=OWNER),
            page(f"{one}/look", self.look, methods=post, policy=OWNER),
            page(f"{one}/pause", self.pause, methods=post, policy=OWNER),
            page(f"{one}/resume", self.resume, methods=post, policy=OWNER),
            page(f"{one}/remove", self.remove, methods=post, policy=OWNER),
        ]

    async def list(self, request: Request) -> Response:
        found = await services_of(request).downloads.following.list(someone(request))
        with use_viewer(self._frame.view(request)):
            add = Action(label=_("Subscribe"), path=f"{BASE}/add", icon="plus", tone="primary")
            state = NORMAL
            if not found:
                state = TileState(
                    kind="empty",
                    title=_("No subscriptions yet"),
                    text=_("Subscribe to a channel or playlist, and its new videos come by themselves."),
                    icon="rss",
                    action=add,
                )
            view = SubscriptionsView(
                rows=tuple(_row(one) for one in found), add=add if found else None, state=state
            )
        return await self._frame.page(request, "core/subscriptions.html", view)

    async def add(self, request: Request) -> Response:
        services, problem = services_of(request), None
        typed = _typed(Wanted(url=request.query_params.get("url", "")))
        if request.method == "POST":
            typed = _sent(await request.form())
            try:
                made = await services.downloads.following.add(someone(request), _wanted(typed))
            except UserError as error:
                problem = error
            except ProviderError as error:
                problem = UserError(str(error), "url")
            else:
                message = _("You have subscribed to %(name)s.") % {"name": made.name}
                return self._frame.go(request, BASE, message=message)
        with use_viewer(self._frame.view(request)):
            view = SubscriptionView(title=_("Subscribe"), form=_form(f"{BASE}/add", typed, problem, new=True))
        status = self._frame.form_status(request, problem)
        return await self._frame.page(request, "core/subscription.html", view, status=status)

    async def edit(self, request: Request) -> Response:
        following, viewer = services_of(request).downloads.following, someone(request)
        found = await following.get(viewer, request.path_params["id"])
        typed, problem, stale, version = _typed(found.wanted), None, None, found.version
        going: Sequence[str] = ()
        if request.method == "POST":
            form = await request.form()
            typed, sent = _sent(form), whole(form.get("version"))
            version = found.version if sent is None else sent
            try:
                wanted = replace(_wanted(typed), url=found.wanted.url, earlier=found.wanted.earlier)
                if (wanted.keep, wanted.keep_days) != (found.wanted.keep, found.wanted.keep_days):
                    going = await following.beyond(viewer, found.id, wanted)
                if going and version == found.version and form.getlist(REMOVE)[-1:] != ["true"]:
                    raise UserError(_("Say that they may go, or keep more."), REMOVE)
                await following.change(viewer, found.id, wanted, version)
            except UserError as error:
                problem = error
            except Stale as error:
                stale, version = error, found.version
            else:
                return self._frame.go(request, BASE, message=_("Saved."))
        with use_viewer(self._frame.view(request)):
            theirs = _typed(found.wanted) if stale is not None else None
            view = SubscriptionView(
                title=found.name,
                form=_form(f"{BASE}/{found.id}", typed, problem, version=version, theirs=theirs, going=going),
            )
        status = self._frame.form_status(request, problem or stale, 409 if stale else 422)
        return await self._frame.page(request, "core/subscription.html", view, status=status)

    async def look(self, request: Request) -> Response:
        message = _("We are looking for something new.")
        try:
            await services_of(request).downloads.following.look_now(
                someone(request), request.path_params["id"]
            )
        except UserError as error:
            message = _(str(error))
        return self._frame.go(request, BASE, message=message)

    async def pause(self, request: Request) -> Response:
        return await self._pause(request, True, _("Paused."))

    async def resume(self, request: Request) -> Response:
        return await self._pause(request, False, _("It goes on; what came meanwhile is fetched."))

    async def _pause(self, request: Request, paused: bool, message: str) -> Response:
        following, viewer = services_of(request).downloads.following, someone(request)
        found = await following.get(viewer, request.path_params["id"])
        sent = whole((await request.form()).get("version"))
        try:
            await following.pause(viewer, found.id, paused, found.version if sent is None else sent)
        except Stale:
            message = _("Someone else changed this in the meantime.")
        return self._frame.go(request, BASE, message=message)

    async def remove(self, request: Request) -> Response:
        await services_of(request).downloads.following.remove(someone(request), request.path_params["id"])
        return self._frame.go(request, BASE, message=_("Removed. What was downloaded stays."))


def _row(one: Subscription) -> SubscriptionRow:
    base, seen = f"{BASE}/{one.id}", (("version", str(one.version)),)
    wanted, notes = one.wanted, [_("every %(span)s") % {"span": span(one.wanted.every)}]
    if wanted.title:
        notes.append(f"“{wanted.title}”")
    if wanted.shortest is not None:
        notes.append(_("from %(span)s") % {"span": span(wanted.shortest)})
    if wanted.longest is not None:
        notes.append(_("up to %(span)s") % {"span": span(wanted.longest)})
    if wanted.after is not None:
        notes.append(_("since %(day)s") % {"day": day(wanted.after)})
    if wanted.keep is not None:
        notes.append(
            ngettext("keeps the newest", "keeps the newest %(count)s", wanted.keep) % {"count": wanted.keep}
        )
    if wanted.keep_days is not None:
        notes.append(
            ngettext("keeps those of a day", "keeps those of %(count)s days", wanted.keep_days)
            % {"count": wanted.keep_days}
        )
    paused = one.paused_at is not None
    go_on = (
        Action(label=_("Resume"), path=f"{base}/resume", method="post", icon="rotate-ccw", values=seen)
        if paused
        else Action(label=_("Pause"), path=f"{base}/pause", method="post", icon="pause", values=seen)
    )
    look = Action(label=_("Look now"), path=f"{base}/look", method="post", icon="refresh-cw")
    return SubscriptionRow(
        name=one.name,
        path=base,
        notes=tuple(notes),
        due_at=one.due_at,
        newest_at=one.newest_at,
        error=_(one.error) if one.error else "",
        badge=Badge(text=_("Paused"), tone="warning")
        if paused
        else Badge(text=_("Not working"), tone="error")
        if one.error
        else None,
        actions=(
            *(() if paused else (look,)),
            go_on,
            Action(
                label=_("Remove"),
                path=f"{base}/remove",
                method="post",
                icon="trash-2",
                confirm=_("Unsubscribe? What was downloaded stays."),
            ),
        ),
    )


def _sent(form: FormData) -> dict[str, str]:
    found = {name: str(form.get(name, "")).strip() for name in _typed(Wanted(url=""))}
    # A box sends its hidden "false" before it.
    return {
        **found,
        **{name: str(form.getlist(name)[-1:] == ["true"]).lower() for name in ("shorts", "earlier")},
    }


def _typed(wanted: Wanted) -> dict[str, str]:
    def minutes(seconds: float | None) -> str:
        return "" if seconds is None else f"{seconds / 60:g}"

    return {
        "url": wanted.url,
        "every": f"{wanted.every:g}",
        "title": wanted.title,
        "shortest": minutes(wanted.shortest),
        "longest": minutes(wanted.longest),
        "after": ""
        if wanted.after is None
        else datetime.fromtimestamp(wanted.after, UTC).strftime("%Y-%m-%d"),
        "shorts": str(wanted.shorts).lower(),
        "earlier": str(wanted.earlier).lower(),
        "keep": str(wanted.keep or ""),
        "keep_days": str(wanted.keep_days or ""),
        "quality": wanted.quality,
        "container": wanted.container,
    }


def _wanted(typed: dict[str, str]) -> Wanted:
    """Raises UserError for what is no number or no day."""

    def number(name: str, factor: float = 1.0) -> float | None:
        try:
            return float(typed[name].replace(",", ".")) * factor if typed[name] else None
        except ValueError as error:
            raise UserError(_("Give a number."), name) from error

    def count(name: str) -> int | None:
        if typed[name] and not typed[name].isdecimal():
            raise UserError(_("Give a number."), name)
        return int(typed[name]) if typed[name] else None

    after = None
    if typed["after"]:
        try:
            after = datetime.strptime(typed["after"], "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
        except ValueError as error:
            raise UserError(_("Give a day as 2026-01-31."), "after") from error
    return Wanted(
        url=typed["url"],
        every=number("every") or 21_600.0,
        title=typed["title"],
        shortest=number("shortest", 60),
        longest=number("longest", 60),
        after=after,
        shorts=typed["shorts"] == "true",
        earlier=typed["earlier"] == "true",
        keep=count("keep"),
        keep_days=count("keep_days"),
        quality=typed["quality"],
        container=typed["container"],
    )


def _going(titles: Sequence[str], problem: UserError | None) -> Field:
    """What would be removed at once, to be agreed to."""
    named = [f"“{title}”" for title in titles[:NAMED]]
    if more := len(titles) - len(named):
        named.append(ngettext("and one more", "and %(count)s more", more) % {"count": more})
    return Field(
        name=REMOVE,
        label=ngettext("Remove one video now", "Remove %(count)s videos now", len(titles))
        % {"count": len(titles)},
        kind="toggle",
        help=", ".join(named),
        error=_(str(problem)) if problem is not None and problem.field == REMOVE else "",
    )


def _form(
    path: str,
    typed: dict[str, str],
    problem: UserError | None,
    *,
    new: bool = False,
    version: int | None = None,
    theirs: dict[str, str] | None = None,
    going: Sequence[str] = (),
) -> Form:
    """going: titles of what these wishes would remove at once."""

    def more(name: str) -> dict[str, Any]:
        value = typed[name]
        other = theirs[name] if theirs is not None and theirs[name] != value else None
        wrong = _(str(problem)) if problem is not None and problem.field == name else ""
        return {"name": name, "value": value, "error": wrong, "theirs": other}

    def box(name: str, label: str, help_: str = "") -> Field:
        shown = more(name)
        shown["value"] = "true" if shown["value"] == "true" else ""
        return Field(label=label, kind="toggle", help=help_, **shown)

    first = (
        Field(
            label=_("Channel or playlist"),
            kind="url",
            required=True,
            example="https://video.example/@…",
            **more("url"),
        ),
    )
    earlier = (box("earlier", _("Also what is there already")),)
    every = tuple(
        Choice(label=span(one), value=f"{one:g}", current=f"{one:g}" == typed["every"]) for one in EVERY
    )
    known = {*typed, REMOVE}
    return Form(
        path=path,
        id="subscription",
        groups=(
            FieldGroup(
                fields=(
                    *(first if new else ()),
                    Field(label=_("Look every"), kind="select", choices=every, **more("every")),
                    *(earlier if new else ()),
                )
            ),
            FieldGroup(
                title=_("Which videos"),
                fields=(
                    Field(
                        label=_("Title"),
                        help=_("Text that is part of it, or a pattern with * and ?."),
                        **more("title"),
                    ),
                    Field(label=_("Shortest"), unit=_("minutes"), inputmode="decimal", **more("shortest")),
                    Field(label=_("Longest"), unit=_("minutes"), inputmode="decimal", **more("longest")),
                    Field(label=_("Published since"), example="2026-01-31", **more("after")),
                    box("shorts", _("Shorts too")),
                ),
            ),
            FieldGroup(
                title=_("What is kept"),
                help=_(
                    "Left empty, everything stays. Older videos go with their files and leave the library; never one that is also "
                    "part of another download."
                ),
                fields=(
                    Field(label=_("The newest"), inputmode="numeric", unit=_("videos"), **more("keep")),
                    Field(
                        label=_("Published in the last"),
                        inputmode="numeric",
                        unit=_("days"),
                        **more("keep_days"),
                    ),
                    *((_going(going, problem),) if going else ()),
                ),
            ),
        ),
        submit=_("Subscribe") if new else _("Save"),
        version=version,
        error=_(str(problem)) if problem is not None and problem.field not in known else "",
        conflict=_("Someone else changed this in the meantime.") if theirs is not None else "",
    )
