"""What Jellyfin's Webhook plugin posts, by its documented names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from medianest_core.builtin.jellyfin.receiver import JellyfinSettings, JellyfinWebhooks
from medianest_core.sdk import Delivery, InvalidResponse, Secret


def receiver(**settings: Any) -> JellyfinWebhooks:
    nothing: Any = None
    return JellyfinWebhooks("one", JellyfinSettings(**settings), nothing, nothing)


def posted(headers: dict[str, str] | None = None, **message: Any) -> Delivery:
    everything = {"ServerId": "5f", "ServerName": "Cellar", "ServerVersion": "10.11.4", **message}
    return Delivery(
        {"content-type": "text/plain; charset=utf-8", **(headers or {})}, json.dumps(everything).encode()
    )


EPISODE: dict[str, Any] = {
    "NotificationType": "ItemAdded",
    "ItemType": "Episode",
    "ItemId": "0b1c",
    "Name": "The Ferry",
    "SeriesName": "Harbour",
    "SeasonNumber": 1,
    "EpisodeNumber": 4,
    "Provider_tvdb": "81189",
}


def test_something_new_makes_the_media_servers_look() -> None:
    hint = receiver().parse(posted(**EPISODE))
    assert hint is not None
    assert (hint.topic, hint.about, hint.summary) == ("library.changed", "*", "New: Harbour: The Ferry")
    assert not hint.keys


def test_the_server_meant_can_be_named() -> None:
    hint = receiver(server=" Cellar ").parse(posted(**EPISODE | {"NotificationType": "ItemDeleted"}))
    assert hint is not None
    assert (hint.topic, hint.about, hint.summary) == ("media.removed", "Cellar", "Gone: Harbour: The Ferry")


def test_what_is_of_no_interest_and_a_test() -> None:
    assert receiver().parse(posted(NotificationType="PlaybackStart", Name="The Ferry")) is None
    hint = receiver().parse(posted(NotificationType="Generic", Name="Test"))
    assert hint is not None and hint.topic == "test"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"[" * 100_000, b"{}", b'{"NotificationType": 7.5}', b"\xff"]
)
def test_anything_else_is_refused_with_what_to_do(body: bytes) -> None:
    with pytest.raises(InvalidResponse, match="Jellyfin"):
        receiver().parse(Delivery({}, body))


def test_its_secret() -> None:
    guarded = receiver(secret=Secret("of the house"))
    assert guarded.verify(posted({"x-medianest-secret": "of the house"}, **EPISODE))
    assert not guarded.verify(posted({"x-medianest-secret": "anöther"}, **EPISODE))
    assert not guarded.verify(posted(**EPISODE))
    assert receiver().verify(posted(**EPISODE))
