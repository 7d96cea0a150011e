"""The inbox of the person who asks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.notify.service import Inbox
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource

notifications = Resource("notifications", "/notifications")


class Read(BaseModel):
    """ids: left out, all of them."""

    model_config = ConfigDict(extra="forbid")

    ids: list[str] | None = Field(None, max_length=500)


class Unread(BaseModel):
    unread: int


@notifications.get(policy=USER)
async def list_notifications(
    request: Request, unread: bool = False, cursor: Cursor = None, limit: Limit = 30
) -> Inbox:
    """Newest first, in your language."""
    viewer = someone(request)
    return await services_of(request).notify.inbox(
        viewer.id, locale=viewer.locale, unread_only=unread, cursor=cursor, limit=limit
    )


@notifications.post("/read", policy=USER)
async def mark_read(request: Request, body: Read) -> Unread:
    return Unread(unread=await services_of(request).notify.mark_read(someone(request).id, body.ids))
