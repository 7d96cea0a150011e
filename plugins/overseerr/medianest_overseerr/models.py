"""What Seerr answers about itself and its people, read tolerantly: unknown fields are ignored, missing ones have a meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from medianest_core.sdk import BackendUser, InvalidResponse, Quota
from medianest_overseerr import reading
from medianest_overseerr.reading import Row

_ADMIN = 2
_MEDIA_SERVERS = {1: "Plex", 2: "Jellyfin", 3: "Emby"}


@dataclass(frozen=True, slots=True)
class Status:
    """`GET /status`."""

    version: str
    update_available: bool
    restart_required: bool


@dataclass(frozen=True, slots=True)
class Account:
    """`GET /auth/me`: whom the API key acts as."""

    id: int
    name: str
    is_admin: bool


@dataclass(frozen=True, slots=True)
class Product:
    """`GET /settings/public`: which of the relatives it is, and the media server it is bound to."""

    name: str
    title: str
    media_server: str | None


def status(reply: Any) -> Status:
    """Raises InvalidResponse."""
    row = reading.row(reply)
    version = row.get("version")
    if not isinstance(version, str):
        raise InvalidResponse("The address answers, but not like Overseerr or Seerr.")
    return Status(version, bool(row.get("updateAvailable")), bool(row.get("restartRequired")))


def account(reply: Any) -> Account:
    """Raises InvalidResponse."""
    row = reading.row(reply)
    identifier, permissions = reading.whole(row, "id"), reading.whole(row, "permissions")
    if identifier is None or permissions is None:
        raise InvalidResponse("The address answers, but not like Overseerr or Seerr.")
    return Account(identifier, reading.name(row) or "owner", bool(permissions & _ADMIN))


def product(reply: Any) -> Product:
    """Only Seerr and Jellyseerr tell which media server they are bound to. Raises InvalidResponse."""
    row = reading.row(reply)
    server = row.get("mediaServerType")
    return Product(
        name="Overseerr" if server is None else "Seerr",
        title=reading.text(row, "applicationTitle"),
        media_server=_MEDIA_SERVERS.get(server) if isinstance(server, int) else None,
    )


def person(row: Row) -> BackendUser | None:
    """A row of `GET /user`; None where it has no id. People of Plex and Jellyfin are told by their ids there."""
    identifier = reading.whole(row, "id")
    if identifier is None:
        return None
    plex, jellyfin = reading.whole(row, "plexId"), reading.text(row, "jellyfinUserId")
    identities = {"plex": str(plex)} if plex else {}
    if jellyfin:
        identities["jellyfin"] = jellyfin
    return BackendUser(
        str(identifier), reading.name(row) or str(identifier), reading.text(row, "email") or None, identities
    )


def quotas(reply: Any) -> list[Quota]:
    """`GET /user/{id}/quota`: films by title, series by season. Raises InvalidResponse."""
    row = reading.row(reply)
    return [
        Quota(
            kind,
            used=reading.whole(found, "used") or 0,
            limit=reading.whole(found, "limit") or None,
            window_days=(reading.whole(found, "days") or None) if reading.whole(found, "limit") else None,
        )
        for kind, name in (("movie", "movie"), ("season", "tv"))
        for found in [reading.part(row, name)]
    ]
