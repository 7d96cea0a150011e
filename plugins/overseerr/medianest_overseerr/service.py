"""The service type "seerr": how an instance is connected and tested."""

from __future__ import annotations

from medianest_core.sdk import N_, CheckResult, Http, ServiceType
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
        warnings.append(
            N_("The API key's account is no administrator there: approving requests will not work.")
        )
    if status.restart_required:
        warnings.append(N_("It waits to be restarted for changed settings."))
    details = {N_("Product"): product.name, N_("Acts as"): account.name}
    if product.media_server:
        details[N_("Media server")] = product.media_server
    if status.update_available:
        details[N_("Update")] = N_("available")
    return CheckResult(
        message=N_("{product} {version}, acting as {name}").format(
            product=product.name, version=status.version, name=account.name
        ),
        version=status.version,
        details=details,
        warnings=tuple(warnings),
    )


SEERR = ServiceType(
    "seerr",
    SeerrSettings,
    title=N_("Overseerr or Seerr"),
    icon="inbox",
    description=N_("Requests for films and series. Works with Overseerr, Jellyseerr and Seerr."),
    connect=connect,
    check=check,
)
