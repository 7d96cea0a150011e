"""What is watched: monitors, and how they are written down for a signed-in page."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from medianest_uptimekuma.models import DOWN, MAINTENANCE, PENDING, UP
from medianest_uptimekuma.simulation.profile import Profile

DAY = 86400.0


class Beat(NamedTuple):
    """One check. at: epoch seconds. ping: milliseconds, None where nothing answered."""

    id: int
    status: int
    msg: str
    at: float
    ping: int | None
    important: bool
    duration: int
    retries: int


@dataclass
class Monitor:
    """trouble: what is wrong with the thing itself now, None while it works. history: checks made before the start."""

    id: int
    name: str
    type: str = "http"
    url: str | None = None
    hostname: str | None = None
    port: int | None = None
    parent: int | None = None
    active: bool = True
    interval: int = 60
    retry_interval: int = 60
    maxretries: int = 0
    weight: int = 2000
    description: str | None = None
    pace: int = 40
    certificate_days: int | None = None
    trouble: str | None = None
    push_token: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    next_at: float = 0.0
    retries: int = 0
    last_down: float | None = None
    _beats: list[Beat] | None = None

    def beats(self, history: Callable[[Monitor], list[Beat]]) -> list[Beat]:
        """All checks, oldest first; those before the start are made up when first asked for."""
        if self._beats is None:
            self._beats = history(self)
        return self._beats

    def settled(self, beats: list[Beat]) -> int | None:
        """Its last status, None before the first check."""
        return beats[-1].status if beats else None


def made_up(monitor: Monitor, count: int, now: float, first_id: int, seed: int) -> list[Beat]:
    """`count` past checks of a monitor that mostly worked."""
    chance = random.Random(seed * 7919 + monitor.id)
    beats: list[Beat] = []
    previous: int | None = None
    for index in range(count):
        at = now - (count - index) * monitor.interval + chance.random()
        broken = chance.random() < 0.004 and index < count - 1
        status = DOWN if broken else UP
        ping = (
            None
            if broken or monitor.type == "group"
            else max(1, round(chance.gauss(monitor.pace, monitor.pace / 8)))
        )
        msg = "timeout of 48000ms exceeded" if broken else working(monitor)
        beats.append(
            Beat(first_id + index, status, msg, at, ping, important(previous, status), monitor.interval, 0)
        )
        previous = status
    return beats


def working(monitor: Monitor) -> str:
    """What a check says when all is well."""
    return {"push": "OK", "ping": "", "port": "", "group": "All children up and running"}.get(
        monitor.type, "200 - OK"
    )


def important(previous: int | None, status: int) -> bool:
    """Whether a change is one that Uptime Kuma keeps for its list of events."""
    if previous is None:
        return True
    if previous == status:
        return False
    return MAINTENANCE in (previous, status) or (previous, status) in (
        (UP, DOWN),
        (DOWN, UP),
        (PENDING, DOWN),
    )


def notified(previous: int | None, status: int) -> bool:
    """Whether people are told of the change."""
    if previous is None:
        return status == DOWN
    return important(previous, status) and status != MAINTENANCE and (previous, status) != (MAINTENANCE, UP)


def document(
    monitor: Monitor, profile: Profile, path: list[str], children: list[int], *, maintenance: bool
) -> dict[str, Any]:
    """The monitor as a signed-in page is told; a hundred keys in the real one, of which these matter to clients."""
    body: dict[str, Any] = {
        "id": monitor.id,
        "name": monitor.name,
        "description": monitor.description,
        "pathName": " / ".join(path),
        "parent": monitor.parent,
        "childrenIDs": children,
        "url": monitor.url or ("https://" if monitor.type != "push" else None),
        "method": "GET",
        "hostname": monitor.hostname,
        "port": monitor.port,
        "maxretries": monitor.maxretries,
        "weight": monitor.weight,
        "active": monitor.active,
        "forceInactive": False,
        "type": monitor.type,
        "timeout": 48,
        "interval": monitor.interval,
        "retryInterval": monitor.retry_interval,
        "resendInterval": 0,
        "keyword": None,
        "invertKeyword": False,
        "expiryNotification": False,
        "ignoreTls": False,
        "upsideDown": False,
        "packetSize": 56,
        "maxredirects": 10,
        "accepted_statuscodes": ["200-299"],
        "dns_resolve_type": "A",
        "dns_resolve_server": "1.1.1.1",
        "dns_last_result": None,
        "docker_container": "",
        "docker_host": None,
        "proxyId": None,
        "notificationIDList": {},
        "tags": [],
        "maintenance": maintenance,
        "mqttTopic": "",
        "mqttSuccessMessage": "",
        "databaseQuery": None,
        "authMethod": None,
        "grpcUrl": None,
        "grpcProtobuf": None,
        "grpcMethod": None,
        "grpcServiceName": None,
        "grpcEnableTls": False,
        "radiusCalledStationId": None,
        "radiusCallingStationId": None,
        "game": None,
        "gamedigGivenPortOnly": True,
        "httpBodyEncoding": None,
        "jsonPath": None,
        "expectedValue": None,
        "kafkaProducerTopic": None,
        "kafkaProducerBrokers": [],
        "kafkaProducerSsl": False,
        "kafkaProducerAllowAutoTopicCreation": False,
        "kafkaProducerMessage": None,
        "screenshot": None,
        "headers": None,
        "body": None,
        "grpcBody": None,
        "grpcMetadata": None,
        "basic_auth_user": None,
        "basic_auth_pass": None,
        "oauth_client_id": None,
        "oauth_client_secret": None,
        "oauth_token_url": None,
        "oauth_scopes": None,
        "oauth_auth_method": "client_secret_basic",
        "pushToken": monitor.push_token,
        "databaseConnectionString": None,
        "radiusUsername": None,
        "radiusPassword": None,
        "radiusSecret": None,
        "mqttUsername": "",
        "mqttPassword": "",
        "authWorkstation": None,
        "authDomain": None,
        "tlsCa": None,
        "tlsCert": None,
        "tlsKey": None,
        "kafkaProducerSaslOptions": {"mechanism": "None"},
        "includeSensitiveData": True,
    }
    if profile.second:
        body |= {"path": path, "conditions": [], "system_service_name": None, "expiryNotification": True}
    return body | {key: value for key, value in monitor.extra.items() if key not in ("id", "active")}
