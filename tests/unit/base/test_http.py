"""The guarded client against real sockets. Denials are proven by a listener that saw no connection."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Sequence

import pytest

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http import GuardedHttp
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.logging import correlation_id
from medianest_core.sdk.errors import EgressDenied, InvalidResponse, NotReady, Rejected

from .servers import Server, reply, serving


@pytest.fixture
async def factory() -> AsyncIterator[HttpFactory]:
    made = HttpFactory()
    yield made
    await made.close()


def at_home(factory: HttpFactory, *servers: Server, base: str | None = None) -> GuardedHttp:
    """A client whose admin typed the servers' addresses."""
    hosts = [f"127.0.0.1:{server.port}" for server in servers]
    return factory.for_instance(base or servers[0].url, EgressPolicy(hosts, allow_private=True))


async def test_request_and_answer(factory: HttpFactory) -> None:
    async with serving(reply(b'{"a": 1}', X_Kind="json")) as server:
        http = at_home(factory, server)
        token = correlation_id.set("abc-123")
        answer = await http.get(
            "/path", params={"q": "ü", "none": None, "many": ["1", "2"]}, headers={"X-Key": "k"}
        )
        correlation_id.reset(token)
        assert answer.json() == {"a": 1}
        assert answer.headers["x-kind"] == "json"
        assert server.heads[0].startswith("GET /path?q=%C3%BC&many=1&many=2 HTTP/1.1\r\n")
        head = server.heads[0].lower()
        assert f"host: 127.0.0.1:{server.port}" in head
        assert "x-key: k" in head
        assert "x-correlation-id: abc-123" in head
        await http.post("/form", data={"a": "b c"})
        assert server.heads[1].endswith("a=b+c")
        await http.post("/json", json={"a": [1]})
        assert server.heads[2].endswith('{"a":[1]}')
        assert server.connections == 1, "connections are kept"


async def test_nothing_comes_from_the_environment(
    factory: HttpFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as trap, serving(reply()) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, trap.url)
        assert (await at_home(factory, server).get("/")).text == "hello"
        assert trap.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "user:pass@127.0.0.1",
        "api.example.com@127.0.0.1",
        "127.0.0.1%2f",
        "127。0。0。1",
    ],
)
async def test_no_spelling_of_loopback_gets_a_connection(factory: HttpFactory, host: str) -> None:
    async with serving() as trap:
        for hosts in (["*"], [f"*:{trap.port}"], ["api.example.com:443", f"*.com:{trap.port}"]):
            http = factory.for_instance("https://api.example.com", EgressPolicy(hosts))
            with pytest.raises((EgressDenied, NotReady)):
                await http.get(f"http://{host}:{trap.port}/", timeout=2)
        assert trap.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://x/",
        "ftp://x/",
        "http:///x",
        "//x/y",
        "x",
        "http://[::1",
        "http://a b/",
    ],
)
async def test_other_addresses_are_refused(factory: HttpFactory, url: str) -> None:
    http = factory.for_instance("", EgressPolicy(["*"]))
    with pytest.raises(EgressDenied):
        await http.request("GET", url)


class Rebinding:
    """A name that is public when first asked and loopback ever after, or the other way round."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


async def test_a_name_is_resolved_once_and_the_checked_address_is_used(factory: HttpFactory) -> None:
    # 192.0.2.1 is reserved for documentation: a connection there fails, one to loopback would reach the trap.
    async with serving(reply()) as trap:
        resolver = Rebinding(["127.0.0.1"], ["127.0.0.1"])
        http = factory.for_instance("", EgressPolicy([f"rebind.example.com:{trap.port}"], resolver=resolver))
        with pytest.raises(EgressDenied):
            await http.get(f"http://rebind.example.com:{trap.port}/")
        assert trap.connections == 0
        assert resolver.asked == 1

        resolver = Rebinding(["127.0.0.1"], ["10.0.0.1"])
        hosts = [f"rebind.example.com:{trap.port}"]
        http = factory.for_instance("", EgressPolicy(hosts, allow_private=True, resolver=resolver))
        assert (await http.get(f"http://rebind.example.com:{trap.port}/")).ok
        assert resolver.asked == 1, "asking again would let the name change between check and connection"
        assert f"host: rebind.example.com:{trap.port}" in trap.heads[0].lower()


async def test_redirects_are_checked_like_first_requests(factory: HttpFactory) -> None:
    async with serving() as trap:
        for target in (
            trap.url,
            f"http://localhost:{trap.port}/",
            f"//127.0.0.1:{trap.port}/",
            "file:///etc/passwd",
        ):
            async with serving(reply(b"", "302 Found", Location=target)) as server:
                with pytest.raises(EgressDenied):
                    await at_home(factory, server).get("/")
        assert trap.connections == 0


async def test_redirects_on_the_same_host_are_followed_with_credentials(factory: HttpFactory) -> None:
    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        if head.startswith("GET /old"):
            await reply(b"", "307 Temporary Redirect", Location="/new?x=1")(head, writer)
        elif head.startswith("POST /form"):
            await reply(b"", "303 See Other", Location="/new")(head, writer)
        elif head.startswith("POST /again"):
            await reply(b"", "308 Permanent Redirect", Location="/here")(head, writer)
        else:
            await reply(b"there")(head, writer)

    async with serving(answer) as server:
        http = at_home(factory, server)
        found = await http.get("/old", headers={"X-Key": "k"})
        assert found.text == "there"
        assert found.url == f"{server.url}/new?x=1"
        assert "x-key: k" in server.heads[-1].lower()
        await http.post("/form", json={"a": 1})
        assert server.heads[-1].startswith("GET /new")
        await http.post("/again", json={"a": 1})
        assert server.heads[-1].startswith("POST /here")
        assert server.heads[-1].endswith('{"a":1}')


async def test_credentials_do_not_follow_to_another_host(factory: HttpFactory) -> None:
    async with serving(reply(b"other")) as other:
        async with serving(reply(b"", "302 Found", Location=f"{other.url}/x")) as server:
            http = at_home(factory, server, other)
            headers = {"X-Api-Key": "k", "Authorization": "Bearer t", "Cookie": "c=1", "Accept": "text/plain"}
            assert (await http.get("/", headers=headers)).text == "other"
            head = other.heads[0].lower()
            assert "accept: text/plain" in head
            for name in ("x-api-key", "authorization", "cookie"):
                assert name not in head
        async with serving(reply(b"", "307 Temporary Redirect", Location=f"{other.url}/x")) as server:
            with pytest.raises(EgressDenied):
                await at_home(factory, server, other).post("/", json={"password": "p"})
        assert len(other.heads) == 1


async def test_a_circle_of_redirects_ends(factory: HttpFactory) -> None:
    async with serving(reply(b"", "302 Found", Location="/")) as server:
        with pytest.raises(Rejected):
            await at_home(factory, server).get("/")


async def test_the_body_is_capped(factory: HttpFactory) -> None:
    async with serving(reply(b"x" * 5000)) as server:
        http = at_home(factory, server)
        assert len((await http.get("/", max_bytes=5000)).content) == 5000
        with pytest.raises(InvalidResponse):
            await http.get("/", max_bytes=4999)
        assert (await http.get("/")).ok, "the client is usable afterwards"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
async def test_packed_answers(factory: HttpFactory, encoding: str) -> None:
    packer = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(b"x" * 9000),
        "deflate": zlib.compress(b"x" * 9000),
        "raw deflate": packer.compress(b"x" * 9000) + packer.flush(),
    }[encoding]
    async with serving(reply(packed, Content_Encoding=encoding.split()[-1])) as server:
        http = at_home(factory, server)
        assert (await http.get("/")).content == b"x" * 9000
        with pytest.raises(InvalidResponse):
            await http.get("/", max_bytes=8999)


async def test_a_bomb_is_not_unpacked(factory: HttpFactory) -> None:
    bomb = gzip.compress(bytes(50 * 1024 * 1024))
    async with serving(reply(bomb, Content_Encoding="gzip")) as server:
        pieces = 0
        with pytest.raises(InvalidResponse):
            async with at_home(factory, server).stream("GET", "/", max_bytes=100_000) as answer:
                async for chunk in answer.chunks():
                    pieces += len(chunk)
        assert pieces <= 100_000


async def test_garbage_is_an_invalid_response(factory: HttpFactory) -> None:
    async with serving(reply(b"not gzip", Content_Encoding="gzip")) as server:
        with pytest.raises(InvalidResponse):
            await at_home(factory, server).get("/")
    async with serving(reply(b"x", Content_Encoding="br")) as server:
        with pytest.raises(InvalidResponse):
            await at_home(factory, server).get("/")

    async def nonsense(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\x01 no http at all\r\n\r\n")

    async with serving(nonsense) as server:
        with pytest.raises(InvalidResponse):
            await at_home(factory, server).get("/")


async def test_a_drip_does_not_outlast_the_deadline(factory: HttpFactory) -> None:
    async def drip(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(drip) as server:
        async with asyncio.timeout(60):
            with pytest.raises(NotReady, match="in time"):
                await at_home(factory, server).get("/", timeout=0.3)


async def test_silence_and_refusal(factory: HttpFactory) -> None:
    async with serving() as silent:
        with pytest.raises(NotReady, match="in time"):
            await at_home(factory, silent).get("/", timeout=0.2)
        gone = silent.port
    with pytest.raises(NotReady):
        await factory.for_instance("", EgressPolicy([f"127.0.0.1:{gone}"], allow_private=True)).get(
            f"http://127.0.0.1:{gone}/?token=secret", timeout=2
        )


async def test_errors_do_not_name_what_stands_in_the_address(factory: HttpFactory) -> None:
    async def cut(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await writer.drain()
        writer.close()

    async with serving(cut) as server:
        with pytest.raises((NotReady, InvalidResponse)) as caught:
            await at_home(factory, server).get("/x?token=secret-token")
        assert "secret-token" not in str(caught.value)
