"""What Radarr and Sonarr answer. Properties that are null are left out by them, so every one may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medianest_core.sdk import InvalidResponse

_STRANGE = "The address answers, but not like Radarr or Sonarr."


@dataclass(frozen=True, slots=True)
class System:
    """`GET /system/status`. app: "Radarr" or "Sonarr". name: what the owner calls it."""

    app: str
    name: str
    version: str
    database: str
    url_base: str
    branch: str


@dataclass(frozen=True, slots=True)
class HealthNote:
    """One entry of `GET /health`. kind: ok, notice, warning or error."""

    source: str
    kind: str
    message: str


def system(reply: Any) -> System:
    """Raises InvalidResponse."""
    if not isinstance(reply, dict) or not isinstance(reply.get("appName"), str):
        raise InvalidResponse(_STRANGE)
    return System(
        app=reply["appName"],
        name=_text(reply, "instanceName") or reply["appName"],
        version=_text(reply, "version"),
        database=_text(reply, "databaseType"),
        url_base=_text(reply, "urlBase"),
        branch=_text(reply, "branch"),
    )


def health(reply: Any) -> Sequence[HealthNote]:
    """Raises InvalidResponse."""
    if not isinstance(reply, list):
        raise InvalidResponse(_STRANGE)
    return [
        HealthNote(_text(row, "source"), _text(row, "type") or "notice", _text(row, "message"))
        for row in reply
        if isinstance(row, dict)
    ]


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""
