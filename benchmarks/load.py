"""A small HTTP/1.1 load generator: keep-alive connections that each ask again as soon as they are answered."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Load:
    """per_second: answers. p50_ms, p95_ms, p99_ms: latency. size: bytes of one answer with its head."""

    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    size: int

    def as_dict(self) -> dict[str, float]:
        return {
            "per_second": round(self.per_second, 1),
            "p50_ms": round(self.p50_ms, 2),
            "p95_ms": round(self.p95_ms, 2),
            "p99_ms": round(self.p99_ms, 2),
            "bytes": self.size,
        }


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int]:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    size = len(head)
    length = None
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    if length is not None:
        size += len(await reader.readexactly(length))
    elif b"transfer-encoding: chunked" in head.lower():
        while True:
            line = await reader.readline()
            size += len(line)
            count = int(line, 16)
            size += len(await reader.readexactly(count + 2))
            if count == 0:
                break
    return status, size


async def _connection(
    host: str, port: int, request: bytes, until: float, latencies: list[float], expected: int
) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    size = 0
    try:
        while time.perf_counter() < until:
            before = time.perf_counter()
            writer.write(request)
            status, size = await _answer(reader)
            if status != expected:
                raise RuntimeError(f"answered {status} to {request.splitlines()[0].decode()}")
            latencies.append(time.perf_counter() - before)
    finally:
        writer.close()
    return size


async def _load(
    url: str, headers: Mapping[str, str], connections: int, seconds: float, expected: int
) -> Load:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"GET {path or '/'} HTTP/1.1",
        f"Host: {parts.netloc}",
        *(f"{k}: {v}" for k, v in headers.items()),
        "",
        "",
    ]
    request = "\r\n".join(lines).encode()
    latencies: list[float] = []
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    await _connection(host, port, request, time.perf_counter() + 0.2, [], expected)
    began = time.perf_counter()
    sizes = await asyncio.gather(
        *(_connection(host, port, request, began + seconds, latencies, expected) for _ in range(connections))
    )
    took = time.perf_counter() - began
    cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [latencies[0]] * 99
    return Load(len(latencies) / took, cuts[49] * 1000, cuts[94] * 1000, cuts[98] * 1000, max(sizes))


def load(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    connections: int = 20,
    seconds: float = 2.0,
    expected: int = 200,
) -> Load:
    """Ask `url` over `connections` connections for `seconds`; raises RuntimeError for any status but the expected one."""
    return asyncio.run(_load(url, headers or {}, connections, seconds, expected))
