"""Checks: pages, ports and certificates, watched by the portal itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from medianest_core.builtin.checks.settings import CertificateSettings, HttpSettings, PortSettings
from medianest_core.sdk import (
    N_,
    CheckResult,
    Http,
    Manifest,
    ServiceType,
    Snapshot,
    StatusProvider,
    StatusProviders,
    hookimpl,
)

manifest = Manifest(
    "checks",
    title=N_("Checks"),
    api="1.0",
    description=N_(
        "Watches addresses by itself: pages and words on them, ports, and certificates that run out."
    ),
    icon="activity",
)


async def _connect_http(config: HttpSettings, http: Http) -> Any:
    # The network code is loaded with the first check, not by every start.
    from medianest_core.builtin.checks import checker, probes

    return checker.Checker(config, http, probes.page)


async def _connect_tcp(config: PortSettings, http: Http) -> Any:
    from medianest_core.builtin.checks import checker, probes

    return checker.Checker(config, http, probes.port)


async def _connect_tls(config: CertificateSettings, http: Http) -> Any:
    from medianest_core.builtin.checks import checker, probes

    return checker.Checker(config, http, probes.certificate)


async def _check(config: Any, client: Any) -> CheckResult:
    result: CheckResult = await client.check()
    return result


HTTP: ServiceType[HttpSettings, Any] = ServiceType(
    "http",
    HttpSettings,
    title=N_("Web page"),
    icon="globe",
    description=N_("Asks for a page again and again, and looks at its status and at words on it."),
    connect=_connect_http,
    check=_check,
)
TCP: ServiceType[PortSettings, Any] = ServiceType(
    "tcp",
    PortSettings,
    title=N_("Port"),
    icon="plug",
    description=N_("Connects to a port again and again."),
    connect=_connect_tcp,
    check=_check,
)
TLS: ServiceType[CertificateSettings, Any] = ServiceType(
    "tls",
    CertificateSettings,
    title=N_("Certificate"),
    icon="lock",
    description=N_("Watches until when a certificate is valid."),
    connect=_connect_tls,
    check=_check,
)


class _Checked(StatusProvider[Any, Any]):
    own_row = False

    async def snapshot(self) -> Snapshot:
        found: Snapshot = await self.client.snapshot()
        return found

    async def watch(self) -> AsyncIterator[Snapshot]:
        async for found in self.client.watch():
            yield found


class HttpStatus(_Checked):
    service = HTTP


class TcpStatus(_Checked):
    service = TCP


class TlsStatus(_Checked):
    service = TLS


@hookimpl
def register_status_providers() -> StatusProviders:
    return [HttpStatus, TcpStatus, TlsStatus]
