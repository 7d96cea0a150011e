"""Admin → webhooks: where services post to, and what they told us."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.webhooks.deliveries import STATUSES
from medianest_core.domain.webhooks.entries import Address, Content, DeliveryInfo
from medianest_core.host.errors import UnknownInstance
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.pages.webhook_rows import (
    BASE,
    delivery_badge,
    delivery_row,
    receiver_row,
    subscription_row,
    topic_label,
)
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Choice, Fact, Sentinel, TileState
from medianest_core.web.portal.views.webhooks import (
    AddressView,
    DeliveriesView,
    DeliveryView,
    WebhooksView,
)

_PAGE = 40


class WebhookPages:
    """Handlers of admin → webhooks, but for those of what we send."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one = BASE + "/in/{id}"
        return [
            page(BASE, self.overview, policy=ADMIN),
            page(f"{BASE}/log", self.log, policy=ADMIN),
            page(BASE + "/log/{id}", self.delivery, policy=ADMIN),
            page(BASE + "/log/{id}/replay", self.replay, methods=("POST",), policy=ADMIN),
            page(one, self.address, policy=ADMIN),
            page(f"{one}/rotate", self.rotate, methods=("POST",), policy=ADMIN),
            page(f"{one}/register", self.register, methods=("POST",), policy=ADMIN),
            page(f"{one}/unregister", self.unregister, methods=("POST",), policy=ADMIN),
        ]

    async def overview(self, request: Request) -> Response:
        services = services_of(request)
        receivers = await services.webhooks.addresses.receivers()
        subscriptions = await services.webhooks.subscriptions.all()
        with use_viewer(self._frame.view(request)):
            view = WebhooksView(
                receivers=tuple(receiver_row(one) for one in receivers),
                subscriptions=tuple(subscription_row(one) for one in subscriptions),
                problem=_no_address(services) if receivers else "",
                log=Action(label=_("What they told us"), path=f"{BASE}/log", icon="list-checks"),
                add=Action(label=_("Add"), path=f"{BASE}/out/add", icon="plus"),
                empty_in=TileState(
                    kind="empty",
                    title=_("No service that could tell us anything"),
                    text=_("Add one under Services; those that can post messages appear here."),
                    icon="server",
                    action=Action(label=_("Services"), path="/admin/services", icon="server"),
                ),
                empty_out=TileState(
                    kind="empty",
                    title=_("Nobody is told yet"),
                    text=_("Have events posted to a home automation, a chat, or a program of yours."),
                    icon="webhook",
                ),
            )
        return await self._frame.page(request, "core/admin/webhooks.html", view)

    async def log(self, request: Request) -> Response:
        services, query = services_of(request), request.query_params
        status, service = query.get("status", ""), query.get("service", "")
        status = status if status in STATUSES else ""
        found, more = await services.webhooks.deliveries.log(
            instance_id=service or None,
            status=status or None,
            cursor=query.get("cursor"),
            limit=_PAGE,
        )
        titles = {info.id: info.title for info in services.host.instances.all()}
        with use_viewer(self._frame.view(request)):
            following = None
            if more:
                path = _log_path(status, service, more)
                following = Sentinel(next_path=path, page_path=path)
            labels = {"": _("All"), **{one: delivery_badge(one).text for one in STATUSES}}
            receivers = await services.webhooks.addresses.receivers()
            senders = [("", _("All services")), *((one.instance_id, one.title) for one in receivers)]
            view = DeliveriesView(
                rows=tuple(delivery_row(one, titles.get(one.instance_id, "")) for one in found),
                tabs=tuple(
                    Choice(label=label, value=value, path=_log_path(value, service), current=value == status)
                    for value, label in labels.items()
                ),
                services=tuple(
                    Choice(label=label, value=value, current=value == service) for value, label in senders
                ),
                status=status,
                next=following,
                state=NORMAL
                if found
                else TileState(
                    kind="empty",
                    title=_("Nothing here"),
                    text=_("What services post appears here for two weeks."),
                    icon="webhook",
                ),
            )
        if is_htmx(request) and query.get("cursor"):
            return self._frame.fragment(request, "core/fragments/webhook_rows.html", view)
        return await self._frame.page(request, "core/admin/webhook_log.html", view)

    async def delivery(self, request: Request) -> Response:
        services = services_of(request)
        found, content = await services.webhooks.deliveries.get(request.path_params["id"])
        with use_viewer(self._frame.view(request)):
            view = _delivery_view(services, found, content)
        return await self._frame.page(request, "core/admin/webhook_delivery.html", view)

    async def replay(self, request: Request) -> Response:
        made = await services_of(request).webhooks.deliveries.replay(
            request.path_params["id"], someone(request).id
        )
        return self._frame.go(request, f"{BASE}/log/{made}", message=_("It is followed once more."))

    async def address(self, request: Request) -> Response:
        return await self._address(request)

    async def _address(self, request: Request, *, problem: str = "", status: int = 200) -> Response:
        services, identifier = services_of(request), request.path_params["id"]
        info = services.host.instances.info(identifier)
        found = await services.webhooks.addresses.get(identifier, someone(request).id)
        recent, _more = await services.webhooks.deliveries.log(instance_id=identifier, limit=8)
        with use_viewer(self._frame.view(request)):
            path = f"{BASE}/in/{identifier}"
            facts = [Fact(label=_("Made"), value=found.created_at, kind="age")]
            if found.registered_at is not None:
                facts.append(Fact(label=_("Registered there"), value=found.registered_at, kind="age"))
            view = AddressView(
                title=info.title,
                address=found.url or found.path,
                told=_told(found),
                problem=_(problem) or _no_address(services),
                by_hand=""
                if found.can_register
                else _("Enter this address at the service itself; the portal cannot do that there."),
                facts=tuple(facts),
                actions=_address_actions(path, found),
                danger=(
                    Action(
                        label=_("New address"),
                        path=f"{path}/rotate",
                        method="post",
                        icon="refresh-cw",
                        tone="error",
                        confirm=_("The old address stops working at once. Go on?"),
                    ),
                ),
                rows=tuple(delivery_row(one) for one in recent),
                log=Action(label=_("All of it"), path=_log_path("", identifier), icon="list-checks"),
                path=path,
                state=TileState(
                    kind="empty",
                    title=_("It has told us nothing yet"),
                    text=_("Most services have a button that sends a test message."),
                    icon="webhook",
                ),
            )
        return await self._frame.page(request, "core/admin/webhook_address.html", view, status=status)

    async def rotate(self, request: Request) -> Response:
        found = await services_of(request).webhooks.addresses.rotate(
            request.path_params["id"], someone(request).id
        )
        if found.problem:
            return await self._address(request, problem=found.problem)
        return self._back(request, _("The address is a new one."))

    async def register(self, request: Request) -> Response:
        addresses = services_of(request).webhooks.addresses
        return await self._arranged(
            request, addresses.register, _("The service posts to the portal from now on.")
        )

    async def unregister(self, request: Request) -> Response:
        addresses = services_of(request).webhooks.addresses
        return await self._arranged(request, addresses.unregister, _("The service was told to stop."))

    async def _arranged(
        self, request: Request, arrange: Callable[[str, str | None], Awaitable[object]], message: str
    ) -> Response:
        try:
            await arrange(request.path_params["id"], someone(request).id)
        except UnknownInstance:
            raise
        except MediaNestError as error:
            return await self._address(
                request, problem=str(error), status=self._frame.form_status(request, error)
            )
        return self._back(request, message)

    def _back(self, request: Request, message: str) -> Response:
        return self._frame.go(request, f"{BASE}/in/{request.path_params['id']}", message=message)


def _told(found: Address) -> str:
    if found.registered_at is not None:
        return _("The service was told this address.")
    if found.can_register:
        return _("The portal can tell the service this address by itself.")
    return _("Where this service may post to.")


def _address_actions(path: str, found: Address) -> tuple[Action, ...]:
    if not found.can_register:
        return ()
    register = Action(
        label=_("Register it there"),
        path=f"{path}/register",
        method="post",
        icon="plug",
        disabled=None if found.url else _("The portal does not know its own address."),
    )
    if found.registered_at is None:
        return (register,)
    stop = Action(label=_("Remove it there"), path=f"{path}/unregister", method="post", icon="x")
    return (Action(label=_("Register again"), path=register.path, method="post", icon="plug"), stop)


def _no_address(services: Services) -> str:
    if services.settings.public_url:
        return ""
    return _(
        "The portal does not know its own address. Set MEDIANEST_PUBLIC_URL to one under which the service"
        " reaches it, and start it again."
    )


def _delivery_view(services: Services, found: DeliveryInfo, content: Content | None) -> DeliveryView:
    try:
        service = services.host.instances.info(found.instance_id).title
    except UnknownInstance:
        service = found.instance_id
    facts = [
        Fact(label=_("From"), value=service),
        Fact(label=_("Came"), value=found.received_at, kind="datetime"),
        Fact(label=_("Size"), value=found.size, kind="bytes"),
        Fact(label=_("Means"), value=topic_label(found.topic)),
    ]
    if found.about and found.about != "*":
        facts.append(Fact(label=_("About"), value=found.about))
    if found.keys:
        facts.append(Fact(label=_("Which ones"), value=", ".join(found.keys[:20]), kind="code"))
    if found.processed_at is not None:
        facts.append(Fact(label=_("Followed"), value=found.processed_at, kind="datetime"))
    if found.result:
        facts.append(Fact(label=_("What followed"), value=_(found.result), kind="code"))
    actions = [
        Action(
            label=_("Follow it again"),
            path=f"{BASE}/log/{found.id}/replay",
            method="post",
            icon="rotate-ccw",
        )
    ]
    if found.job_id:
        actions.append(Action(label=_("Job"), path=f"/admin/jobs/{found.job_id}", icon="list-checks"))
    return DeliveryView(
        title=_(found.summary) or topic_label(found.topic),
        badge=delivery_badge(found.status),
        facts=tuple(facts),
        actions=tuple(actions),
        body=content.text if content is not None else "",
        headers="\n".join(f"{name}: {value}" for name, value in sorted(content.headers.items()))
        if content is not None
        else "",
        note=_("It was too large to be kept; only what was understood of it can be followed again.")
        if content is None
        else _("It was empty."),
        back=_log_path("", found.instance_id),
    )


def _log_path(status: str, service: str, cursor: str = "") -> str:
    wanted = {"status": status, "service": service, "cursor": cursor}
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"{BASE}/log?{query}" if query else f"{BASE}/log"
