"""Who may use our server. A Plex account alone proves nothing about that.

The rule: the person is the one whose token is configured; or that account shares our server with them; or Plex gives them a
token for our server and the server itself lets it in. The last covers servers whose owner's account is not configured. The
person's own list of servers is never enough: anybody can run a server that claims our identifier.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from medianest_core.sdk import AuthFailed, NotReady, Rejected, Secret
from medianest_plex.account import PlexAccounts
from medianest_plex.client import PlexServer


@dataclass(frozen=True, slots=True)
class Membership:
    """A person who may use the server. owner: the one whose token is configured here."""

    owner: bool = False


class Access:
    """Looks at `server` and asks the account service."""

    def __init__(self, server: PlexServer, accounts: PlexAccounts) -> None:
        self._server = server
        self._accounts = accounts

    async def of(self, subject: str, token: Secret | None) -> Membership | None:
        """The membership of the account with the id `subject`, None for a stranger.

        token: of that person. Outages raise, also where it cannot be told for want of a token.
        """
        machine = await self._server.machine_identifier()
        try:
            configured = await self._accounts.person(self._server.token)
        except AuthFailed:
            # The configured token is the server's own, which the account service does not know.
            return await self._by_server(machine, token)
        if str(configured.id) == subject:
            return Membership(owner=True)
        if (await self._accounts.sharing(self._server.token)).allows(subject, machine):
            return Membership()
        ours = await self._accounts.server(self._server.token, machine)
        if ours is not None and ours.owned:
            return None
        # The configured account does not own the server, so its list says nothing about others.
        return await self._by_server(machine, token)

    async def _by_server(self, machine: str, token: Secret | None) -> Membership | None:
        if token is None:
            raise NotReady("Plex cannot be asked about this account without its token.")
        found = await self._accounts.server(token, machine)
        if found is None or not found.access_token:
            return None
        if hmac.compare_digest(found.access_token.encode(), self._server.token.reveal().encode()):
            return Membership(owner=found.owned)
        if not await self._server.accepts(Secret(found.access_token)):
            raise NotReady("The Plex server does not confirm that this account may use it.")
        if await self._server.accepts(Secret(secrets.token_urlsafe(15))):
            raise Rejected(
                "This Plex server lets in any token from our address, so access cannot be checked. An admin should "
                "enter the token of the server's owner, or change the networks that Plex allows without sign-in."
            )
        return Membership()
