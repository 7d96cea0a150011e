"""Settings and the service type."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import CheckResult, Http, HttpUrl, Secret, ServiceSettings, ServiceType
from medianest_sabnzbd.client import SabnzbdClient


class SabnzbdSettings(ServiceSettings):
    url: HttpUrl = Field(description="Where SABnzbd answers.", examples=["http://192.168.1.20:8080"])
    key: Secret = Field(
        title="API key", description="The full one, under Config → General; the NZB key is not enough."
    )


async def connect(settings: SabnzbdSettings, http: Http) -> SabnzbdClient:
    """The client of one instance; asks nothing yet."""
    return SabnzbdClient(http, settings.key)


async def check(settings: SabnzbdSettings, client: SabnzbdClient) -> CheckResult:
    """The queue proves the key; the version would be told without one."""
    queue = await client.queue()
    return CheckResult("SABnzbd answers.", version=queue.version)


SABNZBD: ServiceType[SabnzbdSettings, SabnzbdClient] = ServiceType(
    "sabnzbd", SabnzbdSettings, title="SABnzbd", icon="download", connect=connect, check=check
)
