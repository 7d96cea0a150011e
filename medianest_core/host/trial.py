"""Tries settings on a temporary instance: connect, check, close. Nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import bounded
from medianest_core.host.declarations import Declarations
from medianest_core.host.guard import translate
from medianest_core.host.instance import CHECK_DEADLINE, Surroundings, make_http, run_check
from medianest_core.sdk.service import CheckResult, ServiceType
from medianest_core.sdk.settings import ServiceSettings
from medianest_core.sdk.status import StatusProvider

if TYPE_CHECKING:
    from medianest_core.base.http import GuardedHttp

_log = get_logger(__name__)


async def try_settings(
    declared: Declarations, service: ServiceType[Any, Any], settings: ServiceSettings, around: Surroundings
) -> CheckResult:
    """What the service's check says, within fifteen seconds each for connecting and checking. Raises the SDK's errors."""
    http = make_http(around.http, around.policy, settings)
    client: Any = None
    try:
        client = await bounded(service.connect(settings, http), CHECK_DEADLINE) if service.connect else http
        status = _status(declared, service, settings, http, client)
        return await bounded(run_check(declared.plugin, service, settings, client, status), CHECK_DEADLINE)
    except Exception as error:
        translated = translate(error, "check")
        if translated is not error:
            _log.warning("connection test failed", plugin=declared.plugin, exc_info=error)
        raise translated from error
    finally:
        await _close(declared, service, client)
        await http.aclose()


def _status(
    declared: Declarations,
    service: ServiceType[Any, Any],
    settings: ServiceSettings,
    http: GuardedHttp,
    client: Any,
) -> StatusProvider[Any, Any] | None:
    found = declared.of_service(service.name).get(StatusProvider)
    return cast(StatusProvider[Any, Any], found("", settings, http, client)) if found else None


async def _close(declared: Declarations, service: ServiceType[Any, Any], client: Any) -> None:
    if client is None or service.close is None:
        return
    try:
        await bounded(service.close(client), 5.0)
    except Exception as error:
        _log.warning("closing failed", plugin=declared.plugin, exc_info=error)
