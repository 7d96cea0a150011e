"""Service types, and the base of every provider.

A plugin declares service types; an *instance* is one configured service type. The instance owns settings, secrets, one HTTP
client, the object that `connect` made, state, breaker and health. Providers are facets of an instance.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic

from typing_extensions import TypeVar

from medianest_core.sdk.http import Http
from medianest_core.sdk.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings, covariant=True, default=ServiceSettings)
C = TypeVar("C", default=Http, covariant=True)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What "Test connection" shows.

    message: one sentence for the admin. version: of the service, if it tells. details: short facts, shown as a list.
    warnings: things that work less well than they could, with what to do.
    """

    message: str
    version: str | None = None
    details: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceType(Generic[S, C]):
    """A kind of service that can be configured any number of times.

    name: unique within the plugin; instances are addressed as (plugin, service, instance).
    settings: the model of its settings.
    connect: makes the client object once per instance; default: the HTTP client itself. No I/O is needed here.
    check: the cheapest call that proves address and credentials; raises ProviderError. Default: the first StatusProvider's
        snapshot.
    close: called when the instance is shut down.
    """

    name: str
    settings: type[S]
    title: str = ""
    icon: str = "server"
    description: str = ""
    connect: Callable[[S, Http], Awaitable[C]] | None = None
    check: Callable[[S, C], Awaitable[CheckResult]] | None = None
    close: Callable[[C], Awaitable[None]] | None = None


class Provider(ABC, Generic[S, C]):
    """A facet of one instance. The core makes it and sets these attributes before any call.

    instance: the instance's id, stable for its life.
    config: its validated settings. http: its guarded HTTP client. client: what `connect` returned, else `http`.
    """

    service: ServiceType[S, C]
    instance: str
    config: S
    http: Http
    client: C

    def __init__(self, instance: str, config: S, http: Http, client: C) -> None:
        self.instance = instance
        self.config = config
        self.http = http
        self.client = client
