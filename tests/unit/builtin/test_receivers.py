"""What is understood of the messages of Tautulli, and of anybody's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from medianest_core.builtin.generic.pointer import find, valid
from medianest_core.builtin.generic.receiver import GenericWebhooks
from medianest_core.builtin.generic.settings import JsonSettings
from medianest_core.builtin.tautulli.receiver import TEMPLATE, TautulliSettings, TautulliWebhooks
from medianest_core.sdk import Delivery, Hint, InvalidResponse, Secret


def delivery(message: Any, **headers: str) -> Delivery:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return Delivery({name.replace("_", "-"): value for name, value in headers.items()}, body)


def tautulli(**settings: Any) -> TautulliWebhooks:
    none: Any = None
    return TautulliWebhooks("t", TautulliSettings(**settings), none, none)


def generic(**settings: Any) -> GenericWebhooks:
    none: Any = None
    return GenericWebhooks("g", JsonSettings(**settings), none, none)


def filled(**values: str) -> dict[str, str]:
    """The template as Tautulli fills it in: what it does not know is empty."""
    return {name: values.get(name, "") for name in json.loads(TEMPLATE)}


def test_new_media_of_a_named_server_are_read_by_their_keys() -> None:
    message = filled(
        action="created", media_type="episode", title="Pilot", rating_key="12", grandparent_rating_key="10"
    )
    hint = tautulli(server="Living room").parse(delivery(message))
    assert hint is not None and hint.about == "Living room"
    assert (hint.topic, list(hint.keys), hint.summary) == ("media.changed", ["10", "12"], "New: Pilot")


@pytest.mark.parametrize("settings", [{}, {"server": "Living room"}])
def test_a_series_or_an_unnamed_server_is_looked_through(settings: dict[str, str]) -> None:
    message = filled(action="created", media_type="show", title="Tin Moon", rating_key="10")
    hint = tautulli(**settings).parse(delivery(message))
    assert hint is not None and (hint.topic, list(hint.keys)) == ("library.changed", [])
    assert hint.about == settings.get("server", "*")


def test_up_and_down_concern_the_status_and_playback_nobody() -> None:
    topics = {
        action: hint.topic if (hint := tautulli().parse(delivery(filled(action=action)))) else None
        for action in ("intdown", "extup", "test", "play", "watched")
    }
    assert topics == {
        "intdown": "status.changed",
        "extup": "status.changed",
        "test": "test",
        "play": None,
        "watched": None,
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 3000, b'{"subject": "text"}'])
def test_what_is_not_of_the_template_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidResponse):
        tautulli().parse(delivery(body))


def test_secrets_stand_in_headers() -> None:
    sent = delivery({}, x_medianest_secret="right", x_mine="other")
    assert tautulli().verify(sent) and tautulli(secret=Secret("right")).verify(sent)
    assert not tautulli(secret=Secret("wrong")).verify(sent)
    assert generic(secret=Secret("other"), secret_header="X-Mine").verify(sent)
    assert not generic(secret=Secret("other")).verify(sent)


def test_pointers_say_what_a_message_means() -> None:
    receiver = generic(
        topic_at="/event/type",
        topics=["ItemAdded=media.changed", "a=b=media.removed"],
        keys_at=["/items/0/id", "/all"],
        id_at="/number",
        summary_at="/items/0/name",
        about="Attic",
        topic="",
    )
    sent = delivery(
        {
            "event": {"type": "ItemAdded"},
            "items": [{"id": 7, "name": "Tin Moon"}],
            "all": ["8", 7, None, True, {"x": 1}],
            "number": 41,
        }
    )
    assert receiver.delivery_id(sent) == "41"
    assert receiver.parse(sent) == Hint(
        "media.changed", ["7", "8"], "ItemAdded: Tin Moon", {"event": "ItemAdded"}, "Attic"
    )
    assert receiver.parse(delivery({"event": {"type": "Else"}})) is None
    assert receiver.parse(delivery({"event": {"type": "status.changed"}})).topic == "status.changed"  # type: ignore[union-attr]  # it is one
    removed = receiver.parse(delivery({"event": {"type": "a=b"}}))
    assert removed is not None and removed.topic == "media.removed"


def test_without_a_service_meant_keys_say_nothing() -> None:
    hint = generic(keys_at=["/id"]).parse(delivery({"id": 1}))
    assert hint == Hint("library.changed", (), "", {}, "*")


@pytest.mark.parametrize(
    "wrong",
    [
        {"topic": "library.exploded"},
        {"topic_at": "event"},
        {"topic_at": "/a~2b"},
        {"keys_at": ["/a", "b"]},
        {"topics": ["ItemAdded"]},
        {"topics": ["=test"]},
        {"topics": ["x=unknown"]},
        {"secret_header": "two words"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JsonSettings(**wrong)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def places(document: Any, pointer: str = "") -> list[tuple[str, Any]]:
    """Every pointer into the document, with what stands there."""
    found = [(pointer, document)]
    named: Iterable[tuple[Any, Any]] = document.items() if isinstance(document, dict) else ()
    if isinstance(document, list):
        named = enumerate(document)
    for name, inner in named:
        token = str(name).replace("~", "~0").replace("/", "~1")
        found += places(inner, f"{pointer}/{token}")
    return found


@given(JSONS)
def test_every_value_has_a_pointer_that_finds_it(document: Any) -> None:
    for pointer, value in places(document):
        assert valid(pointer) and find(document, pointer) is value
        assert find(document, f"{pointer}/no such name") is None


@given(st.binary(max_size=60) | JSONS.map(lambda one: json.dumps(one).encode()))
def test_whatever_comes_it_is_understood_or_refused(body: bytes) -> None:
    receiver = generic(topic_at="/a/0", keys_at=["/b"], id_at="/c", summary_at="/d", about="x")
    sent = delivery(body)
    receiver.delivery_id(sent)
    for one in (receiver, tautulli()):
        try:
            hint = one.parse(sent)
        except InvalidResponse:
            continue
        assert hint is None or all(isinstance(key, str) for key in hint.keys)
