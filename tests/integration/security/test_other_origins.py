"""Pages of other sites cannot make a browser write here, sign someone in or out, or lead people away."""

from __future__ import annotations

import re

from medianest_core.web.gate.routing import policy_table

from .conftest import ORIGIN, House

FOREIGN: tuple[dict[str, str], ...] = (
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"origin": "http://evil.portal.test", "sec-fetch-site": "same-site"},
    {"origin": "null"},
    {"origin": f"{ORIGIN}.evil.example"},
    {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {},
)


async def test_no_write_is_taken_from_a_page_of_another_site(house: House) -> None:
    client = house.client((await house.sign_in()).cookie)
    taken = []
    for entry in policy_table(house.app.routes):
        if entry.method in ("GET", "EVENT") or entry.path.startswith("/webhooks/"):
            continue
        path = re.sub(r"\{[^}]+\}", "x", entry.path)
        for headers in FOREIGN:
            del client.headers["origin"]
            response = await client.request(entry.method, path, headers=headers)
            client.headers["origin"] = ORIGIN
            if response.status_code != 403:
                taken.append(f"{response.status_code} {entry.method} {path} {headers}")
    assert taken == []


async def test_nobody_is_signed_in_or_out_from_elsewhere_without_a_cookie_either(house: House) -> None:
    client = house.client(**{"sec-fetch-site": "cross-site"})
    client.headers["origin"] = "https://evil.example"
    for path in ("/sign-in/local", "/api/v1/sign-in/local", "/sign-out", "/setup"):
        assert (await client.post(path, data={"username": "root"})).status_code == 403, path


async def test_a_read_never_becomes_a_write(house: House) -> None:
    client = house.client((await house.sign_in()).cookie)
    await client.get("/sign-out?_method=POST")
    for override in ("x-http-method-override", "x-method-override", "x-http-method"):
        await client.get("/sign-out", headers={override: "POST"})
        assert (await client.get("/account")).status_code == 200, override


async def test_after_signing_in_nobody_lands_on_another_site(house: House) -> None:
    client = house.client()
    for wanted in ("//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "//["):
        form = {"username": "root", "password": "canary-admin-password-7Yq", "next": wanted}
        response = await client.post("/sign-in/local", data=form)
        assert (response.status_code, response.headers["location"]) == (303, "/")
        client.cookies.clear()


async def test_what_is_refused_sends_people_to_sign_in_and_back_to_a_path_of_ours(house: House) -> None:
    client = house.client()
    response = await client.get("//evil.example/library?x=1")
    assert not re.match(r"(https?:)?//(?!portal\.test)", response.headers.get("location", "/"))
    response = await client.get("/library?kind=movie")
    assert response.headers["location"] == "/sign-in?next=/library%3Fkind%3Dmovie"
