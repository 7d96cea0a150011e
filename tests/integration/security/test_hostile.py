"""Hostile addresses, forms, cookies and headers: whatever is sent, nothing answers with a mistake of ours."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import httpx
import pytest

from medianest_core.web.gate.routing import Entry, policy_table

from .conftest import House

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

NASTY = (
    "",
    "0",
    "-1",
    "²",
    "٣",
    "9" * 5_000,
    str(2**63),
    str(2**200),
    "nan",
    "inf_x",
    "1e400_x",
    "%00",
    "a%00b",
    "%ff%fe",
    "%ED%A0%80",
    "%F0%9F%92%A9",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "..%5c..%5cwindows",
    "'\"; DROP TABLE users;--",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "${7*7}",
    "%0d%0aSet-Cookie:%20x=1",
    "//evil.example",
    "//[",
    "http://[::1",
    "https://user:pw@127.0.0.1:99999/",
    "javascript:alert(1)",
    '"',
    'a" OR "b* NEAR( ^',
    "*",
    "a:b:c",
    "A" * 20_000,
)
NUMBERS = ("0", "1", "²", "٣", "9" * 5_000, str(2**53), str(2**63), str(2**200), "-1", "+1", "1_0")
NAMES = tuple(
    """q text cursor kind genre decade quality server sort season w tab play save url next token limit after before
    status state name role year_from year_to instance actor action everyone hdr unread since""".split()  # noqa: SIM905  # read as a list of words
)


def addresses(entry: Entry, seed: int, rounds: int) -> Iterator[str]:
    """The route with a nasty value in each place of its path and in all that anyone reads from a query."""
    chance = random.Random(f"{entry.path} {seed}")  # repeatable, no secret
    for _ in range(rounds):
        # Whole numbers get past the converters of some routes.
        path = re.sub(
            r"\{[^}]+\}",
            lambda found: (
                chance.choice(NUMBERS if "id" in found[0] and chance.random() < 0.5 else NASTY) or "x"
            ),
            entry.path,
        )
        query = "&".join(f"{name}={chance.choice(NASTY)}" for name in chance.sample(NAMES, 6))
        yield f"{path}?{query}"


_LONGEST = 65_000
"""Bytes of a path or a query that this client can send."""


def raw(client: httpx.AsyncClient, method: str, address: str, **more: object) -> httpx.Request:
    """The request with the address exactly as written: a client would tidy it up."""
    path, _, query = address.partition("?")
    request = client.build_request(method, "/", **more)  # type: ignore[arg-type]  # httpx's own keywords
    asked, told = (_quoted(part.encode("utf-8", "surrogatepass"))[:_LONGEST] for part in (path, query))
    request.url = request.url.copy_with(raw_path=asked + b"?" + told)
    return request


def _quoted(target: bytes) -> bytes:
    return b"".join(
        bytes([byte]) if 0x21 <= byte < 0x7F and byte not in b'"<>\\^`{|}#' else b"%%%02X" % byte
        for byte in target
    )


async def rounds_of(house: House, seed: int, rounds: int) -> list[str]:
    signed_in = await house.sign_in()
    client = house.client(signed_in.cookie)
    broken = []
    for entry in policy_table(house.app.routes):
        if entry.method != "GET":
            continue
        for address in addresses(entry, seed, rounds):
            for headers in ({}, {"hx-request": "true"}):
                response = await client.send(raw(client, "GET", address, headers=headers))
                if response.status_code >= 500 and response.status_code not in (502, 503):
                    broken.append(f"{response.status_code} {address[:300]}")
    return broken


@pytest.mark.full
async def test_no_address_of_a_page_is_answered_with_a_mistake(full_house: House) -> None:
    assert await rounds_of(full_house, seed=1, rounds=10) == []


FORMS = (
    b"",
    b"=&=&&",
    b"%",
    b"\xff\xfe\x00",
    b"version=%C2%B2&role=admin&display_name=%00&locale=../../x&timezone=../../etc/passwd&email=@",
    b"username=%ED%A0%80&password=%ED%A0%80&next=//[&token=%ff&again=x",
    b"url=http%3A%2F%2F%5B&item=&target=a%2Fb&quality=%00&subtitles=%00,%ff&server_folder=%00",
    b"version=" + b"9" * 5_000,
    b"&".join(b"a%d=1" % number for number in range(3_000)),
)
PARTS = (
    b'--x\r\nContent-Disposition: form-data; name="username"; filename="a"\r\n\r\nb\r\n--x--\r\n',
    b"--x\r\nContent-Disposition: form-data\r\n\r\n",
    b"--y--",
    b"",
)
JSONS = (
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff",
    b"[" * 50_000,
    b'{"a":' * 50_000,
    b"NaN",
    b'{"username":"\\ud800","password":"\\ud800"}',
    b'{"url":"http://\\ud800/","title":"\\ud800","name":"\\ud800","plugin":"\\ud800","service":"\\ud800","settings":{"\\ud800":"\\ud800"}}',
    b'{"method":"\\u0000:code","version":1e400,"values":{"site_name":"\\ud800"},"enabled":"yes","ids":["\\ud800"]}',
    b'{"version":' + b"9" * 5_000 + b',"role":"admin","status":"active"}',
    b'{"version":99999999999999999999999999,"display_name":"x","before":"\\ud800","values":{},"settings":{}}',
    b'{"display_name":"\\ud800","email":"\\ud800@x"}',
    b'{"library":"\\ud800","title":"\\ud800","title_ids":[1],"instance_ids":["\\ud800"],"libraries":["\\ud800"],"scopes":["read"],"current":"x"}',
)
_LEAVING = ("/sign-out", "/sign-in/out", "end", "/remove", "/password")


def writes(entry: Entry, seed: int) -> Iterator[tuple[str, bytes, str]]:
    """(address, body, content type)."""
    chance = random.Random(f"{entry.method} {entry.path} {seed}")
    path = re.sub(r"\{[^}]+\}", lambda _: chance.choice(NASTY) or "x", entry.path)
    if entry.path.startswith("/api/"):
        yield from ((path, body, "application/json") for body in JSONS)
        yield path, b"a=b", "text/plain"
    else:
        yield from ((path, body, "application/x-www-form-urlencoded") for body in FORMS)
        yield from ((path, body, "multipart/form-data; boundary=x") for body in PARTS)
        yield path, b"{}", "multipart/form-data"


@pytest.mark.full
async def test_no_form_and_no_json_is_answered_with_a_mistake(full_house: House) -> None:
    broken = []
    client = full_house.client()
    for entry in policy_table(full_house.app.routes):
        if entry.method in ("GET", "EVENT"):
            continue
        client.cookies.set("mn", (await full_house.sign_in()).cookie)
        for address, body, kind in writes(entry, 1):
            response = await client.send(
                raw(client, entry.method, address, content=body, headers={"content-type": kind})
            )
            if response.status_code >= 500 and response.status_code not in (502, 503):
                broken.append(f"{response.status_code} {entry.method} {address[:200]} {body[:100]!r}")
    assert broken == []


@pytest.mark.parametrize(
    "cookie",
    [
        "x",
        "a.b.c",
        "..",
        "W10.W10.W10",
        "e30.e30.e30",
        "eyJhbGciOiJub25lIn0.eyJzaWQiOiJ4In0.",
        "eyJhbGciOiJIUzI1NiIsImNyaXQiOjF9.e30.x",
        "eyJhbGciOltdfQ.e30.e30",
        "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19.e30.e30",
        "bnVsbA.bnVsbA.bnVsbA",
        "\udcff.\udcfe.x",
        "A" * 30_000,
        '"quoted',
        "e30." + "WyI" * 3_000 + ".x",
    ],
)
async def test_no_cookie_is_answered_with_a_mistake(house: House, cookie: str) -> None:
    client = house.client()
    for name in ("mn", "mn_attempt", "mn_next", "mn_theme", "mn_lang", "mn_flash"):
        value = f"{name}={cookie}".encode("utf-8", "surrogateescape")
        for path in ("/", "/sign-in", "/sign-in/code", "/sign-in/qr.svg", "/api/v1/me", "/account"):
            response = await client.get(path, headers=[(b"cookie", value), (b"accept", b"text/html")])
            assert response.status_code < 500, (name, path)
            assert response.status_code != 200 or path.startswith("/sign-in")


@pytest.mark.parametrize(
    "host", ["", "[", "[::1", "a b", "evil.example:99999999", "\u00ff", "x" * 5_000, "a/b@c"]
)
async def test_no_host_header_is_answered_with_a_mistake(house: House, host: str) -> None:
    client = house.client((await house.sign_in()).cookie)
    for path in ("/", "/sign-in", "/nowhere", "/api/v1/me", "/api/v1/nowhere", "/healthz"):
        response = await client.get(path, headers=[(b"host", host.encode("latin-1"))])
        assert response.status_code < 500, path
        assert "evil" not in response.headers.get("location", "")
