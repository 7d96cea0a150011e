"""Settings and the service type."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import CheckResult, Http, HttpUrl, Secret, ServiceSettings, ServiceType
from medianest_omdb.client import OmdbClient

KNOWN = "tt0133093"


class OmdbSettings(ServiceSettings):
    url: HttpUrl = Field(
        HttpUrl("https://www.omdbapi.com"),
        description="Where OMDb answers.",
        json_schema_extra={"advanced": True},
    )
    key: Secret = Field(
        title="API key", description="OMDb sends one by e-mail; the free one is good for 1,000 calls a day."
    )


async def connect(settings: OmdbSettings, http: Http) -> OmdbClient:
    """The client of one instance; asks nothing yet."""
    return OmdbClient(http, settings.key)


async def check(settings: OmdbSettings, client: OmdbClient) -> CheckResult:
    """One call of the thousand."""
    await client.title(KNOWN)
    return CheckResult("OMDb answers.")


OMDB: ServiceType[OmdbSettings, OmdbClient] = ServiceType(
    "omdb", OmdbSettings, title="OMDb", icon="database", connect=connect, check=check
)
