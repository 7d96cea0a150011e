"""Sign-in with a Plex account, by the four characters typed at plex.tv/link or by the sign-in window."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import ClassVar
from urllib.parse import quote, urlencode

from medianest_core.sdk import (
    N_,
    AuthFailed,
    AuthFlow,
    AuthProvider,
    Challenge,
    ChallengeExpired,
    Identity,
    ProviderError,
    Secret,
    SignInDenied,
    Standing,
    Unsupported,
    WatchlistTitle,
)
from medianest_plex.access import Access
from medianest_plex.account import Pin, PlexAccounts
from medianest_plex.client import PlexServer
from medianest_plex.service import PLEX
from medianest_plex.settings import PlexSettings
from medianest_plex.transport import PRODUCT, Device
from medianest_plex.watchlist import Watchlist

ATTEMPT_SECONDS = 300.0
"""An attempt lives no longer than this, however long Plex would keep the code."""
_EXPIRED = N_("The code has expired. Start again to get a new one.")


class PlexAuth(AuthProvider[PlexSettings, PlexServer]):
    service = PLEX
    title: ClassVar[str] = "Plex"
    flows: ClassVar[Sequence[AuthFlow]] = (AuthFlow.CODE, AuthFlow.POPUP)

    async def begin(self, flow: AuthFlow, *, return_url: str) -> Challenge:
        if flow not in self.flows:
            raise Unsupported("Plex signs people in by code or by its own window.")
        device = Device(self.config.device_identifier(self.instance))
        pin = await self._accounts(device).create_pin(strong=flow is AuthFlow.POPUP)
        lifetime = max(1.0, min(pin.expires_in, ATTEMPT_SECONDS))
        state = {"pin": str(pin.id), "device": device.identifier, "expires_at": repr(time.time() + lifetime)}
        if flow is AuthFlow.CODE:
            return Challenge(state, lifetime, code=pin.code, url=str(self.config.link_url))
        return Challenge(state, lifetime, url=self._window(pin, device, return_url))

    async def complete(self, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
        accounts = self._accounts(Device(state.get("device", "")))
        pin_id = state.get("pin", "")
        if not pin_id.isdecimal():
            raise ChallengeExpired(_EXPIRED)
        pin = await accounts.pin(pin_id)
        if pin is None:
            raise ChallengeExpired(_EXPIRED)
        if not pin.auth_token:
            if time.time() >= float(state.get("expires_at", "0")):
                raise ChallengeExpired(_EXPIRED)
            return None
        return await self._admit(accounts, Secret(pin.auth_token))

    async def _admit(self, accounts: PlexAccounts, token: Secret) -> Identity:
        try:
            person = await accounts.person(token)
        except AuthFailed:
            raise ChallengeExpired("Plex took the approval back. Start again.") from None
        found = await self._access(accounts).of(str(person.id), token)
        if found is None:
            # Nobody needs the token of someone who may not come in.
            with suppress(ProviderError):
                await accounts.sign_out(token)
            raise SignInDenied(
                N_(
                    "The Plex account “{name}” has no access to this server. Ask its owner to share it with you in Plex, then sign in again."
                ).format(name=person.name)
            )
        return Identity(
            subject=str(person.id),
            username=person.name,
            email=person.email,
            avatar=person.thumb,
            token=token,
            owner=found.owner,
        )

    async def revalidate(self, subject: str, token: Secret | None) -> Standing:
        accounts = self._accounts(Device(self.config.device_identifier(self.instance)))
        if token is not None:
            try:
                person = await accounts.person(token)
            except AuthFailed:
                return Standing.REVOKED
            if str(person.id) != subject:
                return Standing.REVOKED
        found = await self._access(accounts).of(subject, token)
        return Standing.VALID if found is not None else Standing.REVOKED

    async def revoke(self, token: Secret) -> None:
        await self._accounts(Device(self.config.device_identifier(self.instance))).sign_out(token)

    async def watchlist(self, subject: str, token: Secret) -> Sequence[WatchlistTitle]:
        device = Device(self.config.device_identifier(self.instance))
        return await Watchlist(
            self.http, self.config.discover_base(), device, self.client.ids_elsewhere
        ).titles(token)

    def _accounts(self, device: Device) -> PlexAccounts:
        return PlexAccounts(self.http, self.config.account_base(), device)

    def _access(self, accounts: PlexAccounts) -> Access:
        return Access(self.client, accounts)

    def _window(self, pin: Pin, device: Device, return_url: str) -> str:
        # Everything stands behind the "#", so that it never reaches a server's log.
        values = {
            "clientID": device.identifier,
            "code": pin.code,
            "context[device][product]": PRODUCT,
            "forwardUrl": return_url,
        }
        return f"{self.config.auth_url}#?{urlencode(values, quote_via=quote)}"
