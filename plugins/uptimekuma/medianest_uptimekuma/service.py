"""The service type "kuma": how an instance is connected, read and tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medianest_core.sdk import N_, CheckResult, Http, ServiceType
from medianest_uptimekuma.client import KumaClient
from medianest_uptimekuma.models import Reading, counts
from medianest_uptimekuma.settings import KumaSettings, is_code

if TYPE_CHECKING:
    from medianest_uptimekuma.session import Session


async def connect(settings: KumaSettings, http: Http) -> KumaClient:
    """The client of one instance; asks nothing yet."""
    return KumaClient(http, _session(settings, http) if settings.signs_in else None)


def _session(settings: KumaSettings, http: Http) -> Session:
    # Its libraries take long to import.
    from medianest_uptimekuma.session import Session
    from medianest_uptimekuma.sign_in import Credentials

    return Session(http, Credentials.of(settings), verify_tls=settings.verify_tls)


async def close(client: KumaClient) -> None:
    await client.close()


async def check(settings: KumaSettings, client: KumaClient) -> CheckResult:
    """Each way in that is filled in must work."""
    details: dict[str, str] = {}
    warnings: list[str] = []
    version = None
    readings: list[Reading] = []
    if settings.status_page:
        readings = await client.status_page(settings.status_page)
        details[N_("Status page")] = _count(readings)
    if settings.api_key:
        readings = await client.metrics(settings.api_key)
        details[N_("API key")] = _count(readings)
    if client.session is not None:
        board = await client.session.board()
        readings, version = board.readings(), board.version
        details[N_("Sign-in")] = _count(readings)
        if settings.second_factor and is_code(settings.second_factor):
            warnings.append(
                N_(
                    "The code of six digits was good for this once. Enter the secret key of the second factor, or Uptime"
                    " Kuma will not let the portal in after a restart."
                )
            )
    if not readings:
        warnings.append(N_("It shows no monitor yet."))
    many, down = counts(readings)
    message = N_("Uptime Kuma answers. Monitors: {count}, down: {down}.").format(count=many, down=down)
    return CheckResult(message, version=version, details=details, warnings=tuple(warnings))


def _count(readings: list[Reading]) -> str:
    return N_("Monitors: {count}").format(count=len(readings))


KUMA = ServiceType(
    "kuma",
    KumaSettings,
    title="Uptime Kuma",
    icon="activity",
    description=N_("Watches services and says which are up."),
    connect=connect,
    check=check,
    close=close,
)
