"""The gate: headers, origins, limits, proxies, sub-paths and refusals, over a small application."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from medianest_core.domain.accounts.models import Status
from medianest_core.sdk.errors import NotReady, UserError
from medianest_core.sdk.permissions import ADMIN, PENDING, PUBLIC, USER
from medianest_core.store.errors import DatabaseAway, Stale
from medianest_core.web.gate.routing import NoPolicy, enforce, page, policy_table
from medianest_core.web.gate.viewer import browser_of, viewer_of


async def hello(request: Request) -> Response:
    viewer = viewer_of(request)
    return PlainTextResponse(f"hello {viewer.username if viewer else 'nobody'}")


async def seen(request: Request) -> Response:
    return JSONResponse(
        {"ip": browser_of(request).ip, "url": str(request.url), "path": str(request.url_for("home").path)}
    )


async def broken(request: Request) -> Response:
    what = request.query_params["what"]
    raise {
        "bug": RuntimeError("secret inside"),
        "user": UserError("Too long.", "title"),
        "away": DatabaseAway("The database does not answer."),
        "stale": Stale({"title": "theirs"}),
        "service": NotReady("Kodi is not answering."),
    }[what]


def routes() -> list[Any]:
    return [
        page("/", hello, policy=USER, name="home"),
        page("/write", hello, policy=USER, methods=("POST",)),
        page("/public", hello, policy=PUBLIC, methods=("GET", "POST")),
        page("/seen", seen, policy=PUBLIC),
        page("/pending", hello, policy=PENDING),
        page("/admin", hello, policy=ADMIN),
        page("/broken", broken, policy=PUBLIC),
        page("/api/v1/thing", hello, policy=USER, methods=("GET", "POST")),
        page("/api/v1/broken", broken, policy=PUBLIC),
    ]


async def test_a_route_without_policy_does_not_start(gate: Any) -> None:
    with pytest.raises(NoPolicy, match="/naked"):
        gate.serve([Route("/naked", hello)])
    table = policy_table(routes())
    assert [(entry.method, entry.path) for entry in table if entry.policy == PENDING] == [("GET", "/pending")]


async def test_security_headers_stand_on_every_answer(gate: Any) -> None:
    gate.serve(routes())
    async with gate.client() as client:
        for path in ("/public", "/nothing-here", "/broken?what=bug", "/api/v1/thing"):
            headers = (await client.get(path)).headers
            assert "script-src 'self';" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert "cross-origin-opener-policy" not in headers
            assert len(headers["x-correlation-id"]) == 32
    async with gate.client("https://portal.test") as client:
        headers = (await client.get("/public")).headers
        assert headers["cross-origin-opener-policy"] and headers["strict-transport-security"]


async def test_refusals_for_people_and_for_programs(gate: Any) -> None:
    gate.serve(routes())
    async with gate.client() as client:
        page_answer = await client.get("/admin?tab=1", headers={"accept": "text/html"})
        assert (page_answer.status_code, page_answer.headers["location"]) == (
            303,
            "/sign-in?next=/admin%3Ftab%3D1",
        )
        fragment = await client.get("/admin", headers={"hx-request": "true"})
        assert (fragment.status_code, fragment.headers["hx-redirect"]) == (401, "/sign-in")
        answer = await client.get("/api/v1/thing")
        assert answer.status_code == 401 and answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]
    pending = await gate.person("Pat", status=Status.PENDING)
    assert (await pending.client.get("/pending")).text == "hello Pat"
    assert (await pending.client.get("/")).headers["location"] == "/pending"
    assert (await pending.client.get("/api/v1/thing")).json()["code"] == "waiting"
    user = await gate.person("Uma")
    assert (await user.client.get("/")).text == "hello Uma"
    assert (await user.client.get("/admin")).status_code == 403
    admin = await gate.person("Ada", "admin")
    assert (await admin.client.get("/admin")).text == "hello Ada"
    suspended = await gate.person("Sue", status=Status.SUSPENDED)
    assert (await suspended.client.get("/api/v1/thing")).status_code == 401


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("bug", 500, "internal"),
        ("user", 422, "invalid"),
        ("away", 503, "database_away"),
        ("stale", 409, "stale"),
        ("service", 503, "not_ready"),
    ],
)
async def test_errors_become_problems(gate: Any, what: str, status: int, code: str) -> None:
    gate.serve(routes())
    async with gate.client() as client:
        answer = await client.get(f"/api/v1/broken?what={what}", headers={"x-correlation-id": "abc-1"})
        body = answer.json()
        assert (answer.status_code, body["code"], body["correlation_id"]) == (status, code, "abc-1")
        assert "secret" not in answer.text
        assert ("retry-after" in answer.headers) == (status == 503)
        if what == "stale":
            assert body["current"] == {"title": "theirs"}
        if what == "user":
            assert body["errors"] == {"title": "Too long."}


OWN = "http://portal.test"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"origin": OWN}, True),
        ({"origin": OWN, "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": OWN.upper()}, True),
        ({}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://evil.test"}, False),
        ({"origin": "http://evil.portal.test"}, False),
        ({"origin": "http://portal.test:8080"}, False),
        ({"origin": "https://portal.test"}, False),
        ({"origin": OWN, "sec-fetch-site": "same-site"}, False),
        ({"origin": OWN, "sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": "http://evil.test", "content-type": "text/plain"}, False),
        ({"origin": "http://evil.test", "x-http-method-override": "GET"}, False),
        ({"origin": "http://evil.test", "host": "portal.test"}, False),
    ],
)
async def test_who_may_write_with_a_cookie(gate: Any, headers: dict[str, str], allowed: bool) -> None:
    gate.serve(routes())
    person = await gate.person("Ann")
    async with gate.client(origin=None, cookies={"mn": person.cookie}, headers=headers) as client:
        for path in ("/write", "/api/v1/thing"):
            answer = await client.post(path, content=b'{"a": 1}')
            assert answer.status_code == (200 if allowed else 403), path
        assert (await client.get("/")).status_code == 200


async def test_signing_someone_in_from_another_site_is_refused_too(gate: Any) -> None:
    gate.serve(routes())
    async with gate.client(origin="http://evil.test") as client:
        assert (await client.post("/public")).status_code == 403
    async with gate.client(origin=None) as client:
        assert (await client.post("/public")).status_code == 200


async def test_a_program_with_a_key_needs_no_origin_and_no_cookie(gate: Any) -> None:
    gate.serve(routes())
    person = await gate.person("Ann")
    keys = gate.services.accounts.api_keys
    _, reader = await keys.create(person.user.id, "user", "r", ["read"])
    _, writer = await keys.create(person.user.id, "user", "w", ["write"])
    async with gate.client(origin=None) as client:

        async def ask(method: str, path: str, key: str) -> int:
            answer = await client.request(method, path, headers={"authorization": f"Bearer {key}"})
            return int(answer.status_code)

        assert await ask("GET", "/api/v1/thing", reader) == 200
        assert await ask("POST", "/api/v1/thing", reader) == 403
        assert await ask("POST", "/api/v1/thing", writer) == 200
        assert await ask("GET", "/api/v1/thing", writer + "x") == 401
        # Keys are for the API only.
        assert await ask("GET", "/", reader) == 303
    # A wrong key is not overlooked in favour of the cookie.
    wrong = await person.client.get("/api/v1/thing", headers={"authorization": "Bearer mn_wrong"})
    assert wrong.status_code == 401


async def test_over_https_only_the_prefixed_cookie_counts(gate: Any) -> None:
    gate.serve(routes())
    person = await gate.person("Ann")
    async with gate.client("https://portal.test", cookies={"mn": person.cookie}) as client:
        assert (await client.get("/")).status_code == 303
    async with gate.client("https://portal.test", cookies={"__Host-mn": person.cookie}) as client:
        assert (await client.get("/")).status_code == 200


async def test_the_hundred_and_first_call_in_a_minute_waits(gate: Any) -> None:
    gate.serve(routes())
    person, other = await gate.person("Ann"), await gate.person("Bob")
    answers = await asyncio.gather(
        *(person.client.request("GET" if n % 2 else "POST", "/api/v1/thing") for n in range(130))
    )
    codes = [answer.status_code for answer in answers]
    assert (codes.count(200), codes.count(429)) == (100, 30)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"100"}
    # Writes through pages count with them; reading pages and other people do not.
    assert (await person.client.post("/write")).status_code == 429
    assert (await person.client.get("/")).status_code == 200
    assert (await other.client.get("/api/v1/thing")).status_code == 200


@pytest.mark.parametrize(
    ("trusted", "peer", "ip", "scheme"),
    [
        (["10.0.0.0/8"], "10.0.0.5", "203.0.113.7", "https"),
        (["10.0.0.0/8"], "192.0.2.1", "192.0.2.1", "http"),
        ([], "10.0.0.5", "10.0.0.5", "http"),
    ],
)
async def test_only_known_proxies_are_believed(
    gate: Any, trusted: list[str], peer: str, ip: str, scheme: str
) -> None:
    gate.serve(routes(), trusted_proxies=trusted)
    forwarded = {
        "x-forwarded-for": "6.6.6.6, 203.0.113.7, 10.0.0.9",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "films.example",
    }
    async with gate.client(ip=(peer, 1), headers=forwarded) as client:
        told = (await client.get("/seen")).json()
    host = "films.example" if scheme == "https" else "portal.test"
    assert (told["ip"], told["url"]) == (ip, f"{scheme}://{host}/seen")


async def test_a_proxy_that_is_no_address_stops_the_start(gate: Any) -> None:
    with pytest.raises(ValueError, match="TRUSTED_PROXIES"):
        gate.serve(routes(), trusted_proxies=["my-proxy"])


@pytest.mark.parametrize("prefix", ["", "/nest"])
async def test_a_sub_path_works_whether_or_not_the_proxy_cuts_it_off(gate: Any, prefix: str) -> None:
    gate.serve(routes(), root_path="/nest")
    async with gate.client() as client:
        assert (await client.get(f"{prefix}/seen")).json()["path"] == "/nest/"
        assert (await client.get(f"{prefix}/admin")).headers["location"] == "/nest/sign-in?next=/admin"
        assert (await client.get(f"{prefix}/api/v1/thing")).status_code == 401


async def test_ownership_is_decided_where_the_owner_is_known(gate: Any) -> None:
    from medianest_core.sdk.permissions import OWNER

    async def mine(request: Request) -> Response:
        enforce(request, OWNER, owner_id=request.path_params["owner"])
        return PlainTextResponse("yours")

    gate.serve([page("/of/{owner}", mine, policy=OWNER)])
    ann, admin = await gate.person("Ann"), await gate.person("Ada", "admin")
    assert (await ann.client.get(f"/of/{ann.user.id}")).status_code == 200
    assert (await ann.client.get("/of/another")).status_code == 404
    assert (await admin.client.get("/of/another")).status_code == 200
