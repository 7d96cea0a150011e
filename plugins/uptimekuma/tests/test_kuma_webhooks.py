"""What Uptime Kuma posts, as the simulator really sends it, and the portal adding itself there."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medianest_core.sdk import Delivery, InvalidResponse, Unsupported
from medianest_core.testing.loopback import serving
from medianest_uptimekuma.simulation.webhooks import form
from medianest_uptimekuma.webhooks import KumaWebhooks, payload

from .kuma_kit import kuma, plugged


@pytest.fixture
def pure() -> Any:
    """Reading a delivery needs no server."""
    return KumaWebhooks.__new__(KumaWebhooks)


def posted(body: Any, kind: str = "application/json") -> Delivery:
    return Delivery({"content-type": kind}, json.dumps(body).encode())


class Mailbox:
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        self.got: list[Delivery] = []
        self.app = Starlette(routes=[Route("/hook", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        self.got.append(Delivery(dict(request.headers), await request.body()))
        return Response("ok")


@pytest.mark.parametrize("profile", ["1.23", "2"])
async def test_it_adds_itself_and_hears_of_down_and_up(
    tmp_path: Path, profile: str, pure: KumaWebhooks
) -> None:
    box = Mailbox()
    async with (
        serving(box.app) as place,
        kuma(tmp_path, profile) as (simulator, url),
        plugged(simulator, url) as portal,
    ):
        hook = f"{place}/hook"
        await portal.webhooks.register(hook)
        await portal.webhooks.register(hook)
        (kept,) = simulator.world.notifications.values()
        assert (kept["webhookURL"], kept["isDefault"], kept["applyExisting"]) == (hook, True, True)
        plex = portal.monitor("Plex")
        await simulator.pulse.trouble(plex, "timeout of 48000ms exceeded")
        await simulator.pulse.beat(plex)
        await simulator.pulse.trouble(plex, None)
        await simulator.webhooks.test(kept)
        down, up, test = box.got
        assert all(pure.verify(one) for one in box.got)
        hint = pure.parse(down)
        assert hint is not None
        assert (hint.topic, list(hint.keys)) == ("status.changed", ["2"])
        assert hint.facts == {"status": "down", "monitor": "Plex"}
        assert hint.summary == "[Plex] [🔴 Down] timeout of 48000ms exceeded"
        recovered = pure.parse(up)
        assert recovered is not None and recovered.facts["status"] == "up"
        assert pure.delivery_id(down) not in (None, pure.delivery_id(up))
        tried = pure.parse(test)
        assert tried is not None and (tried.topic, list(tried.keys)) == ("test", [])
        assert pure.delivery_id(test) is None
        async with asyncio.timeout(60):
            while not (await portal.client.session.board()).notifications:  # type: ignore[union-attr]  # it signs in
                await asyncio.sleep(0.01)
        await portal.webhooks.unregister(hook)
        assert simulator.world.notifications == {}


async def test_without_a_sign_in_the_admin_does_it(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url, status_page="home") as portal:
        with pytest.raises(Unsupported, match="by hand"):
            await portal.webhooks.register("http://portal.example/hook")


async def test_the_form_holds_the_same(tmp_path: Path, pure: KumaWebhooks) -> None:
    async with kuma(tmp_path) as (simulator, _):
        monitor = simulator.world.monitors[2]
        told = simulator.webhooks.payload(monitor, await simulator.pulse.beat(monitor))
    kind, body = form(told)
    wrapped = Delivery({"content-type": kind}, body)
    assert pure.verify(wrapped)
    assert pure.parse(wrapped) == pure.parse(posted(told))
    assert pure.delivery_id(wrapped) == pure.delivery_id(posted(told))


def test_a_certificate_that_ends_soon_names_no_monitor(pure: KumaWebhooks) -> None:
    said = "[Web][https://home.example] server certificate home.example will expire in 7 days"
    hint = pure.parse(posted({"heartbeat": None, "monitor": None, "msg": said}))
    assert hint is not None and (hint.topic, list(hint.keys), hint.summary) == ("status.changed", [], said)


@pytest.mark.parametrize(
    "found",
    [
        Delivery({}, b""),
        Delivery({}, b"[]"),
        Delivery({}, b'{"msg": "only"}'),
        Delivery({}, b'{"msg": 7, "heartbeat": null, "monitor": null}'),
        Delivery({}, b"[" * 100_000),
        Delivery({"content-type": "multipart/form-data"}, b"x"),
        Delivery({"content-type": "multipart/form-data; boundary=x"}, b"nothing of the kind"),
    ],
)
def test_anything_else_is_refused(pure: KumaWebhooks, found: Delivery) -> None:
    assert not pure.verify(found)
    with pytest.raises(InvalidResponse):
        pure.parse(found)


@settings(deadline=None)
@given(st.binary(max_size=300), st.text(max_size=60))
def test_no_delivery_breaks_anything(body: bytes, content_type: str) -> None:
    for kind in (content_type, "multipart/form-data; boundary=b"):
        try:
            payload(Delivery({"content-type": kind}, body))
        except InvalidResponse:
            continue


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "msg": st.text(max_size=20),
            "heartbeat": st.none()
            | st.dictionaries(
                st.sampled_from(["monitorID", "status", "time"]), st.integers() | st.none() | st.text()
            ),
            "monitor": st.none() | st.dictionaries(st.just("name"), st.text() | st.integers()),
        }
    )
)
def test_every_message_in_shape_is_understood(body: dict[str, Any]) -> None:
    pure: KumaWebhooks = KumaWebhooks.__new__(KumaWebhooks)
    delivery = posted(body)
    assert pure.verify(delivery)
    hint = pure.parse(delivery)
    assert hint is not None and hint.topic in ("status.changed", "test")
    pure.delivery_id(delivery)
