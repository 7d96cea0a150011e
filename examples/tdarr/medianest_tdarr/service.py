"""Settings and the service type."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import CheckResult, Http, HttpUrl, Secret, ServiceSettings, ServiceType
from medianest_tdarr.client import TdarrClient


class TdarrSettings(ServiceSettings):
    url: HttpUrl = Field(
        description="Where the server answers; not its web page.", examples=["http://192.168.1.20:8266"]
    )
    key: Secret = Field(Secret(""), title="API key", description="Where signing in is switched on.")


async def connect(settings: TdarrSettings, http: Http) -> TdarrClient:
    """The client of one instance; asks nothing yet."""
    return TdarrClient(http, settings.key)


async def check(settings: TdarrSettings, client: TdarrClient) -> CheckResult:
    """Version and nodes; the latter need the key."""
    about, nodes = await client.about(), await client.nodes()
    return CheckResult(f"Tdarr answers, with {len(nodes)} nodes.", version=about.version or None)


TDARR: ServiceType[TdarrSettings, TdarrClient] = ServiceType(
    "tdarr", TdarrSettings, title="Tdarr", icon="cpu", connect=connect, check=check
)
