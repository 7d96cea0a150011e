"""What Seerr answers, read tolerantly: unknown fields are ignored, missing ones have a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medianest_core.sdk import InvalidResponse

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
    row = _object(reply)
    version = row.get("version")
    if not isinstance(version, str):
        raise InvalidResponse("The address answers, but not like Overseerr or Seerr.")
    return Status(version, bool(row.get("updateAvailable")), bool(row.get("restartRequired")))


def account(reply: Any) -> Account:
    """Raises InvalidResponse."""
    row = _object(reply)
    number, permissions = row.get("id"), row.get("permissions")
    if not isinstance(number, int) or not isinstance(permissions, int):
        raise InvalidResponse("The address answers, but not like Overseerr or Seerr.")
    name = next(
        (str(row[key]) for key in ("displayName", "username", "plexUsername", "email") if row.get(key)),
        "owner",
    )
    return Account(number, name, bool(permissions & _ADMIN))


def product(reply: Any) -> Product:
    """Only Seerr and Jellyseerr tell which media server they are bound to. Raises InvalidResponse."""
    row = _object(reply)
    server = row.get("mediaServerType")
    title = row.get("applicationTitle")
    return Product(
        name="Overseerr" if server is None else "Seerr",
        title=title if isinstance(title, str) else "",
        media_server=_MEDIA_SERVERS.get(server) if isinstance(server, int) else None,
    )


def _object(reply: Any) -> Mapping[str, Any]:
    if not isinstance(reply, dict):
        raise InvalidResponse("The address answers, but not like Overseerr or Seerr.")
    return reply
