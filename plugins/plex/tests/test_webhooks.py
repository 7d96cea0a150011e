"""What a Plex server posts, as the simulator really sends it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.sdk import Delivery, InvalidResponse
from medianest_plex.simulation.webhooks import multipart
from medianest_plex.webhooks import PlexWebhooks, payload

from .plex_kit import Plugged

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4


def delivery(content: bytes, picture: bytes | None = None) -> Delivery:
    content_type, body = multipart(content, picture)
    return Delivery({"content-type": content_type}, body)


def message(plex: Plugged, event: str, kind: str, picture: bytes | None = None) -> Delivery:
    world = plex.simulator.world
    item = next(item for item in world.library.items.values() if item.type == kind)
    body = world.webhooks.payload(event, item, world.accounts.owner)
    return delivery(json.dumps(body).encode(), picture)


@pytest.mark.parametrize("picture", [None, JPEG], ids=["without thumb", "with thumb"])
async def test_a_new_film(plex: Plugged, picture: bytes | None) -> None:
    await plex.server.identity()
    found = message(plex, "library.new", "movie", picture)
    assert plex.webhooks.verify(found)
    assert plex.webhooks.delivery_id(found) is None
    hint = plex.webhooks.parse(found)
    item = next(item for item in plex.simulator.world.library.items.values() if item.type == "movie")
    assert hint is not None
    assert (hint.topic, list(hint.keys), hint.summary) == (
        "media.changed",
        [str(item.key)],
        f"New in Plex: {item.title}",
    )
    assert hint.facts["library"] == str(item.section)


async def test_a_new_episode_brings_those_above_it_first(plex: Plugged) -> None:
    world = plex.simulator.world.library
    item = next(item for item in world.items.values() if item.type == "episode")
    season = world.items[item.parent or 0]
    hint = plex.webhooks.parse(message(plex, "library.new", "episode"))
    assert hint is not None and hint.topic == "media.changed"
    assert list(hint.keys) == [str(season.parent), str(season.key), str(item.key)]


@pytest.mark.parametrize("kind", ["show", "season"])
async def test_a_new_show_stands_for_what_is_below_it(plex: Plugged, kind: str) -> None:
    hint = plex.webhooks.parse(message(plex, "library.new", kind))
    assert hint is not None and hint.topic == "library.changed"
    assert hint.facts["library"] == "2"


@pytest.mark.parametrize("event", ["media.play", "media.scrobble", "library.on.deck", "something.new"])
async def test_what_people_watch_is_of_no_interest(plex: Plugged, event: str) -> None:
    assert plex.webhooks.parse(message(plex, event, "movie", JPEG)) is None


async def test_another_servers_messages_are_refused(plex: Plugged) -> None:
    await plex.server.identity()
    other = delivery(b'{"event":"library.new","Server":{"uuid":"another"},"Metadata":{"ratingKey":"1"}}')
    assert not plex.webhooks.verify(other)
    nobody = delivery(b'{"event":"library.new"}')
    assert not plex.webhooks.verify(nobody)


@pytest.fixture
def pure() -> Any:
    """Webhooks need no server until they compare identifiers."""
    return PlexWebhooks.__new__(PlexWebhooks)


@pytest.mark.parametrize(
    "found",
    [
        Delivery({}, b"{}"),
        Delivery({"content-type": "application/json"}, b'{"event":"library.new"}'),
        Delivery({"content-type": "multipart/form-data"}, b"x"),
        Delivery({"content-type": "multipart/form-data; boundary=x"}, b"nothing of the kind"),
        delivery(b""),
        delivery(b"[" * 100_000),
        delivery(b'{"event":7,"Server":[]}'),
        delivery(b"\xff\xfe"),
    ],
)
def test_anything_else_is_refused(pure: PlexWebhooks, found: Delivery) -> None:
    assert not pure.verify(found)
    with pytest.raises(InvalidResponse):
        pure.parse(found)


@given(st.binary(max_size=400), st.text(max_size=60))
def test_no_delivery_breaks_anything(body: bytes, content_type: str) -> None:
    for kind in (content_type, "multipart/form-data; boundary=b"):
        try:
            payload(Delivery({"content-type": kind}, body))
        except InvalidResponse:
            continue


async def test_the_payload_may_come_as_a_file(plex: Plugged) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="payload"; filename="p.json"\r\n\r\n'
        b'{"event":"library.new","Server":{"uuid":"m"}}\r\n--b--\r\n'
    )
    assert payload(Delivery({"content-type": "multipart/form-data; boundary=b"}, body)).Server.uuid == "m"
