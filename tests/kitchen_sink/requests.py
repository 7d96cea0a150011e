"""RequestBackend of the kitchen sink, with every ability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.sdk import (
    MOVIE,
    BackendUser,
    Http,
    Issue,
    NotFound,
    OptionChoice,
    Quota,
    RequestBackend,
    RequestItem,
    RequestOption,
    RequestState,
    RequestStatus,
)
from tests.kitchen_sink.service import Facet, SinkSettings


def state(said: Mapping[str, Any]) -> RequestState:
    return RequestState(
        said["reference"],
        RequestStatus(said["status"]),
        changed_at=said["changed_at"],
        created_at=said["created_at"],
        item=RequestItem(MOVIE, {"imdb": said["imdb"]}, said["title"]),
        user=said["user"],
        user_name=said["user"],
    )


class SinkRequests(Facet, RequestBackend[SinkSettings, Http]):
    def kinds(self) -> frozenset[str]:
        return frozenset({MOVIE})

    async def submit(self, item: RequestItem, user: str) -> RequestState:
        return state(await self.ask("submit", imdb=item.ids["imdb"], title=item.title, user=user))

    async def find(self, item: RequestItem, user: str) -> RequestState | None:
        said = await self.ask("find", imdb=item.ids["imdb"], user=user)
        return state(said) if said else None

    async def state(self, reference: str) -> RequestState:
        try:
            return state(await self.ask("state", reference=reference))
        except NotFound:
            return RequestState(reference, RequestStatus.GONE)

    async def cancel(self, reference: str) -> None:
        await self.ask("cancel", reference=reference)

    async def list(self, since: float) -> Sequence[RequestState]:
        return [state(one) for one in await self.ask("requested", since=since)]

    async def options(self, kind: str, variant: str = "") -> Sequence[RequestOption]:
        choices = (OptionChoice("hd", "HD"), OptionChoice("sd", "SD"))
        return [RequestOption("quality", "Quality", choices, "hd")] if await self.ask("version") else []

    async def approve(self, reference: str) -> RequestState:
        return state(await self.ask("decide", reference=reference, status="approved"))

    async def decline(self, reference: str) -> RequestState:
        return state(await self.ask("decide", reference=reference, status="declined"))

    async def report(self, issue: Issue, user: str) -> str:
        said = await self.ask("complain", kind=issue.kind, message=issue.message, imdb=issue.item.ids["imdb"])
        return str(said)

    async def issues(self) -> Sequence[Issue]:
        return [
            Issue(
                one["kind"],
                one["message"],
                RequestItem(MOVIE, {"imdb": one["imdb"]}, ""),
                one["id"],
                one["open"],
            )
            for one in await self.ask("complaints")
        ]

    async def resolve(self, reference: str) -> None:
        await self.ask("mend", reference=reference)

    async def users(self) -> Sequence[BackendUser]:
        return [BackendUser(one, one.capitalize()) for one in await self.ask("people")]

    async def quota(self, user: str) -> Sequence[Quota]:
        return [Quota("movie", await self.ask("used", user=user), 10, 7)]
