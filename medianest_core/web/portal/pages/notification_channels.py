"""The account's page for notifications: where one is told, of what, when, and what became of it; and the link that ends it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing, TooManyAttempts
from medianest_core.domain.notify.channel import Channel, Kind
from medianest_core.domain.notify.deliveries import DeliveryInfo
from medianest_core.domain.notify.outside import Outside, TopicInfo
from medianest_core.sdk.errors import MediaNestError, UserError
from medianest_core.sdk.permissions import PUBLIC, USER
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import use_plugin
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.notification_forms import address_form, code_form, times_form
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Badge,
    ChannelKind,
    ChannelRow,
    ChannelsView,
    DeliveryRow,
    Matrix,
    MatrixCell,
    MatrixRow,
    Shell,
    StopView,
    TileState,
)

PATH = "/account/notifications"
_SHOWN = 12


class ChannelPages:
    """Handlers of the page and its forms."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        def post(path: str, handler: object) -> BaseRoute:
            return page(f"{PATH}{path}", handler, methods=("POST",), policy=USER)  # type: ignore[arg-type]  # as below

        return [
            page(PATH, self.show, policy=USER),
            post("/add", self.add),
            post("/choices", self.choose),
            post("/times", self.times),
            post("/deliveries/{id}/again", self.again),
            post("/{id}/confirm", self.confirm),
            post("/{id}/code", self.code),
            post("/{id}/test", self.test),
            post("/{id}/switch", self.switch),
            post("/{id}/remove", self.remove),
            page("/unsubscribe/{token}", self.stop, methods=("GET", "POST"), policy=PUBLIC),
        ]

    async def show(self, request: Request) -> Response:
        return await self._show(request)

    async def _show(
        self,
        request: Request,
        *,
        adding: str = "",
        confirming: str = "",
        typed: dict[str, str] | None = None,
        errors: dict[str, str] | None = None,
        times_errors: dict[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        person, outside = someone(request), _outside(request)
        rendering = self._frame.view(request)
        kinds = await outside.channels.kinds()
        channels = await outside.channels.of(person.id)
        times = await outside.choosing.times(person.id)
        log, following = await outside.deliveries.log(
            person.id, locale=rendering.locale, limit=_SHOWN, cursor=request.query_params.get("cursor")
        )
        topics = outside.topics(rendering.locale, admin=person.is_admin)
        wrong, given = errors or {}, typed or {}
        with use_viewer(rendering):
            view = ChannelsView(
                channels=tuple(
                    _channel(one, wrong if one.id == confirming else {}, kinds) for one in channels
                ),
                kinds=tuple(
                    _kind(
                        one,
                        given if one.instance_id == adding else {},
                        wrong if one.instance_id == adding else {},
                    )
                    for one in kinds
                ),
                matrix=_matrix(channels, topics),
                times=times_form(
                    f"{PATH}/times", times, person.is_admin, given if times_errors else {}, times_errors or {}
                ),
                deliveries=tuple(_delivery(one) for one in log),
                older=f"{PATH}?cursor={following}#sent" if following else "",
                no_links=_(
                    "Messages carry no links: the portal does not know its own address. Set MEDIANEST_PUBLIC_URL."
                )
                if person.is_admin and not outside.links and kinds
                else "",
                state=NORMAL if kinds else _nothing(person.is_admin),
            )
        return await self._frame.page(request, "core/channels.html", view, status=status)

    async def add(self, request: Request) -> Response:
        form = await request.form()
        instance_id, target = str(form.get("instance_id", "")), str(form.get("target", ""))
        label = str(form.get("label", ""))
        try:
            made = await _outside(request).channels.add(someone(request).id, instance_id, target, label)
        except (UserError, TooManyAttempts) as error:
            # What was typed may hold secrets, so it is not repeated.
            return await self._show(
                request,
                adding=instance_id,
                typed={"label": label},
                errors={"target": _(str(error))},
                status=self._frame.form_status(request, error),
            )
        return self._frame.go(
            request,
            PATH,
            message=_("A code is on its way. Enter it below.") if made.waits else _("Added."),
        )

    async def confirm(self, request: Request) -> Response:
        form, channel_id = await request.form(), request.path_params["id"]
        try:
            await _outside(request).channels.confirm(
                someone(request).id, channel_id, str(form.get("code", ""))[:20]
            )
        except UserError as error:
            return await self._show(
                request,
                confirming=channel_id,
                errors={"code": _(str(error))},
                status=self._frame.form_status(request, error),
            )
        return self._frame.go(request, PATH, message=_("Confirmed. Notifications go there from now on."))

    async def code(self, request: Request) -> Response:
        try:
            await _outside(request).channels.code_again(someone(request).id, request.path_params["id"])
        except (UserError, TooManyAttempts) as error:
            return self._frame.go(request, PATH, message=_(str(error)))
        return self._frame.go(request, PATH, message=_("A new code is on its way."))

    async def test(self, request: Request) -> Response:
        locale = self._frame.view(request).locale
        try:
            await _outside(request).channels.test(someone(request).id, request.path_params["id"], locale)
        except Missing:
            raise
        except MediaNestError as error:
            return self._frame.go(
                request, PATH, message=_("The test did not get out: %(reason)s") % {"reason": _(str(error))}
            )
        return self._frame.go(request, PATH, message=_("A test message was handed over."))

    async def switch(self, request: Request) -> Response:
        on = (await request.form()).get("on") == "true"
        await _outside(request).channels.switch(someone(request).id, request.path_params["id"], on)
        return self._frame.go(request, PATH, message=_("Switched on.") if on else _("Switched off."))

    async def remove(self, request: Request) -> Response:
        await _outside(request).channels.remove(someone(request).id, request.path_params["id"])
        return self._frame.go(request, PATH, message=_("Removed."))

    async def choose(self, request: Request) -> Response:
        """One form holds all channels: what it names and does not tick is not wanted."""
        form, person, outside = await request.form(), someone(request), _outside(request)
        ticked = set(form.keys())
        mine = [one.id for one in await outside.channels.of(person.id)]
        named = [one for one in map(str, form.getlist("channel")) if one in mine]
        topics = [
            one.name for one in outside.topics("en", admin=person.is_admin) if f"topic:{one.name}" in ticked
        ]
        await outside.choosing.choose(
            person.id,
            {one: {topic: f"want:{one}:{topic}" in ticked for topic in topics} for one in named},
        )
        await outside.choosing.set_digest(person.id, {one: f"digest:{one}" in ticked for one in named})
        return self._frame.go(request, PATH, message=_("Saved."))

    async def times(self, request: Request) -> Response:
        form, person = await request.form(), someone(request)
        names = ("quiet_from", "quiet_to", "digest_hour", "urgent")
        typed = {name: str(form.getlist(name)[-1]) if form.getlist(name) else "" for name in names}
        try:
            await _outside(request).choosing.set_times(
                person.id,
                quiet_from=_minute(typed["quiet_from"]),
                quiet_to=_minute(typed["quiet_to"]),
                digest_hour=-1 if (hour := whole(typed["digest_hour"])) is None else hour,
                urgent=typed["urgent"] == "true",
                zone=self._frame.view(request).zone,
                version=whole(form.get("version")),
            )
        except UserError as error:
            return await self._show(
                request,
                typed=typed,
                times_errors={error.field or "": _(str(error))},
                status=self._frame.form_status(request, error),
            )
        except Stale:
            return self._frame.go(
                request, PATH, message=_("This was changed elsewhere in the meantime. Look at it again.")
            )
        return self._frame.go(request, PATH, message=_("Saved."))

    async def again(self, request: Request) -> Response:
        try:
            await _outside(request).deliveries.again(someone(request).id, request.path_params["id"])
        except UserError as error:
            return self._frame.go(request, PATH, message=_(str(error)))
        return self._frame.go(request, PATH, message=_("It is sent once more."))

    async def stop(self, request: Request) -> Response:
        """The link in messages. Asking for the page ends nothing: programs that look at mail follow links."""
        token, channels = request.path_params["token"], _outside(request).channels
        ended = request.method == "POST"
        found = await (channels.stop(token) if ended else channels.stoppable(token))
        rendering = self._frame.view(request)
        with use_viewer(rendering):
            if found is None:
                view = StopView(
                    title=_("This link is no longer valid"),
                    text=_("Perhaps the address was removed already. Sign in to look at your channels."),
                    action=Action(label=_("To the portal"), path=PATH, icon="bell"),
                )
            elif ended or not found.enabled:
                view = StopView(
                    title=_("No more notifications"),
                    text=_(
                        "Nothing is sent to %(address)s any more. You can switch it on again in your account."
                    )
                    % {"address": found.shown},
                    action=Action(label=_("To the portal"), path=PATH, icon="bell"),
                )
            else:
                view = StopView(
                    title=_("End these notifications?"),
                    text=_("Nothing will be sent to %(address)s any more.") % {"address": found.shown},
                    action=Action(
                        label=_("End them"),
                        path=f"/unsubscribe/{token}",
                        method="post",
                        icon="bell",
                        tone="primary",
                    ),
                )
        shell = Shell(live=False, site_name=services_of(request).portal_settings.now.site_name)
        response = self._frame.renderer.page(
            "core/unsubscribe.html", view, shell, rendering, status=200 if found else 404
        )
        response.headers["Cache-Control"] = "no-store"
        return response


def _outside(request: Request) -> Outside:
    return services_of(request).notify.outside


def _minute(text: str) -> int | None:
    """Minutes since midnight of "22:30"; -1 for what is no time; None for nothing."""
    if not text:
        return None
    hours, _colon, minutes = text.partition(":")
    found = whole(hours), whole(minutes[:2])
    if found[0] is None or found[1] is None or found[0] > 23 or found[1] > 59:
        return -1
    return found[0] * 60 + found[1]


def _nothing(admin: bool) -> TileState:
    if admin:
        return TileState(
            kind="empty",
            title=_("Nothing carries messages yet"),
            text=_(
                "Set up e-mail, Apprise or push as a service; then everybody can choose what reaches them where."
            ),
            icon="send",
            action=Action(label=_("Add a service"), path="/admin/services", icon="plus"),
        )
    return TileState(
        kind="empty",
        title=_("Only here so far"),
        text=_(
            "Notifications appear in the portal. Ask your admin to set up e-mail or push to get them elsewhere too."
        ),
        icon="bell",
    )


def _channel(one: Channel, errors: dict[str, str], kinds: Sequence[Kind]) -> ChannelRow:
    away = next((kind.problem for kind in kinds if kind.instance_id == one.instance_id), "")
    path = f"{PATH}/{one.id}"
    actions = []
    if one.waits:
        badge = Badge(text=_("Not confirmed"), tone="warning")
        actions.append(Action(label=_("New code"), path=f"{path}/code", method="post", icon="rotate-ccw"))
    elif not one.enabled:
        badge = Badge(text=_("Off"))
        actions.append(
            Action(
                label=_("Switch on"),
                path=f"{path}/switch",
                method="post",
                icon="power",
                values=(("on", "true"),),
            )
        )
    else:
        badge = Badge(text=_("On"), tone="success")
        actions.append(Action(label=_("Send a test"), path=f"{path}/test", method="post", icon="send"))
        actions.append(
            Action(
                label=_("Switch off"),
                path=f"{path}/switch",
                method="post",
                icon="power",
                values=(("on", "false"),),
            )
        )
    actions.append(
        Action(
            label=_("Remove"),
            path=f"{path}/remove",
            method="post",
            icon="trash-2",
            confirm=_("What waits for it is not sent any more."),
        )
    )
    notes = [
        _(one.title),
        one.shown if one.label else "",
        _(one.reason) if one.reason else "",
        _(away) if away else "",
    ]
    return ChannelRow(
        id=one.id,
        title=one.label or one.shown,
        note=" · ".join(note for note in notes if note),
        icon=one.icon,
        badge=badge,
        code=code_form(f"{path}/confirm", one.id, errors) if one.waits else None,
        actions=tuple(actions),
    )


def _kind(one: Kind, typed: dict[str, str], errors: dict[str, str]) -> ChannelKind:
    with use_plugin(one.plugin):
        # A service that nobody named has the name of its kind.
        title = _(one.title)
        texts = (_(one.target_title), _(one.target_help) if one.target_help else "", one.target_example)
    problem = _(one.problem) if one.problem else ""
    if one.browser:
        return ChannelKind(
            title=title,
            icon=one.icon,
            instance_id=one.instance_id,
            help=texts[1],
            problem=problem,
            push_key=one.browser_key,
            push_path=f"{PATH}/add",
            error=errors.get("target", ""),
        )
    return ChannelKind(
        title=title,
        icon=one.icon,
        instance_id=one.instance_id,
        problem=problem,
        form=address_form(f"{PATH}/add", one, texts, typed, errors),
        error=errors.get("target", ""),
    )


def _matrix(channels: Sequence[Channel], topics: Sequence[TopicInfo]) -> Matrix | None:
    shown = [one for one in channels if not one.waits]
    if not shown:
        return None
    names = [one.label or one.shown for one in shown]

    def row(topic: TopicInfo) -> MatrixRow:
        return MatrixRow(
            title=topic.title,
            name=f"topic:{topic.name}",
            cells=tuple(
                MatrixCell(
                    name=f"want:{one.id}:{topic.name}",
                    label=_("%(topic)s: %(channel)s") % {"topic": topic.title, "channel": name},
                    checked=one.wanted[topic.name],
                )
                for one, name in zip(shown, names, strict=True)
            ),
        )

    groups = [(_("For you"), tuple(row(topic) for topic in topics if not topic.admin))]
    if any(topic.admin for topic in topics):
        groups.append((_("For admins"), tuple(row(topic) for topic in topics if topic.admin)))
    title = _("As one summary a day")
    return Matrix(
        path=f"{PATH}/choices",
        columns=tuple(zip((one.id for one in shown), names, strict=True)),
        groups=tuple(groups),
        digest=MatrixRow(
            title=title,
            name="",
            cells=tuple(
                MatrixCell(
                    name=f"digest:{one.id}",
                    label=_("%(topic)s: %(channel)s") % {"topic": title, "channel": name},
                    checked=one.digest,
                )
                for one, name in zip(shown, names, strict=True)
            ),
        ),
    )


def _delivery(one: DeliveryInfo) -> DeliveryRow:
    badges = {
        "waiting": Badge(text=_("Waits")),
        "sending": Badge(text=_("Under way"), tone="info"),
        "sent": Badge(text=_("Sent"), tone="success"),
        "failed": Badge(text=_("Not sent"), tone="error"),
        "unclear": Badge(text=_("May have arrived"), tone="warning"),
        "dropped": Badge(text=_("Left out")),
    }
    again = None
    if one.state in ("failed", "unclear", "dropped"):
        again = Action(
            label=_("Send again"), path=f"{PATH}/deliveries/{one.id}/again", method="post", icon="rotate-ccw"
        )
    tries = len(one.attempts)
    return DeliveryRow(
        title=one.title,
        note=one.channel,
        tries=_("%(count)s attempts") % {"count": tries} if tries > 1 else "",
        badge=badges[one.state],
        at=one.created_at,
        reason=_(one.reason) if one.reason else "",
        due_at=one.due_at if one.state == "waiting" and one.due_at > one.created_at else None,
        again=again,
    )
