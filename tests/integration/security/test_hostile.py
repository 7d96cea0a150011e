"""Hostile addresses, forms, cookies and headers: whatever is sent, nothing answers with a mistake of ours."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator

import httpx
import pytest

from medianest_core.web.gate.routing import Entry, policy_table

from .conftest import House

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
NAMES = (
    "q text cursor kind genre decade quality server sort season w tab play save url next token limit after before "
    "status state name role year_from year_to instance actor action everyone hdr unread since"
).split()


def addresses(entry: Entry, seed: int, rounds: int) -> Iterator[str]:
    """The route with a nasty value in each place of its path and in all that anyone reads from a query."""
    chance = random.Random(f"{entry.path} {seed}")  # noqa: S311  # repeatable, no secret
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


def raw(client: httpx.AsyncClient, method: str, address: str, **more: object) -> httpx.Request:
    """The request with the address exactly as written: a client would tidy it up."""
    path, _, query = address.partition("?")
    request = client.build_request(method, "/", **more)  # type: ignore[arg-type]  # httpx's own keywords
    target = f"{path}?{query}".encode("utf-8", "surrogatepass")
    request.url = request.url.copy_with(raw_path=_quoted(target))
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


async def test_no_address_of_a_page_is_answered_with_a_mistake(full_house: House) -> None:
    assert await rounds_of(full_house, seed=1, rounds=8) == []


@pytest.mark.full
@pytest.mark.timeout(900)
async def test_no_address_of_a_page_is_answered_with_a_mistake_at_length(full_house: House) -> None:
    for seed in range(2, 8):
        assert await rounds_of(full_house, seed=seed, rounds=20) == []
