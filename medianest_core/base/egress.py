"""Where outbound connections may go: the hosts of one instance, at addresses that were checked.

A name is resolved once, every address it has is judged, and the connection is made to an address that passed: what the name
resolves to a moment later no longer matters. Loopback, private, link-local and metadata addresses are refused unless an admin
entered exactly that host and port.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import EgressDenied, NotReady
from medianest_core.sdk.settings import ServiceSettings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254")
)
_LEGACY_IPV4 = re.compile(r"(0[xX][0-9a-fA-F]*|\d+)(\.(0[xX][0-9a-fA-F]*|\d+)){0,3}")
_HOST = re.compile(r"[a-z0-9._:-]{1,253}")
_DEFAULT_PORTS = (80, 443)
# A resolver that hangs must not take the threads that everything else shares.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


class Zone(StrEnum):
    """What kind of place an address is."""

    PUBLIC = "public"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    LINK_LOCAL = "link-local"
    METADATA = "metadata"
    UNUSABLE = "unusable"


def zone_of(address: Address) -> Zone:
    """The kind of place; an IPv4 address carried inside an IPv6 one is judged as what it is."""
    if isinstance(address, ipaddress.IPv6Address) and (inner := _carried(address)) is not None:
        return zone_of(inner)
    if address in _METADATA:
        return Zone.METADATA
    if address.is_unspecified or address.is_multicast:
        return Zone.UNUSABLE
    if address.is_loopback:
        return Zone.LOOPBACK
    if address.is_link_local:
        return Zone.LINK_LOCAL
    if isinstance(address, ipaddress.IPv4Address) and (address in _SHARED or address.packed[0] in (0, 255)):
        return Zone.PRIVATE if address in _SHARED else Zone.UNUSABLE
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return Zone.PRIVATE
    if address.is_reserved:
        return Zone.UNUSABLE
    if address.is_private:
        return Zone.PRIVATE
    if not address.is_global:
        return Zone.UNUSABLE
    return Zone.PUBLIC


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in (*_NAT64, _TRANSLATED)):
        return low
    if address in _COMPATIBLE and int(address) > 1:
        return low
    return None


def literal(host: str) -> Address | None:
    """The address that `host` spells, in any spelling a C library would take; None for a name."""
    text = host.strip("[]").partition("%")[0]
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    if _LEGACY_IPV4.fullmatch(text):
        try:
            return ipaddress.IPv4Address(socket.inet_aton(text))
        except OSError:
            return None
    return None


def normal_host(host: str) -> str:
    """Lower case, without a final dot or brackets; names outside ASCII in their IDNA form. Raises EgressDenied."""
    text = host.strip().strip("[]").rstrip(".").lower()
    try:
        text = text if text.isascii() else text.encode("idna").decode()
    except UnicodeError as error:
        raise EgressDenied("The address holds a host name that cannot be used.") from error
    if not _HOST.fullmatch(text):
        raise EgressDenied("The address holds a host name that cannot be used.")
    return text


def split_host(entry: str) -> tuple[str, int | None]:
    """("host", port or None) of `host`, `host:port`, `[v6]:port` or a bare IPv6 address."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, int(rest[1:]) if rest[1:].isdigit() else None
    host, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and ":" not in host:
        return host, int(port)
    return entry, None


@dataclass(frozen=True, slots=True)
class Pinned:
    """Addresses that passed, best first, as (ip, port)."""

    host: str
    port: int
    addresses: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class EgressPolicy:
    """What one instance may reach.

    hosts: "host:port", "host" (ports 80 and 443), "*.host:port" (the host and everything below it) or "*" (any public host).
    allow_private: all of `hosts` were entered by an admin and may stand on the home network.
    private_hosts: those of them that were, where not all were.
    hosts_map: "host:port" → (ip, port) used instead of resolving; for simulated services only, given by the caller.
    resolver: (host, port) → addresses as text; default: the system's.
    """

    hosts: Sequence[str]
    allow_private: bool = False
    private_hosts: Sequence[str] = ()
    hosts_map: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    resolver: Resolver | None = None

    @classmethod
    def for_settings(cls, settings: ServiceSettings, *, resolver: Resolver | None = None) -> EgressPolicy:
        """The policy of an instance: what stands in its URL fields was entered by an admin, other hosts must be public."""
        return cls(
            hosts=tuple(settings.hosts()),
            private_hosts=tuple(ServiceSettings.hosts(settings)),
            resolver=resolver,
        )

    def check_listed(self, host: str, port: int) -> str:
        """The normal form of `host` if it may be reached at all. Raises EgressDenied."""
        name = normal_host(host)
        if not any(_matches(entry, name, port) for entry in self.hosts):
            raise EgressDenied(
                N_("The address {name}:{port} is not among those this service may reach.").format(
                    name=name, port=port
                )
            )
        return name

    async def resolve_checked(self, host: str, port: int) -> Pinned:
        """Addresses to connect to. Raises EgressDenied, or NotReady where the name cannot be resolved."""
        name = self.check_listed(host, port)
        if (mapped := self.hosts_map.get(f"{name}:{port}")) is not None:
            return Pinned(name, port, (mapped,))
        spelled = literal(name)
        if spelled is not None:
            found: list[Address] = [spelled]
        else:
            found = await self._lookup(name, port)
        # A pattern never opens the home network: only a host that somebody typed does.
        typed = self.hosts if self.allow_private else self.private_hosts
        entered = any(not entry.startswith("*") and _matches(entry, name, port) for entry in typed)
        passed = [address for address in found if _may(zone_of(address), entered, spelled is not None)]
        if not passed:
            zones = ", ".join(sorted({zone_of(address).value for address in found}))
            raise EgressDenied(
                N_("The address {name}:{port} leads to a {zones} address; it was not contacted.").format(
                    name=name, port=port, zones=zones
                )
            )
        return Pinned(name, port, tuple((str(address), port) for address in passed))

    async def _lookup(self, name: str, port: int) -> list[Address]:
        resolver = self.resolver or system_resolver
        try:
            texts = await resolver(name, port)
        except OSError as error:
            raise NotReady(N_("The name {name} cannot be found.").format(name=name)) from error
        found = [address for text in texts if (address := literal(text)) is not None]
        if not found:
            raise NotReady(N_("The name {name} has no address.").format(name=name))
        return list(dict.fromkeys(found))


def _may(zone: Zone, entered: bool, spelled: bool) -> bool:
    if zone is Zone.PUBLIC:
        return True
    if not entered or zone is Zone.UNUSABLE:
        return False
    if zone in (Zone.LOOPBACK, Zone.PRIVATE):
        return True
    # By name alone nobody gets to link-local and metadata addresses: an admin has to have typed the address itself.
    return spelled


def _matches(entry: str, name: str, port: int) -> bool:
    if entry == "*":
        return port in _DEFAULT_PORTS
    host, wanted = split_host(entry)
    if port not in ((wanted,) if wanted is not None else _DEFAULT_PORTS):
        return False
    host = host.rstrip(".").lower()
    if host == "*":
        return True
    if host.startswith("*."):
        return name == host[2:] or name.endswith(host[1:])
    return name == normal_host(host)


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """What the operating system says; IPv4 first, because home networks' IPv6 is often announced and broken."""
    loop = asyncio.get_running_loop()
    infos = await loop.run_in_executor(
        _threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    ordered = sorted(infos, key=lambda info: info[0] != socket.AF_INET)
    return [str(info[4][0]) for info in ordered]
