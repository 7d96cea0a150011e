"""Plex's account service: PINs, accounts, who may use which server. Works with any `Http`, also in a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from medianest_core.sdk import N_, AuthFailed, Http, InvalidResponse, NotFound, Response, Secret
from medianest_plex.transport import ACCOUNT, Device, checked, parsed


class Pin(msgspec.Struct, rename="camel"):
    """A code to be approved by a person. expires_in: seconds. auth_token: there once it is approved."""

    id: int
    code: str
    expires_in: float = 900.0
    auth_token: str | None = None


class Person(msgspec.Struct, rename="camel"):
    """A Plex account."""

    id: int
    username: str | None = None
    title: str | None = None
    friendly_name: str | None = None
    email: str | None = None
    thumb: str | None = None

    @property
    def name(self) -> str:
        """The name to show; managed accounts have only a title."""
        return self.username or self.title or self.friendly_name or f"Plex {self.id}"


class Resource(msgspec.Struct, rename="camel"):
    """A device that an account can reach. access_token: for that server only."""

    client_identifier: str = ""
    name: str = ""
    provides: str = ""
    owned: bool = False
    access_token: str | None = None

    @property
    def is_server(self) -> bool:
        return "server" in self.provides.split(",")


@dataclass(frozen=True, slots=True)
class Sharing:
    """With whom the servers of an account are shared: account id → machine identifiers."""

    servers: Mapping[str, frozenset[str]]

    def allows(self, subject: str, machine: str) -> bool:
        return machine in self.servers.get(subject, frozenset())


_pin = msgspec.json.Decoder(Pin, strict=False).decode
_person = msgspec.json.Decoder(Person, strict=False).decode
_resources = msgspec.json.Decoder(list[Resource], strict=False).decode


class PlexAccounts:
    """Calls to the account service at `base` (no trailing slash) as `device`."""

    def __init__(self, http: Http, base: str, device: Device) -> None:
        self._http = http
        self._base = base
        self._device = device

    async def _send(self, method: str, path: str, token: Secret | None = None, **options: Any) -> Response:
        headers = self._device.headers(token)
        response = await self._http.request(method, f"{self._base}{path}", headers=headers, **options)
        return checked(response, ACCOUNT)

    async def create_pin(self, *, strong: bool) -> Pin:
        """A new PIN: four characters to type, or with `strong` a long code for the sign-in window."""
        response = await self._send("POST", "/api/v2/pins", params={"strong": "true"} if strong else None)
        return parsed(response.content, _pin, ACCOUNT)

    async def pin(self, pin_id: str) -> Pin | None:
        """The PIN, or None where it expired, is unknown, or belongs to another device."""
        try:
            response = await self._send("GET", f"/api/v2/pins/{pin_id}")
        except NotFound:
            return None
        return parsed(response.content, _pin, ACCOUNT)

    async def person(self, token: Secret) -> Person:
        """Whose token this is. AuthFailed where the token is no good; nothing else says so."""
        return parsed((await self._send("GET", "/api/v2/user", token)).content, _person, ACCOUNT)

    async def resources(self, token: Secret) -> list[Resource]:
        """The servers that the token's account can reach."""
        params = {"includeHttps": 1, "includeRelay": 1, "includeIPv6": 1}
        response = await self._send("GET", "/api/v2/resources", token, params=params)
        return [found for found in parsed(response.content, _resources, ACCOUNT) if found.is_server]

    async def server(self, token: Secret, machine: str) -> Resource | None:
        """The server with that machine identifier, if the token's account can reach it."""
        return next((r for r in await self.resources(token) if r.client_identifier == machine), None)

    async def sharing(self, token: Secret) -> Sharing:
        """With whom the account's servers are shared. Raises InvalidResponse for a list that is not whole."""
        response = await self._send("GET", "/api/users", token)
        return read_sharing(response.content)

    async def sign_out(self, token: Secret) -> None:
        """Make the service forget the token; one that is forgotten already is fine."""
        try:
            await self._send("DELETE", "/api/v2/users/signout", token)
        except AuthFailed:
            return


def read_sharing(content: bytes) -> Sharing:
    """The account service's list of people. Raises InvalidResponse for one that is not whole."""
    from xml.etree import ElementTree

    # The list exists as XML only. Without a document type there are no entities to expand.
    if b"<!DOCTYPE" in content:
        raise InvalidResponse(
            N_("{who} answered with something that cannot be understood.").format(who=ACCOUNT)
        )
    try:
        root = ElementTree.fromstring(content)  # noqa: S314
    except ElementTree.ParseError as error:
        raise InvalidResponse(
            N_("{who} answered with something that cannot be understood.").format(who=ACCOUNT)
        ) from error
    if root.tag != "MediaContainer":
        raise InvalidResponse(
            N_("{who} answered with something else than the list of people.").format(who=ACCOUNT)
        )
    people = root.findall("User")
    promised = root.get("totalSize") or root.get("size") or ""
    if promised.isdecimal() and int(promised) > len(people):
        raise InvalidResponse(
            N_("{who} answered with only a part of the list of people.").format(who=ACCOUNT)
        )
    return Sharing(
        {
            person.get("id", ""): frozenset(
                server.get("machineIdentifier", "")
                for server in person.findall("Server")
                # An invitation that was not accepted yet gives no access.
                if server.get("pending", "0") not in ("1", "true")
            )
            for person in people
        }
    )
