"""The pages for requests and reports: what each person finds, decides and says, and that others find nothing of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from medianest_core.store.tables.requests import request_issues
from medianest_core.web.portal.app import Portal
from medianest_core.web.portal.pages import requests as pages
from medianest_core.web.portal.pages import shown
from medianest_core.web.rest.mount import RestApi

ORIGIN = {"origin": "http://portal.test"}
HTMX = {**ORIGIN, "hx-request": "true"}
API = "/api/v1/requests"


@dataclass
class House:
    gate: Any
    ann: Any
    bob: Any
    root: Any

    async def ask(self, who: Any, title: str = "The Matrix", number: str = "603", **more: Any) -> str:
        """A new request; its id."""
        body = {"kind": "movie", "ids": {"tmdb": number}, "title": title, "year": 1999, **more}
        made = await who.client.post(API, json=body)
        assert made.status_code == 201, made.text
        return str(made.json()["request"]["id"])

    async def state(self, request_id: str) -> dict[str, Any]:
        return dict((await self.root.client.get(f"{API}/{request_id}")).json()["request"])

    async def send(self, who: Any, path: str, /, **fields: str) -> Any:
        return await who.client.post(path, data={"x": "", **fields}, headers=ORIGIN)


@pytest.fixture
async def house(gate: Any) -> House:
    gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
    return House(
        gate, await gate.person("Ann"), await gate.person("Bob"), await gate.person("Root", role="admin")
    )


async def test_everyone_finds_their_own_and_admins_all_by_state(house: House) -> None:
    empty = (await house.ann.client.get("/requests")).text
    assert "No requests yet" in empty and 'href="/discover"' in empty
    await house.ask(house.ann)
    await house.ask(house.bob, "<b>Heat</b>", "949")
    mine = (await house.ann.client.get("/requests")).text
    assert "The Matrix" in mine and "Heat" not in mine and "Waiting for approval" in mine
    assert "Decline with a reason" not in mine and "Everyone" not in mine
    everyone = (await house.root.client.get("/requests?state=waiting")).text
    assert "The Matrix" in everyone and "&lt;b&gt;Heat&lt;/b&gt;" in everyone and "<b>Heat" not in everyone
    assert everyone.count('placeholder="Reason"') == 2 and "Ann" in everyone
    assert re.search(r'Waiting\s*<span class="count">2</span>', everyone)
    assert 'data-live-topic="request:update"' in everyone
    assert "The Matrix" not in (await house.root.client.get("/requests?whose=mine")).text
    assert "None like this" in (await house.root.client.get("/requests?state=failed")).text
    strange = await house.ann.client.get("/requests?state=lost&whose=all")
    assert strange.status_code == 200 and "Heat" not in strange.text
    german = await house.ann.client.get("/requests", headers={"accept-language": "de"})
    assert "Anfragen" in german.text and "Wunsch" not in german.text


async def test_a_long_list_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "AT_ONCE", 3)
    for number in range(4):
        await house.ask(house.root, f"Film {number:02}", str(number + 1))
    first = (await house.root.client.get("/requests?state=all")).text
    assert first.count('id="request-') == 3
    (following,) = set(re.findall(r'hx-get="(/requests\?cursor=[^"]+)"', first))
    more = await house.root.client.get(following, headers=HTMX)
    assert more.text.count('id="request-') == 1 and "<html" not in more.text
    assert "Film 00" in more.text and "Film 00" not in first


async def test_a_list_comes_anew_as_long_as_it_is_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "AT_ONCE", 3)
    monkeypatch.setattr(shown, "_AT_ONCE", 2)
    made = [await house.ask(house.root, f"Film {number:02}", str(number + 1)) for number in range(7)]
    await house.send(house.root, f"/requests/{made[5]}/cancel")

    async def rows(client: Any, path: str) -> list[str]:
        answer = await client.get(path, headers=HTMX)
        assert answer.status_code == 200 and "<html" not in answer.text
        assert 'id="requests-list"' in answer.text and "hx-trigger" in answer.text
        return re.findall(r'id="request-([^"]+)"', answer.text)

    assert await rows(house.root.client, "/requests?shown=5") == made[:1:-1]
    assert await rows(house.root.client, "/requests?shown=0") == made[:3:-1], "never less than a first page"
    assert await rows(house.root.client, "/requests?state=ended&shown=7") == [made[5]]
    assert await rows(house.root.client, "/requests?shown=99999999") == made[::-1]
    assert await rows(house.ann.client, "/requests?shown=7&whose=all") == []
    assert "No requests yet" in (await house.ann.client.get("/requests?shown=7", headers=HTMX)).text
    whole = (await house.root.client.get("/requests?shown=7")).text
    assert "<html" in whole, "a browser that is led there gets a page"


async def test_an_admin_approves_and_declines_from_the_list(house: House) -> None:
    one, two = await house.ask(house.ann), await house.ask(house.ann, "Heat", "949")
    version = str((await house.state(one))["version"])
    plain = await house.send(house.root, f"/requests/{one}/approve", version=version, to="waiting")
    assert (plain.status_code, plain.headers["location"]) == (303, "/requests?state=waiting")
    assert (await house.state(one))["state"] != "pending"
    row = await house.root.client.post(
        f"/requests/{two}/decline",
        data={"version": str((await house.state(two))["version"]), "reason": "Too dark.", "to": "waiting"},
        headers=HTMX,
    )
    assert row.status_code == 200 and f'id="request-{two}"' in row.text and "<html" not in row.text
    assert "Declined" in row.text and "Too dark." in row.text and "Decline with a reason" not in row.text
    assert "Too dark." in (await house.ann.client.get(f"/requests/{two}")).text
    for what in ("approve", "decline", "retry", "remove"):
        assert (await house.send(house.ann, f"/requests/{one}/{what}")).status_code == 403


async def test_who_was_slower_chooses(house: House) -> None:
    one = await house.ask(house.ann)
    version = str((await house.state(one))["version"])
    path = f"/requests/{one}/decline"
    assert (await house.send(house.root, path, version=version, reason="No.")).status_code == 303
    late = await house.send(house.root, f"/requests/{one}/remove", version=version)
    assert late.status_code == 409 and "Someone else was faster." in late.text
    assert "Declined" in late.text and "No." in late.text
    quick = await house.root.client.post(f"/requests/{one}/approve", data={"version": version}, headers=HTMX)
    assert quick.status_code == 409, "the row is read again by itself"
    told = await house.send(house.root, f"/requests/{one}/approve")
    assert told.status_code == 303
    assert "past that point" in (await house.root.client.get(told.headers["location"])).text
    again = re.search(r'name="version" value="(\d+)"', late.text)
    assert again is not None
    assert (await house.send(house.root, f"/requests/{one}/remove", version=again[1])).status_code == 303
    assert (await house.root.client.get(f"/requests/{one}")).status_code == 404


async def test_what_was_written_survives_a_conflict(house: House) -> None:
    one = await house.ask(house.ann)
    late = await house.send(house.root, f"/requests/{one}/decline", version="99", reason="Not for kids")
    assert late.status_code == 409 and 'name="reason" value="Not for kids"' in late.text


async def test_a_request_has_a_page(house: House) -> None:
    one = await house.ask(house.ann, comment="Please!")
    seen = (await house.ann.client.get(f"/requests/{one}")).text
    assert "The Matrix" in seen and "Asked for" in seen and "Please!" in seen and "Cancel the request" in seen
    assert 'action="/requests/' + one + '/approve"' not in seen and "Delete the request" not in seen
    assert "Stop following" not in seen, "the last one cannot leave it"
    admin = (await house.root.client.get(f"/requests/{one}")).text
    assert f'action="/requests/{one}/approve"' in admin and f'action="/requests/{one}/decline"' in admin
    assert "Follow" in admin and "Delete the request" in admin
    profile = {"name": "Big screen", "kinds": ["movie"]}
    made = await house.root.client.post("/api/v1/request-rules/profiles", json=profile)
    assert "Big screen" in (await house.root.client.get(f"/requests/{one}")).text
    wrong = await house.send(house.root, f"/requests/{one}/approve", profile_id="nothing")
    assert wrong.status_code == 422 and "This profile cannot be used here." in wrong.text
    await house.send(house.root, f"/requests/{one}/approve", profile_id=made.json()["id"])
    known = await house.state(one)
    assert (known["profile_id"], known["state"]) == (made.json()["id"], known["state"])
    told = (await house.root.client.get(f"/requests/{one}")).text
    assert "Approved" in told and "Root" in told
    row = await house.root.client.get(f"/fragments/requests/{one}", headers=HTMX)
    assert row.status_code == 200 and "<html" not in row.text


async def test_people_follow_talk_and_withdraw(house: House) -> None:
    one = await house.ask(house.ann)
    await house.bob.client.post(API, json={"kind": "movie", "ids": {"tmdb": "603"}, "title": "The Matrix"})
    page = f"/requests/{one}"
    seen = (await house.bob.client.get(page)).text
    assert "Stop following" in seen and "and 1 other person" in seen and "Cancel the request" not in seen
    said = await house.send(house.bob, f"{page}/comments", text="<i>Me</i> too")
    assert said.status_code == 303
    assert "&lt;i&gt;Me&lt;/i&gt; too" in (await house.ann.client.get(page)).text
    nothing = await house.send(house.bob, f"{page}/comments", text=" ")
    assert nothing.status_code == 422 and "Write something." in nothing.text
    (comment,) = (await house.bob.client.get(f"{API}/{one}")).json()["comments"]
    assert (await house.send(house.ann, f"{page}/comments/{comment['id']}/remove")).status_code == 404
    assert (await house.send(house.bob, f"{page}/comments/{comment['id']}/remove")).status_code == 303
    assert "&lt;i&gt;Me" not in (await house.ann.client.get(page)).text
    assert (await house.send(house.bob, f"{page}/unfollow", user_id=house.ann.user.id)).status_code == 303
    assert (await house.bob.client.get(page)).status_code == 404
    assert (await house.ann.client.get(page)).status_code == 200, "only oneself"
    assert (await house.send(house.root, f"{page}/follow")).status_code == 303
    assert (await house.state(one))["participants"] == 2
    assert (await house.send(house.root, f"{page}/unfollow")).status_code == 303
    assert (await house.send(house.ann, f"{page}/cancel")).status_code == 303
    assert (await house.state(one))["state"] == "cancelled"


async def test_what_is_someone_elses_does_not_exist(house: House) -> None:
    one = await house.ask(house.ann)
    for path in (f"/requests/{one}", f"/fragments/requests/{one}", "/requests/nothing"):
        assert (await house.bob.client.get(path)).status_code == 404
    for what in ("cancel", "follow", "unfollow", "comments", "comments/c/remove"):
        assert (await house.send(house.bob, f"/requests/{one}/{what}", text="x")).status_code == 404, what
    assert (await house.state(one))["state"] == "pending"
    assert (await house.root.client.get("/requests/nothing")).status_code == 404


async def test_a_report_is_answered(house: House) -> None:
    async with house.gate.services.db.begin() as tx:
        await tx.execute(
            request_issues.insert().values(
                id="w1",
                user_id=house.ann.user.id,
                kind="show",
                ids={"tvdb": "1"},
                title="Harbour",
                seasons=[2],
                episodes=[],
                problem="audio",
                message="No <sound>",
                answer="",
                state="open",
                created_at=1.0,
            )
        )
    page = "/requests/issues/w1"
    seen = (await house.ann.client.get(page)).text
    assert "No &lt;sound&gt;" in seen and "Season 2" in seen and "Mark as solved" in seen
    assert "Answer and mark" not in seen
    assert "Harbour" in (await house.ann.client.get("/requests/issues")).text
    assert "Harbour" not in (await house.bob.client.get("/requests/issues")).text
    assert (await house.bob.client.get(page)).status_code == 404
    for what in ("resolve", "reopen"):
        assert (await house.send(house.bob, f"{page}/{what}")).status_code == 404
    assert "Harbour" in (await house.root.client.get("/requests/issues")).text
    late = await house.send(house.root, f"{page}/resolve", answer="Replaced.", version="7")
    assert late.status_code == 409 and 'name="answer" value="Replaced."' in late.text
    done = await house.send(house.root, f"{page}/resolve", answer="Replaced.", version="1")
    assert done.status_code == 303
    told = (await house.ann.client.get(page)).text
    assert "Replaced." in told and "Solved" in told and "Open it again" in told
    assert (await house.send(house.ann, f"{page}/reopen", version="2")).status_code == 303
    assert "Mark as solved" in (await house.ann.client.get(page)).text


async def test_how_far_it_is_and_who_may_help(house: House) -> None:
    one = await house.ask(house.ann)
    mine = (await house.ann.client.get(f"/requests/{one}")).text
    assert 'id="way"' in mine and f'data-live-topic="request:progress/{one}"' in mine
    assert mine.count("step-waiting") == 2, "approval and availability are still to come"
    part = await house.ann.client.get(f"/fragments/requests/{one}/way", headers=HTMX)
    assert part.status_code == 200 and "<html" not in part.text and "Asked for" in part.text
    assert (await house.bob.client.get(f"/fragments/requests/{one}/way", headers=HTMX)).status_code == 404
    told = (await house.ann.client.get(f"/api/v1/requests/{one}/timeline")).json()
    assert [step["key"] for step in told["steps"]] == ["decision.0", "ahead.approved", "ahead.available"]
    assert (await house.bob.client.get(f"/api/v1/requests/{one}/timeline")).status_code == 404
    assert (await house.ann.client.get("/api/v1/activity")).json() == {"items": [], "next_cursor": None}
    wanted = {"instance_id": "x", "stage": "searched", "action": "again"}
    assert (
        await house.ann.client.post(f"/api/v1/requests/{one}/actions", json=wanted, headers=ORIGIN)
    ).status_code == 403
    assert (await house.send(house.ann, f"/requests/{one}/act", **wanted)).status_code == 403
    late = await house.root.client.post(f"/api/v1/requests/{one}/actions", json=wanted, headers=ORIGIN)
    assert late.status_code == 404


async def test_home_shows_ones_own_requests_and_what_waits_for_admins(house: House) -> None:
    await house.ask(house.ann)
    mine = (await house.ann.client.get("/fragments/card/requests")).text
    assert "The Matrix" in mine and "Waiting for approval" in mine
    assert (await house.ann.client.get("/fragments/card/approvals")).status_code == 404
    assert "Nothing yet." in (await house.bob.client.get("/fragments/card/requests")).text
    waiting = (await house.root.client.get("/fragments/card/approvals")).text
    assert "The Matrix" in waiting and "Ann" in waiting
    assert "data-triage" in (await house.root.client.get("/requests")).text
    assert "data-triage" not in (await house.ann.client.get("/requests")).text
