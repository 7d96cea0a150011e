"""The proxy for child processes, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.egress_proxy import EgressProxy

from .servers import Server, reply, serving


@pytest.fixture
async def proxy() -> AsyncIterator[EgressProxy]:
    made = EgressProxy(idle_timeout=60)
    yield made
    await made.close()


def home(*servers: Server) -> EgressPolicy:
    return EgressPolicy([f"127.0.0.1:{server.port}" for server in servers], allow_private=True)


def credentials(url: str) -> str:
    parts = urlsplit(url)
    return base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def ask(url: str, line: str, *headers: str, body: bytes = b"", auth: str | None = None) -> bytes:
    """Everything the proxy answers until it closes."""
    async with connected(url) as (reader, writer):
        lines = [line, f"Proxy-Authorization: Basic {auth or credentials(url)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        async with asyncio.timeout(60):
            return await reader.read()


async def test_forwards_a_plain_request(proxy: EgressProxy) -> None:
    async with serving(reply(b"hello", Connection="keep-alive")) as server, proxy.open(home(server)) as url:
        answer = await ask(
            url, f"GET {server.url}/a?b=c HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Range: bytes=1-"
        )
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b"hello")
        assert b"Connection: close" in answer
        assert b"keep-alive" not in answer
        head = server.heads[0]
        assert head.startswith("GET /a?b=c HTTP/1.1\r\n")
        assert "range: bytes=1-" in head.lower()
        assert "proxy-authorization" not in head.lower()


async def test_forwards_a_body(proxy: EgressProxy) -> None:
    async with serving(reply(b"ok")) as server, proxy.open(home(server)) as url:
        await ask(
            url,
            f"POST {server.url}/ HTTP/1.1",
            "Content-Length: 3",
            body=b"a=1GET /smuggled HTTP/1.1\r\n\r\n",
        )
        assert server.heads[0].endswith("a=1")
        assert len(server.heads) == 1


async def test_tunnels(proxy: EgressProxy) -> None:
    async with serving(reply(b"inside")) as server, proxy.open(home(server)) as url:  # noqa: SIM117
        async with connected(url) as (reader, writer):
            target = f"127.0.0.1:{server.port}"
            writer.write(
                f"CONNECT {target} HTTP/1.1\r\nProxy-Authorization: Basic {credentials(url)}\r\n\r\n".encode()
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            assert (await reader.readuntil(b"inside")).endswith(b"inside")


async def test_what_the_policy_forbids_gets_no_connection(proxy: EgressProxy) -> None:
    async with serving() as trap, proxy.open(EgressPolicy(["*", f"*.example.com:{trap.port}"])) as url:
        for line in (
            f"GET {trap.url}/ HTTP/1.1",
            f"GET http://localhost:{trap.port}/ HTTP/1.1",
            f"GET http://2130706433:{trap.port}/ HTTP/1.1",
            f"GET http://[::ffff:127.0.0.1]:{trap.port}/ HTTP/1.1",
            f"CONNECT 127.0.0.1:{trap.port} HTTP/1.1",
            f"CONNECT [::1]:{trap.port} HTTP/1.1",
            f"CONNECT 0x7f.1:{trap.port} HTTP/1.1",
        ):
            assert (await ask(url, line)).startswith(b"HTTP/1.1 403"), line
        assert trap.connections == 0


async def test_a_name_that_moves_home_is_refused(proxy: EgressProxy) -> None:
    async with serving() as trap:

        async def resolver(host: str, port: int) -> list[str]:
            return ["127.0.0.1"]

        async with proxy.open(EgressPolicy([f"cdn.example.com:{trap.port}"], resolver=resolver)) as url:
            assert (await ask(url, f"CONNECT cdn.example.com:{trap.port} HTTP/1.1")).startswith(
                b"HTTP/1.1 403"
            )
        assert trap.connections == 0


async def test_names_can_be_mapped_to_simulated_services(proxy: EgressProxy) -> None:
    async with serving(reply(b"simulated")) as server:
        policy = EgressPolicy(
            ["video.example.com"], hosts_map={"video.example.com:80": ("127.0.0.1", server.port)}
        )
        async with proxy.open(policy) as url:
            assert (await ask(url, "GET http://video.example.com/ HTTP/1.1")).endswith(b"simulated")


@pytest.mark.parametrize("auth", ["am9iOndyb25n", "%%%", ""])
async def test_a_wrong_token_is_refused(proxy: EgressProxy, auth: str) -> None:
    async with serving(reply()) as server, proxy.open(home(server)) as url:
        assert (await ask(url, f"GET {server.url}/ HTTP/1.1", auth=auth or "x")).startswith(b"HTTP/1.1 407")
        assert server.connections == 0


async def test_each_user_has_their_own_rules(proxy: EgressProxy) -> None:
    async with serving(reply(b"a")) as a, serving(reply(b"b")) as b:  # noqa: SIM117
        async with proxy.open(home(a)) as url_a, proxy.open(home(b)) as url_b:
            assert (await ask(url_a, f"GET {a.url}/ HTTP/1.1")).endswith(b"a")
            assert (await ask(url_b, f"GET {a.url}/ HTTP/1.1")).startswith(b"HTTP/1.1 403")


async def test_the_token_and_its_connections_end_with_the_block(proxy: EgressProxy) -> None:
    async with serving() as server:
        async with contextlib.AsyncExitStack() as stack:
            url = await stack.enter_async_context(proxy.open(home(server)))
            reader, writer = await stack.enter_async_context(connected(url))
            writer.write(
                f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\nProxy-Authorization: Basic {credentials(url)}\r\n\r\n".encode()
            )
            await reader.readuntil(b"\r\n\r\n")
            stack.pop_all()
        async with proxy.open(home(server)) as second:
            pass
        assert (await ask(second, f"GET {server.url}/ HTTP/1.1", auth=credentials(second))).startswith(
            b"HTTP/1.1 407"
        )


async def test_an_idle_tunnel_is_closed() -> None:
    proxy = EgressProxy(idle_timeout=0.1)
    async with serving() as server, proxy.open(home(server)) as url, connected(url) as (reader, writer):
        writer.write(
            f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\nProxy-Authorization: Basic {credentials(url)}\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(60):
            assert await reader.read() == b""
            await server.closed[0].wait()
    await proxy.close()


@pytest.mark.parametrize(
    "line", ["nonsense", "GET / HTTP/1.1", "GET ftp://x/ HTTP/1.1", "CONNECT host HTTP/1.1"]
)
async def test_what_is_no_request_to_a_proxy(proxy: EgressProxy, line: str) -> None:
    async with proxy.open(EgressPolicy(["*"])) as url:
        assert (await ask(url, line)).startswith(b"HTTP/1.1 400")


async def test_a_tunnel_that_moves_one_way_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pause is shorter than what counts as idle, and all together are longer; the clock is put forward meanwhile."""
    loop, ahead = asyncio.get_running_loop(), 0.0
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + ahead)

    async def trickle(head: str, writer: asyncio.StreamWriter) -> None:
        nonlocal ahead
        for _ in range(20):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)
            ahead += 30.0
        writer.write(b"end")

    proxy = EgressProxy(idle_timeout=60.0)
    async with (
        serving(trickle) as server,
        proxy.open(home(server)) as url,
        connected(url) as (reader, writer),
    ):
        writer.write(
            f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\n"
            f"Proxy-Authorization: Basic {credentials(url)}\r\n\r\nGET / HTTP/1.1\r\n\r\n".encode()
        )
        async with asyncio.timeout(3600):
            assert (await reader.readuntil(b"end")).endswith(b"x" * 20 + b"end")
    await proxy.close()


async def test_a_client_that_leaves_frees_the_upstream_connection(proxy: EgressProxy) -> None:
    async with serving() as silent, proxy.open(home(silent)) as url:
        async with connected(url) as (_, writer):
            writer.write(
                f"GET {silent.url}/ HTTP/1.1\r\nProxy-Authorization: Basic {credentials(url)}\r\n\r\n".encode()
            )
            async with asyncio.timeout(60):
                while not silent.heads:
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(60):
            await silent.closed[0].wait()
