"""AuthProvider of the kitchen sink, with every ability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from medianest_core.sdk import (
    MOVIE,
    AuthFlow,
    AuthProvider,
    Challenge,
    ChallengeExpired,
    Http,
    Identity,
    NotFound,
    Secret,
    SignInDenied,
    Standing,
    Unsupported,
    WatchlistTitle,
)
from tests.kitchen_sink.service import Facet, SinkSettings


class SinkAuth(Facet, AuthProvider[SinkSettings, Http]):
    title: ClassVar[str] = "Kitchen sink"
    flows: ClassVar[Sequence[AuthFlow]] = (AuthFlow.CODE, AuthFlow.POPUP, AuthFlow.REDIRECT)

    async def begin(self, flow: AuthFlow, *, return_url: str) -> Challenge:
        if flow not in self.flows:
            raise Unsupported("By code, in a window or by going there.")
        attempt = await self.ask("attempt")
        return Challenge(
            {"attempt": attempt},
            300.0,
            attempt if flow is AuthFlow.CODE else None,
            "https://sink.example/link",
        )

    async def complete(self, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
        if form.get("attempt", state.get("attempt")) != state.get("attempt"):
            raise SignInDenied("This answers another attempt.")
        try:
            said = await self.ask("who", attempt=state.get("attempt", ""))
        except NotFound:
            raise ChallengeExpired("Start again.") from None
        if said is None:
            return None
        if not said["welcome"]:
            raise SignInDenied("You may not come in.")
        return Identity(said["id"], said["name"], token=Secret(said["token"]), groups=("cooks",))

    async def refresh(self, token: Secret) -> Secret:
        return Secret(await self.ask("fresh", token=token.reveal()))

    async def revalidate(self, subject: str, token: Secret | None) -> Standing:
        good = await self.ask("good", id=subject, token=token.reveal() if token else None)
        return Standing.VALID if good else Standing.REVOKED

    async def revoke(self, token: Secret) -> None:
        await self.ask("forget", token=token.reveal())

    async def sign_out_url(self, token: Secret | None, *, return_url: str) -> str | None:
        return f"https://sink.example/out?to={return_url}"

    async def groups(self, subject: str) -> Sequence[str]:
        return ["cooks", "guests"] if await self.ask("version") else []

    async def watchlist(self, subject: str, token: Secret) -> Sequence[WatchlistTitle]:
        return [
            WatchlistTitle(MOVIE, {"imdb": one}, f"Film {one}")
            for one in await self.ask("wishes", id=subject)
        ]
