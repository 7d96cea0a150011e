"""What Seerr posts, as the simulator really sends it, and registering for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import Delivery, Hint, InvalidResponse, Issue, Rejected
from medianest_core.testing.loopback import serving
from medianest_core.testing.simulators import RunningSimulator
from medianest_overseerr.simulation import flow
from medianest_overseerr.simulation.webhooks import Agent
from medianest_overseerr.webhooks import EVERYTHING, TEMPLATE, SeerrWebhooks

from .seerr_kit import CASEY, INSTANCE, Plugged, item, plug

BOTH = pytest.mark.parametrize("profile", ["seerr", "overseerr"], indirect=True)
PATH = f"/webhooks/overseerr/{INSTANCE}/token"


class Portal:
    """Where the messages go."""

    def __init__(self, url: str) -> None:
        self.url = url + PATH
        self.deliveries: list[Delivery] = []

    async def wait(self, count: int) -> list[Delivery]:
        async with asyncio.timeout(60):
            while len(self.deliveries) < count:
                await asyncio.sleep(0.01)
        return self.deliveries


@pytest_asyncio.fixture(loop_scope="session")
async def portal() -> AsyncIterator[Portal]:
    found = Portal("")

    async def receive(request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        found.deliveries.append(Delivery(headers, await request.body()))
        return Response(status_code=202)

    async with serving(Starlette(routes=[Route(PATH, receive, methods=["POST"])])) as url:
        found.url = url + PATH
        yield found


def hints(seerr: Plugged, portal: Portal) -> list[Hint]:
    """In the order of what happened: messages may overtake each other."""
    assert all(seerr.webhooks.verify(delivery) for delivery in portal.deliveries)
    found = [seerr.webhooks.parse(delivery) for delivery in portal.deliveries]
    return [hint for hint in found if hint is not None]


@BOTH
async def test_registered_and_told_of_a_request_from_beginning_to_end(seerr: Plugged, portal: Portal) -> None:
    await seerr.webhooks.register(portal.url)
    film = seerr.film()
    sent = await seerr.requests.submit(item(film), CASEY)
    await portal.wait(1)
    seerr.available(sent.reference)
    await portal.wait(2)
    first, second = hints(seerr, portal)
    assert (first.topic, list(first.keys)) == ("request.changed", [sent.reference])
    assert first.summary == f"Approved by itself: {film.name} ({film.facts.year})"
    assert first.facts["tmdb"] == str(film.tmdb) and first.facts["kind"] == "movie"
    assert first.facts["event"] == "MEDIA_AUTO_APPROVED" and first.facts["reference"] == sent.reference
    assert (second.facts["event"], second.facts["status"]) == ("MEDIA_AVAILABLE", "available")
    body = portal.deliveries[0].body.decode()
    assert "example.test" not in body and film.facts.summary not in body


async def test_every_kind_of_message(served: RunningSimulator, factory: HttpFactory, portal: Portal) -> None:
    seerr = await plug(factory, served, approve_there=True)
    await seerr.webhooks.register(portal.url)
    asked = [await seerr.requests.submit(item(seerr.film(index)), CASEY) for index in range(2)]
    await seerr.requests.approve(asked[0].reference)
    await seerr.requests.decline(asked[1].reference)
    await seerr.requests.submit(item(seerr.film(2)), "")
    flow.fail(seerr.world, seerr.world.requests[int(asked[0].reference)])
    other = await seerr.requests.submit(item(seerr.series(1), 1), CASEY)
    seerr.available(other.reference)
    reference = await seerr.requests.report(Issue("audio", "$& no sound", item(seerr.film())), CASEY)
    row = seerr.world.issues[int(reference)]
    await seerr.client.send("POST", f"/issue/{row.id}/comment", json={"message": "Still none"})
    await seerr.requests.resolve(reference)
    await seerr.client.send("POST", f"/issue/{row.id}/open")
    await portal.wait(12)
    found = hints(seerr, portal)
    assert {hint.facts["event"] for hint in found} == {
        "MEDIA_PENDING",
        "MEDIA_APPROVED",
        "MEDIA_DECLINED",
        "MEDIA_AUTO_APPROVED",
        "MEDIA_FAILED",
        "MEDIA_AVAILABLE",
        "ISSUE_CREATED",
        "ISSUE_COMMENT",
        "ISSUE_RESOLVED",
        "ISSUE_REOPENED",
    }
    issues = [hint for hint in found if hint.topic == "issue.changed"]
    assert len(issues) == 4 and {tuple(hint.keys) for hint in issues} == {(reference,)}
    assert {hint.facts["issue"] for hint in issues} == {"audio"}
    assert {hint.topic for hint in found} == {"issue.changed", "request.changed"}


async def test_the_test_button_there(seerr: Plugged, portal: Portal) -> None:
    await seerr.webhooks.register(portal.url)
    settings = await seerr.client.webhook()
    options = {**settings["options"], "jsonPayload": json.dumps(settings["options"]["jsonPayload"])}
    status, _ = await seerr.client.send(
        "POST", "/settings/notifications/webhook/test", json={**settings, "options": options}
    )
    assert status == 204
    (hint,) = hints(seerr, portal)
    assert hint.topic == "test"


@BOTH
async def test_what_is_saved_is_what_it_can_send(seerr: Plugged) -> None:
    await seerr.webhooks.register(f"http://portal.test{PATH}")
    agent = seerr.world.webhooks.agent
    assert (agent.enabled, agent.types, agent.auth_header) == (
        True,
        EVERYTHING,
        seerr.settings.message_secret(),
    )
    assert json.loads(agent.payload) == TEMPLATE
    assert (await seerr.client.webhook())["options"]["jsonPayload"] == TEMPLATE


async def test_registering_again_replaces_our_own_address_only(seerr: Plugged) -> None:
    await seerr.webhooks.register(f"http://portal.test{PATH}")
    await seerr.webhooks.register(f"http://portal.test{PATH}2")
    assert seerr.world.webhooks.agent.url.endswith("token2")
    seerr.world.webhooks.agent = Agent(enabled=True, types=8, url="http://chat.test/hook")
    with pytest.raises(Rejected, match="one only"):
        await seerr.webhooks.register(f"http://portal.test{PATH}")
    await seerr.webhooks.unregister(f"http://portal.test{PATH}")
    assert seerr.world.webhooks.agent.enabled and seerr.world.webhooks.agent.types == 8
    seerr.world.webhooks.agent.enabled = False
    await seerr.webhooks.register(f"http://portal.test{PATH}")
    await seerr.webhooks.unregister(f"http://portal.test{PATH}")
    assert not seerr.world.webhooks.agent.enabled


async def test_without_the_secret_it_is_not_from_there(seerr: Plugged) -> None:
    body, secret = b'{"notification_type":"MEDIA_AVAILABLE"}', seerr.settings.message_secret()
    assert seerr.webhooks.verify(Delivery({"authorization": secret}, body))
    for headers in ({}, {"authorization": ""}, {"authorization": "Ünicode"}, {"authorization": secret[:-1]}):
        assert not seerr.webhooks.verify(Delivery(headers, body))
    assert seerr.webhooks.delivery_id(Delivery({}, body)) is None
    assert seerr.settings.api_key.reveal() not in secret


async def test_a_secret_of_the_admins_own(served: RunningSimulator, factory: HttpFactory) -> None:
    seerr = await plug(factory, served, webhook_secret="Bearer mine")
    assert seerr.webhooks.verify(Delivery({"authorization": "Bearer mine"}, b"{}"))
    await seerr.webhooks.register(f"http://portal.test{PATH}")
    assert seerr.world.webhooks.agent.auth_header == "Bearer mine"


async def test_doubled_and_swapped_messages_say_the_same(seerr: Plugged, portal: Portal) -> None:
    await seerr.webhooks.register(portal.url)
    seerr.world.options.webhook_copies = 2
    seerr.world.options.webhook_swap = True
    sent = await seerr.requests.submit(item(seerr.film()), "")
    await portal.wait(2)
    assert {tuple(hint.keys) for hint in hints(seerr, portal)} == {(sent.reference,)}


@pytest.fixture
def pure() -> SeerrWebhooks:
    """Reading a message needs no service."""
    return SeerrWebhooks.__new__(SeerrWebhooks)


def parsed(pure: SeerrWebhooks, body: Any) -> Hint | None:
    return pure.parse(Delivery({}, json.dumps(body).encode()))


def test_the_default_template_of_the_service(pure: SeerrWebhooks) -> None:
    hint = parsed(
        pure,
        {
            "notification_type": "MEDIA_PENDING",
            "event": "New Movie Request",
            "subject": "Salt (2024)",
            "message": "…",
            "image": "https://image.tmdb.org/t/p/w600_and_h900_bestv2null",
            "media": {
                "media_type": "movie",
                "tmdbId": "603",
                "tvdbId": "",
                "status": "AVAILABLE",
                "status4k": "UNKNOWN",
            },
            "request": {"request_id": "5", "requestedBy_username": "casey"},
            "issue": None,
            "comment": None,
            "extra": [],
        },
    )
    assert hint is not None
    assert (hint.topic, list(hint.keys), hint.summary) == (
        "request.changed",
        ["5"],
        "Waits for approval: Salt (2024)",
    )
    assert hint.facts == {
        "event": "MEDIA_PENDING",
        "kind": "movie",
        "tmdb": "603",
        "status": "available",
        "status_4k": "unknown",
        "title": "Salt (2024)",
        "reference": "5",
    }


@pytest.mark.parametrize(
    ("body", "topic", "keys"),
    [
        ({"what": "MEDIA_AVAILABLE", "request_id": 7}, "request.changed", ["7"]),
        (
            {"content": "Something about {{request_id}}", "request_id": "{{request_id}}"},
            "request.changed",
            [],
        ),
        ({"my": {"issue_id": "3"}}, "issue.changed", ["3"]),
        ({"notification_type": "ISSUE_CREATED", "issue": None}, "issue.changed", []),
        ({}, "request.changed", []),
    ],
)
def test_changed_templates_are_read_as_far_as_they_go(
    pure: SeerrWebhooks, body: dict[str, Any], topic: str, keys: list[str]
) -> None:
    hint = parsed(pure, body)
    assert hint is not None and (hint.topic, list(hint.keys)) == (topic, keys)


def test_kinds_to_come_are_of_no_interest(pure: SeerrWebhooks) -> None:
    assert parsed(pure, {"notification_type": "MEDIA_SOMETHING_NEW", "request": {"request_id": "1"}}) is None


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"7", b"[" * 50_000, b"\xff\xfe", b'{"a":'])
def test_anything_else_is_refused(pure: SeerrWebhooks, body: bytes) -> None:
    with pytest.raises(InvalidResponse):
        pure.parse(Delivery({}, body))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["notification_type", "subject", "media", "request", "request_id", "issue_id", "status"]
                ),
                inner,
            )
        ),
        max_leaves=10,
    )
)
def test_no_message_breaks_anything(body: object) -> None:
    pure = SeerrWebhooks.__new__(SeerrWebhooks)
    try:
        hint = pure.parse(Delivery({}, json.dumps(body).encode()))
    except InvalidResponse:
        assert not isinstance(body, dict)
    else:
        assert hint is None or all(isinstance(value, str) for value in hint.facts.values())
