"""Who really asks, and under which address: believes proxies only where they are known, and handles a sub-path."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(entries: Sequence[str]) -> list[Network]:
    """Parsed addresses and networks. Raises ValueError, naming the entry that is neither."""
    found: list[Network] = []
    for entry in entries:
        try:
            found.append(ipaddress.ip_network(entry, strict=False))
        except ValueError as error:
            raise ValueError(f"MEDIANEST_TRUSTED_PROXIES: {entry!r} is no address or network.") from error
    return found


class Proxies:
    """trusted: whose X-Forwarded-For, -Proto and -Host are believed. root_path: the sub-path, "" for none."""

    def __init__(self, app: ASGIApp, trusted: Sequence[str] = (), root_path: str = "") -> None:
        self._app = app
        self._trusted = networks(trusted)
        self._root = root_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = dict(scope)
            if self._trusted and self._known(client_of(scope)):
                self._believe(scope)
            if self._root:
                self._place(scope)
        await self._app(scope, receive, send)

    def _known(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._trusted)

    def _believe(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hops = [hop.strip() for hop in ",".join(headers.getlist("x-forwarded-for")).split(",") if hop.strip()]
        # From our side outwards: the first hop we do not know is whom we talk to; what stands before it may be invented.
        for hop in reversed(hops):
            scope["client"] = (hop[:64], 0)
            if not self._known(hop):
                break
        scheme = headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
        if scheme in ("http", "https"):
            secure = scheme == "https"
            scope["scheme"] = {
                ("http", True): "https",
                ("http", False): "http",
                ("websocket", True): "wss",
                ("websocket", False): "ws",
            }[scope["type"], secure]
        if host := headers.get("x-forwarded-host", "").split(",")[0].strip():
            rest = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [*rest, (b"host", host.encode("latin-1", "ignore"))]

    def _place(self, scope: Scope) -> None:
        path = scope["path"]
        # Some proxies cut the sub-path off, some do not: inside it always stands there.
        if path != self._root and not path.startswith(self._root + "/"):
            scope["path"] = self._root + path
        scope["root_path"] = self._root


def client_of(scope: Scope) -> str:
    """The address that asks, or an empty string."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def is_secure(scope: Scope) -> bool:
    return scope.get("scheme") in ("https", "wss")
