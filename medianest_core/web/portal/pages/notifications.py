"""The inbox."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.notify.service import Inbox, Notification
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.pages.shown import read_rows, shown
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Choice,
    Notice,
    NotificationsView,
    Sentinel,
    TileState,
)

AT_ONCE = 30


class NotificationPages:
    """Handlers of the inbox."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/notifications", self.inbox, policy=USER),
            page("/notifications/read", self.read_all, methods=("POST",), policy=USER),
            page("/notifications/{id}/read", self.read, methods=("POST",), policy=USER),
        ]

    async def inbox(self, request: Request) -> Response:
        person, unread_only = someone(request), request.query_params.get("tab") == "unread"
        rendering = self._frame.view(request)
        cursor, again = request.query_params.get("cursor"), shown(request)
        unread = 0

        async def read(cursor: str | None, limit: int) -> Inbox:
            nonlocal unread
            found = await services_of(request).notify.inbox(
                person.id, locale=rendering.locale, unread_only=unread_only, cursor=cursor, limit=limit
            )
            unread = found.unread
            return found

        found, further = await read_rows(read, cursor, max(AT_ONCE, again or 0))
        with use_viewer(rendering):
            tab = "unread" if unread_only else "all"
            following = None
            if further:
                path = f"/notifications?tab={tab}&cursor={further}"
                following = Sentinel(next_path=path, page_path=path)
            state = NORMAL
            if not found:
                state = TileState(
                    kind="empty",
                    title=_("Nothing new"),
                    text=_("When a download is ready or something needs you, it appears here."),
                    icon="bell",
                )
            view = NotificationsView(
                path="/notifications" + ("?tab=unread" if unread_only else ""),
                notices=tuple(_notice(one) for one in found),
                unread=unread,
                tabs=(
                    Choice(label=_("All"), value="all", path="/notifications", current=not unread_only),
                    Choice(
                        label=_("Unread"),
                        value="unread",
                        path="/notifications?tab=unread",
                        current=unread_only,
                        count=unread,
                    ),
                ),
                read_all=Action(
                    label=_("Mark all as read"), path="/notifications/read", method="post", icon="check-check"
                ),
                next=following,
                state=state,
            )
        if is_htmx(request) and cursor:
            return self._frame.fragment(request, "core/fragments/notices.html", view)
        if again is not None:
            return self._frame.fragment(request, "core/fragments/inbox.html", view)
        return await self._frame.page(request, "core/notifications.html", view)

    async def read_all(self, request: Request) -> Response:
        await services_of(request).notify.mark_read(someone(request).id)
        return self._frame.go(request, "/notifications")

    async def read(self, request: Request) -> Response:
        await services_of(request).notify.mark_read(someone(request).id, [request.path_params["id"]])
        return self._frame.go(request, "/notifications")


def _notice(one: Notification) -> Notice:
    return Notice(
        id=one.id,
        title=one.title,
        text=one.body,
        created_at=one.created_at,
        tone=one.tone,  # type: ignore[arg-type]  # the domain uses the same words
        icon=one.icon,
        path=one.link,
        read=one.read_at is not None,
        actions=()
        if one.read_at is not None
        else (
            Action(
                label=_("Mark as read"), path=f"/notifications/{one.id}/read", method="post", icon="check"
            ),
        ),
    )
