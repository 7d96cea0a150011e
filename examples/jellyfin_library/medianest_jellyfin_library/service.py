"""Settings and the service type."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import CheckResult, Http, HttpUrl, Secret, ServiceSettings, ServiceType
from medianest_jellyfin_library.client import JellyfinClient


class JellyfinSettings(ServiceSettings):
    url: HttpUrl = Field(description="Where Jellyfin answers.", examples=["http://192.168.1.20:8096"])
    key: Secret = Field(title="API key", description="Made under Dashboard → API keys.")


async def connect(settings: JellyfinSettings, http: Http) -> JellyfinClient:
    """The client of one instance; asks nothing yet."""
    return JellyfinClient(http, settings.key)


async def check(settings: JellyfinSettings, client: JellyfinClient) -> CheckResult:
    """The server's own page, which wants the key."""
    about = await client.about()
    return CheckResult(f"{about.server_name} answers.", version=about.version)


JELLYFIN: ServiceType[JellyfinSettings, JellyfinClient] = ServiceType(
    "jellyfin", JellyfinSettings, title="Jellyfin", icon="monitor-play", connect=connect, check=check
)
