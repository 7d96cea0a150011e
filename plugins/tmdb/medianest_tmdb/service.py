"""The service type "tmdb": how an instance is connected and tested."""

from __future__ import annotations

from medianest_core.sdk import N_, CheckResult, Http, ServiceType
from medianest_tmdb.client import TmdbClient
from medianest_tmdb.settings import TmdbSettings


async def connect(settings: TmdbSettings, http: Http) -> TmdbClient:
    """The client of one instance; asks nothing yet."""
    return TmdbClient(http, settings.access_token)


async def check(settings: TmdbSettings, client: TmdbClient) -> CheckResult:
    """The token, then one real read."""
    await client.authenticate()
    sizes = await client.image_sizes()
    return CheckResult(
        N_("TMDB accepts the token."),
        details={N_("Language"): settings.language, N_("Poster sizes"): str(sizes)},
    )


TMDB = ServiceType(
    "tmdb",
    TmdbSettings,
    title="TMDB",
    icon="database",
    description=N_(
        "Titles, descriptions and artwork. This product uses the TMDB API but is not endorsed or certified by TMDB."
    ),
    connect=connect,
    check=check,
)
