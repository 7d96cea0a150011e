"""The service type "seerr": how an instance is connected and tested."""

from __future__ import annotations

from medianest_core.sdk import CheckResult, Http, ServiceType
from medianest_overseerr.client import SeerrClient
from medianest_overseerr.settings import SeerrSettings


async def connect(settings: SeerrSettings, http: Http) -> SeerrClient:
    """The client of one instance; asks nothing yet."""
    return SeerrClient(http, settings.api_key)


async def check(settings: SeerrSettings, client: SeerrClient) -> CheckResult:
    """The key first, because the rest answers anyone."""
    account = await client.account()
    status = await client.status()
    product = await client.product()
    warnings = []
    if not account.is_admin:
        warnings.append("The API key's account is no administrator there: approving requests will not work.")
    if status.restart_required:
        warnings.append("It waits to be restarted for changed settings.")
    details = {"Product": product.name, "Acts as": account.name}
    if product.media_server:
        details["Media server"] = product.media_server
    if status.update_available:
        details["Update"] = "available"
    return CheckResult(
        message=f"{product.name} {status.version}, acting as {account.name}",
        version=status.version,
        details=details,
        warnings=tuple(warnings),
    )


SEERR = ServiceType(
    "seerr",
    SeerrSettings,
    title="Overseerr or Seerr",
    icon="inbox",
    description="Requests for films and series. Works with Overseerr, Jellyseerr and Seerr.",
    connect=connect,
    check=check,
)
