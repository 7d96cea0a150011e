"""Admin → webhooks → to others: who hears of which events, and what they were sent."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.webhooks.catalogue import EventKind
from medianest_core.domain.webhooks.entries import Message, Sending, Subscription
from medianest_core.domain.webhooks.subscriptions import Wanted
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.pages.webhook_rows import BASE, event_label, message_row, sending_badge
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Choice,
    Fact,
    Field,
    FieldGroup,
    Form,
    Sentinel,
    TileState,
)
from medianest_core.web.portal.views.webhooks import SubscriptionView

_PAGE = 30


class SubscriptionPages:
    """Handlers of what we send."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one, post = BASE + "/out/{id}", ("POST",)
        return [
            page(f"{BASE}/out/add", self.add, methods=("GET", "POST"), policy=ADMIN),
            page(one, self.edit, methods=("GET", "POST"), policy=ADMIN),
            page(f"{one}/test", self.test, methods=post, policy=ADMIN),
            page(f"{one}/pause", self.pause, methods=post, policy=ADMIN),
            page(f"{one}/resume", self.resume, methods=post, policy=ADMIN),
            page(f"{one}/off", self.off, methods=post, policy=ADMIN),
            page(f"{one}/secret", self.secret, methods=post, policy=ADMIN),
            page(f"{one}/remove", self.remove, methods=post, policy=ADMIN),
            page(one + "/messages/{message}/replay", self.replay, methods=post, policy=ADMIN),
        ]

    async def add(self, request: Request) -> Response:
        hooks = services_of(request).webhooks
        wanted, error = Wanted("", (), ""), None
        if request.method == "POST":
            wanted = _wanted(await request.form())
            try:
                made, secret = await hooks.subscriptions.create(wanted, someone(request).id)
            except UserError as problem:
                error = problem
            else:
                await hooks.sender.refresh()
                request.path_params["id"] = made.id
                return await self._shown(request, secret=secret)
        with use_viewer(self._frame.view(request)):
            view = SubscriptionView(
                title=_("Tell somebody of events"),
                form=_form(hooks.catalogue.all(), wanted, path=f"{BASE}/out/add", error=error),
            )
        status = self._frame.form_status(request, error)
        return await self._frame.page(request, "core/admin/webhook_out.html", view, status=status)

    async def edit(self, request: Request) -> Response:
        hooks, identifier = services_of(request).webhooks, request.path_params["id"]
        if request.method != "POST":
            return await self._shown(request)
        form = await request.form()
        known = await hooks.subscriptions.get(identifier)
        sent = whole(form.get("version"))
        try:
            await hooks.subscriptions.change(
                identifier, _wanted(form), known.version if sent is None else sent, someone(request).id
            )
        except UserError as error:
            return await self._shown(
                request, wanted=_wanted(form), error=error, status=self._frame.form_status(request, error)
            )
        except Stale as stale:
            return await self._shown(
                request,
                wanted=_wanted(form),
                stale=stale,
                status=self._frame.form_status(request, stale, 409),
            )
        await hooks.sender.refresh()
        return self._back(request, _("Saved."))

    async def _shown(
        self,
        request: Request,
        *,
        secret: str = "",
        wanted: Wanted | None = None,
        error: UserError | None = None,
        stale: Stale | None = None,
        status: int = 200,
    ) -> Response:
        hooks, identifier = services_of(request).webhooks, request.path_params["id"]
        found = await hooks.subscriptions.get(identifier)
        messages, more = await hooks.subscriptions.log(
            identifier, cursor=request.query_params.get("cursor"), limit=_PAGE
        )
        path = f"{BASE}/out/{identifier}"
        if wanted is None:
            url = await hooks.subscriptions.url(identifier)
            wanted = Wanted(found.name, found.events, url, found.verify_tls)
        with use_viewer(self._frame.view(request)):
            form = _form(
                hooks.catalogue.all(),
                wanted,
                path=path,
                error=error,
                version=int(stale.current["version"]) if stale is not None else found.version,
                theirs=found if stale is not None else None,
            )
            view = _view(found, form, path, messages, more, secret)
        if is_htmx(request) and request.query_params.get("cursor"):
            return self._frame.fragment(request, "core/fragments/webhook_rows.html", view)
        return await self._frame.page(request, "core/admin/webhook_out.html", view, status=status)

    async def test(self, request: Request) -> Response:
        await services_of(request).webhooks.sender.test(request.path_params["id"], someone(request).id)
        return self._back(request, _("A test message is on its way; its answer appears below."))

    async def replay(self, request: Request) -> Response:
        await services_of(request).webhooks.sender.replay(
            request.path_params["id"], request.path_params["message"], someone(request).id
        )
        return self._back(request, _("It is sent again."))

    async def pause(self, request: Request) -> Response:
        return await self._halt(request, Sending.PAUSED, _("Paused. What happens meanwhile waits."))

    async def off(self, request: Request) -> Response:
        return await self._halt(request, Sending.OFF, _("Switched off."))

    async def _halt(self, request: Request, state: Sending, message: str) -> Response:
        await services_of(request).webhooks.sender.halt(request.path_params["id"], state, someone(request).id)
        return self._back(request, message)

    async def resume(self, request: Request) -> Response:
        waiting = await services_of(request).webhooks.sender.resume(
            request.path_params["id"], someone(request).id
        )
        if not waiting:
            return self._back(request, _("Messages are sent again."))
        words = ngettext(
            "Messages are sent again, beginning with %(count)s that waited.",
            "Messages are sent again, beginning with the %(count)s that waited.",
            waiting,
        )
        return self._back(request, words % {"count": waiting})

    async def secret(self, request: Request) -> Response:
        secret = await services_of(request).webhooks.subscriptions.new_secret(
            request.path_params["id"], someone(request).id
        )
        return await self._shown(request, secret=secret)

    async def remove(self, request: Request) -> Response:
        hooks = services_of(request).webhooks
        await hooks.subscriptions.remove(request.path_params["id"], someone(request).id)
        await hooks.sender.refresh()
        return self._frame.go(request, BASE, message=_("Removed."))

    def _back(self, request: Request, message: str) -> Response:
        return self._frame.go(request, f"{BASE}/out/{request.path_params['id']}", message=message)


def _view(
    found: Subscription,
    form: Form,
    path: str,
    messages: list[Message],
    more: str | None,
    secret: str,
) -> SubscriptionView:
    facts = [
        Fact(label=_("Events"), value=float(len(found.events)), kind="number"),
        Fact(label=_("Waiting"), value=float(found.waiting), kind="number"),
    ]
    if found.last_ok_at is not None:
        facts.append(Fact(label=_("Last taken"), value=found.last_ok_at, kind="age"))
    if found.failing_since is not None:
        facts.append(Fact(label=_("Failing since"), value=found.failing_since, kind="age"))
        facts.append(Fact(label=_("Attempts in vain"), value=float(found.failures), kind="number"))
    following = None
    if more:
        after = f"{path}?{urlencode({'cursor': more})}"
        following = Sentinel(next_path=after, page_path=after)
    return SubscriptionView(
        title=found.name,
        form=form,
        path=path,
        place=found.place,
        secret=secret,
        badge=sending_badge(found.state),
        problem=_(found.reason),
        facts=tuple(facts),
        actions=_actions(found, path),
        danger=(
            Action(
                label=_("New secret"),
                path=f"{path}/secret",
                method="post",
                icon="key-round",
                confirm=_("Make another secret? For a day messages carry a signature with the old one too."),
            ),
            Action(
                label=_("Remove"),
                path=f"{path}/remove",
                method="post",
                icon="trash-2",
                tone="error",
                confirm=_("Remove this, with the log of what was sent?"),
            ),
        ),
        rows=tuple(message_row(one) for one in messages),
        next=following,
        state=NORMAL
        if messages
        else TileState(
            kind="empty",
            title=_("Nothing was sent yet"),
            text=_("Messages appear here once something happens; send a test to try the address."),
            icon="webhook",
        ),
    )


def _actions(found: Subscription, path: str) -> tuple[Action, ...]:
    test = Action(label=_("Send a test"), path=f"{path}/test", method="post", icon="bell")
    pause = Action(label=_("Pause"), path=f"{path}/pause", method="post", icon="clock")
    off = Action(
        label=_("Switch off"),
        path=f"{path}/off",
        method="post",
        icon="power",
        confirm=_("What waits will not be sent. Go on?") if found.waiting else None,
    )
    if found.state is Sending.ACTIVE:
        return (test, pause, off)
    resume = Action(
        label=_("Resume") if found.state is Sending.PAUSED else _("Switch on"),
        path=f"{path}/resume",
        method="post",
        icon="play",
        tone="primary",
    )
    return (resume, test, off) if found.state is Sending.PAUSED else (resume, test)


def _wanted(form: FormData) -> Wanted:
    return Wanted(
        name=str(form.get("name", "")),
        events=[str(one) for one in form.getlist("events")],
        url=str(form.get("url", "")),
        verify_tls="true" in form.getlist("verify_tls"),
    )


def _form(
    kinds: list[EventKind],
    wanted: Wanted,
    *,
    path: str,
    error: UserError | None,
    version: int | None = None,
    theirs: Subscription | None = None,
) -> Form:
    """theirs: what is stored, where a save met a newer version."""

    def said(name: str) -> str:
        return _(str(error)) if error is not None and error.field == name else ""

    return Form(
        path=path,
        id="subscription",
        submit=_("Save") if version is not None else _("Add"),
        version=version,
        error=_(str(error)) if error is not None and error.field is None else "",
        conflict=_("Someone else changed this in the meantime.") if theirs is not None else "",
        cancel_path=BASE if version is None else None,
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="name",
                        label=_("Name"),
                        required=True,
                        value=wanted.name,
                        error=said("name"),
                        theirs=theirs.name if theirs is not None and theirs.name != wanted.name else None,
                    ),
                    Field(
                        name="url",
                        label=_("Address"),
                        kind="url",
                        required=True,
                        value=wanted.url or "",
                        example="https://automation.home/hooks/portal",
                        help=_("It may be in the home network. Messages are posted there as JSON."),
                        error=said("url"),
                    ),
                    Field(
                        name="events",
                        label=_("Which events"),
                        kind="multiselect",
                        values=tuple(wanted.events),
                        choices=tuple(
                            Choice(label=event_label(one.name), value=one.name, help=one.name)
                            for one in kinds
                        ),
                        error=said("events"),
                    ),
                    Field(
                        name="verify_tls",
                        label=_("Insist on a valid certificate"),
                        kind="toggle",
                        value="true" if wanted.verify_tls else "",
                        advanced=True,
                    ),
                )
            ),
        ),
    )
