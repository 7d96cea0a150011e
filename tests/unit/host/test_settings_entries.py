"""Secrets in groups and in lists of them: through form, store and history, each known by its entry rather than by its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, field_validator
from starlette.datastructures import FormData

from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.nested import each_setting
from medianest_core.base.redact import redact
from medianest_core.host.errors import InvalidSettings, SettingsUnreadable
from medianest_core.host.forms import blank_entry, entry_titles, form_fields, parse_form, shown_again
from medianest_core.host.instance_rows import masked
from medianest_core.host.kept_secrets import changed_secrets, merge_typed
from medianest_core.host.past_settings import as_typed, not_kept
from medianest_core.host.settings_models import secret_names, settings_problems
from medianest_core.host.settings_store import (
    check_settings,
    open_settings,
    reveal_stored,
    seal_settings,
)
from medianest_core.sdk import MASK, HttpUrl, Secret, ServiceSettings, SettingsGroup

A, B, C = "aaaaaa", "bbbbbb", "cccccc"
ONE, TWO, DOOR = "canary-of-one", "canary-of-two", "canary-of-the-door"
NAS, BOX, ELSEWHERE = "http://192.168.1.9:8080/", "http://192.168.1.10/", "http://192.168.1.66/"


class Door(SettingsGroup):
    user: str = "guest"
    password: Secret | None = None


class Feed(SettingsGroup):
    name: str = Field(title="Name", description="What to call it.")
    url: HttpUrl | None = None
    key: Secret
    spare: Secret | None = None
    active: bool = True
    words: list[str] = Field(default_factory=list)


class Mirror(SettingsGroup):
    url: HttpUrl


class House(ServiceSettings):
    url: HttpUrl | None = None
    token: Secret | None = None
    door: Door = Field(Door(), title="The door")
    feeds: list[Feed] = Field(default_factory=list, max_length=3, description="Where news come from.")
    mirrors: list[Mirror] = Field(default_factory=list)


def entry(entry_id: str, name: str, **more: Any) -> dict[str, Any]:
    return {"_id": entry_id, "name": name} | more


TYPED = {
    "door": {"user": "ann", "password": DOOR},
    "feeds": [entry(A, "one", url=NAS, key=ONE), entry(B, "two", key=TWO)],
}


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.load_or_create(tmp_path / "keys.json")


def stored_of(typed: dict[str, Any], keyring: Keyring) -> dict[str, Any]:
    return seal_settings(check_settings(House, typed), typed, keyring, "id-1")


def keys(model: House) -> dict[str, str]:
    return {one.name: one.key.reveal() for one in model.feeds}


def test_they_are_sealed_and_masked_each_in_its_place(keyring: Keyring) -> None:
    assert settings_problems(House) == []
    assert secret_names(House) == {"token", "door.password", "feeds.key", "feeds.spare"}
    stored = stored_of(TYPED, keyring)
    assert all(secret not in str(stored) for secret in (ONE, TWO, DOOR))
    opened = open_settings(House, stored, keyring, "id-1")
    assert opened == check_settings(House, TYPED)
    assert keys(opened) == {"one": ONE, "two": TWO}
    shown = masked(stored)
    assert each_setting(shown)[f"feeds.{A}.key"] == MASK and shown["door"] == {
        "user": "ann",
        "password": MASK,
    }
    assert [one["_id"] for one in shown["feeds"]] == [A, B] and shown["feeds"][1]["spare"] is None
    assert stored["door"]["password"].startswith("mn1."), "the copy is masked, not what is stored"


def test_a_secret_of_one_entry_opens_in_no_other(keyring: Keyring) -> None:
    stored = stored_of(TYPED, keyring)
    first, second = stored["feeds"]
    moved = stored | {"feeds": [second, first]}
    assert keys(open_settings(House, moved, keyring, "id-1")) == {"one": ONE, "two": TWO}
    swapped = stored | {"feeds": [first | {"key": second["key"]}, second]}
    with pytest.raises(CannotOpen):
        reveal_stored(House, swapped, keyring, "id-1")
    with pytest.raises(SettingsUnreadable):
        open_settings(House, stored | {"token": stored["door"]["password"]}, keyring, "id-1")


def test_the_form_shows_no_secret_and_takes_back_what_it_shows(keyring: Keyring) -> None:
    fields = {one.name: one for one in form_fields(House, masked(stored_of(TYPED, keyring)))}
    assert not any(secret in str(fields) for secret in (ONE, TWO, DOOR, MASK, "mn1."))
    assert (fields["feeds"].kind, fields["feeds"].value) == ("entries", (A, B))
    assert (fields["door.password"].is_set, fields["token"].is_set) == (True, False)
    key = fields[f"feeds.{A}.key"]
    assert (key.is_set, key.value, key.group, key.entry, key.required) == (True, "", "Feeds", A, True)
    assert not fields[f"feeds.{A}.spare"].is_set
    posted = {
        name: ("true" if one.value else "false") if isinstance(one.value, bool) else one.value
        for name, one in fields.items()
    }
    assert parse_form(House, posted) == {
        "url": None,
        "door": {"user": "ann"},
        "feeds": [
            entry(A, "one", url=NAS, active=True, words=[]),
            entry(B, "two", url=None, active=True, words=[]),
        ],
        "mirrors": [],
    }
    assert entry_titles(House, TYPED) == {f"feeds.{A}": "one", f"feeds.{B}": "two"}


def test_entries_are_added_moved_and_removed_by_their_ids() -> None:
    form = FormData(
        [
            ("feeds", B),
            (f"feeds.{B}.name", "two"),
            (f"feeds.{B}.spare__clear", "1"),
            ("feeds", C),
            (f"feeds.{C}.name", "three"),
            (f"feeds.{C}.key", " new key "),
            (f"feeds.{C}.active", "false"),
            ("feeds", A),
            (f"feeds.{A}.name", "one"),
            (f"feeds.{A}__remove", "1"),
            ("feeds__spare", "dddddd"),
            ("feeds.dddddd.name", " "),
            ("feeds.dddddd.active", "true"),
        ]
    )
    assert parse_form(House, form)["feeds"] == [
        entry(B, "two", spare=None, active=False, words=[]),
        entry(C, "three", key="new key", active=False, words=[]),
    ]
    filled = FormData([*form.multi_items(), ("feeds.dddddd.key", "typed")])
    assert parse_form(House, filled)["feeds"][-1]["key"] == "typed", "without a script the spare entry counts"
    assert [one.name for one in blank_entry(House, "feeds", C)][:2] == [f"feeds.{C}.name", f"feeds.{C}.url"]


def test_a_form_that_was_not_saved_keeps_what_is_stored_and_repeats_no_secret(keyring: Keyring) -> None:
    stored = masked(stored_of(TYPED, keyring))
    typed = {
        "door": {"user": "bob", "password": "typed-canary"},
        "feeds": [entry(B, "second"), entry(C, "three", key="typed-canary", spare="$env:SPARE")],
    }
    shown = shown_again(House, stored, typed)
    assert "typed-canary" not in str(shown)
    fields = {one.name: one for one in form_fields(House, shown)}
    assert (fields["door.user"].value, fields["door.password"].is_set) == ("bob", True)
    assert (fields[f"feeds.{B}.name"].value, fields[f"feeds.{B}.key"].is_set) == ("second", True)
    assert not fields[f"feeds.{C}.key"].is_set and fields[f"feeds.{C}.spare"].reference == "$env:SPARE"
    assert stored["door"]["user"] == "ann"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(["aaaaaa", "bbbbbb", "cccccc"]),
    kept=st.integers(0, 3),
    empty=st.sampled_from(["", None]),
)
def test_entries_keep_their_secrets_wherever_they_go(
    keyring: Keyring, order: list[str], kept: int, empty: str | None
) -> None:
    """empty: how the secret is left out, as an empty field or not at all."""
    first = {"feeds": [entry(one, one, key=f"key of {one}") for one in ("aaaaaa", "bbbbbb", "cccccc")]}
    current = reveal_stored(House, stored_of(first, keyring), keyring, "id-1")
    typed = {"feeds": [entry(one, one) | ({} if empty is None else {"key": empty}) for one in order[:kept]]}
    merged = merge_typed(House, typed, current)
    again = open_settings(House, stored_of(merged, keyring), keyring, "id-1")
    assert [(one.name, one.key.reveal()) for one in again.feeds] == [
        (one, f"key of {one}") for one in order[:kept]
    ]
    assert changed_secrets(House, merged, current) == []


def test_a_secret_is_kept_replaced_or_removed_by_itself() -> None:
    current = TYPED | {
        "feeds": [entry(A, "one", key=ONE, spare="old"), entry(B, "two", key=TWO, spare="old")]
    }
    typed = {
        "door": {"user": "ann", "password": None},
        "feeds": [entry(B, "two", key="new", spare=None), entry(A, "one", spare="")],
    }
    merged = merge_typed(House, typed, current)
    assert merged["door"]["password"] is None
    assert merged["feeds"] == [entry(B, "two", key="new", spare=None), entry(A, "one", key=ONE, spare="old")]
    assert changed_secrets(House, merged, current) == ["door.password", f"feeds.{B}.key", f"feeds.{B}.spare"]


def test_what_is_left_out_altogether_keeps_its_secrets() -> None:
    merged = merge_typed(House, {}, TYPED | {"mirrors": [{"_id": C, "url": NAS}]})
    assert merged == {"door": {"user": "guest", "password": DOOR}, "feeds": TYPED["feeds"]}


class Sealed(SettingsGroup):
    word: Secret


class Safe(ServiceSettings):
    lock: Sealed


def test_a_group_that_is_needed_is_kept_like_any_other() -> None:
    assert merge_typed(Safe, {}, {"lock": {"word": DOOR}}) == {"lock": {"word": DOOR}}
    with pytest.raises(InvalidSettings) as refused:
        check_settings(Safe, merge_typed(Safe, {}, {}))
    assert refused.value.errors == {"lock": "This is needed."}


def test_an_entry_without_its_id_is_a_new_one() -> None:
    merged = merge_typed(House, {"feeds": [{"name": "one"}, entry(C, "three")]}, TYPED)
    with pytest.raises(InvalidSettings) as refused:
        check_settings(House, merged)
    assert refused.value.errors == {"feeds.0.key": "This is needed.", f"feeds.{C}.key": "This is needed."}


@pytest.mark.parametrize("ids", [("Aaaaaa",), ("a.bbbbb",), ("x",), (7,), (A, A)])
def test_ids_that_tell_nothing_apart_are_refused(ids: tuple[object, ...]) -> None:
    with pytest.raises(InvalidSettings) as refused:
        check_settings(House, {"feeds": [{"_id": one, "name": "x", "key": "k"} for one in ids]})
    assert '"_id"' in refused.value.errors["feeds"]


def test_mistakes_stand_at_their_entry_and_repeat_nothing() -> None:
    typed = {
        "door": {"password": 7},
        "feeds": ["nonsense", entry(A, "one", url="no", key=ONE), entry(B, "two", key=MASK, wrod=1)],
    }
    with pytest.raises(InvalidSettings) as refused:
        check_settings(House, typed)
    errors = refused.value.errors
    assert set(errors) == {"", "door.password", "feeds.0", f"feeds.{A}.url", f"feeds.{B}.key"}
    assert errors["door.password"] == "This cannot be used."
    assert errors[f"feeds.{B}.key"] == "Type the secret itself, not its mask."
    assert "wrod" in errors[""] and ONE not in str(errors)
    shown = {one.name: one.error for one in form_fields(House, typed, errors)}
    assert shown[f"feeds.{A}.url"].startswith("Enter a complete address")
    with pytest.raises(InvalidSettings) as many:
        check_settings(House, {"feeds": [entry(c * 6, c, key="k") for c in "abcd"]})
    assert many.value.errors == {"feeds": "Enter at most 3."}
    with pytest.raises(InvalidSettings) as named:
        check_settings(House, {"feeds": [entry(A, "one", key=ONE, url="http://me:canary-pw@nas/")]})
    assert set(named.value.errors) == {f"feeds.{A}.url"} and "canary" not in str(named.value.errors)


def test_they_are_masked_in_what_is_logged(keyring: Keyring) -> None:
    check_settings(
        House, {"door": {"password": "Kx81-door-word"}, "feeds": [entry(A, "a", key="Kx81-feed-word")]}
    )
    assert "Kx81" not in redact("the door said Kx81-door-word and the feed Kx81-feed-word")
    settled = check_settings(House, TYPED)
    assert not any(secret in f"{settled!r}{settled.model_dump_json()}" for secret in (ONE, TWO, DOOR))


def test_references_are_followed_and_stay_references(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEED_KEY", ONE)
    monkeypatch.setenv("DOOR_WORD", DOOR)
    typed = {
        "door": {"password": "$env:DOOR_WORD"},
        "feeds": [entry(A, "one", key="$env:FEED_KEY"), entry(B, "two", key=TWO)],
    }
    stored = stored_of(typed, keyring)
    assert masked(stored)["door"]["password"] == "$env:DOOR_WORD"
    assert each_setting(masked(stored))[f"feeds.{A}.key"] == "$env:FEED_KEY"
    assert keys(open_settings(House, stored, keyring, "id-1")) == {"one": ONE, "two": TWO}
    with pytest.raises(InvalidSettings) as refused:
        check_settings(House, {"feeds": [entry(A, "one", key="$env:NOT_THERE")]})
    assert set(refused.value.errors) == {f"feeds.{A}.key"}


class Tidy(ServiceSettings):
    feeds: list[Feed]

    @field_validator("feeds")
    @classmethod
    def _in_order(cls, feeds: list[Feed]) -> list[Feed]:
        return sorted((one for one in feeds if one.name != "gone"), key=lambda one: one.name)


@pytest.mark.parametrize("names", [("b", "a"), ("b", "gone", "a")])
def test_a_validator_may_sort_and_leave_out(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FEED_KEY", ONE)
    typed = {
        "feeds": [
            entry(one * 6, one, key="$env:FEED_KEY" if one == "b" else f"key of {one}") for one in names
        ]
    }
    stored = seal_settings(check_settings(Tidy, typed), typed, keyring, "id-1")
    opened = open_settings(Tidy, stored, keyring, "id-1")
    assert [(one.name, one.key.reveal()) for one in opened.feeds] == [("a", "key of a"), ("b", ONE)]


CURRENT: dict[str, Any] = {
    "url": NAS,
    "token": "t",
    "door": {"user": "ann", "password": DOOR},
    "feeds": [entry(A, "one", url=NAS, key=ONE), entry(B, "two", key=TWO)],
    "mirrors": [{"_id": C, "url": BOX}],
}


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        ({"feeds": [entry(B, "two"), entry(A, "other name", url=f"{NAS}path")]}, set()),
        ({"feeds": [entry(A, "one", url=ELSEWHERE), entry(B, "two")]}, {f"feeds.{A}.key"}),
        ({"feeds": [entry(A, "one", url=NAS), entry(B, "two", url=ELSEWHERE)]}, {f"feeds.{B}.key"}),
        ({"feeds": [entry(A, "one")]}, {f"feeds.{A}.key"}),
        ({"feeds": [*CURRENT["feeds"], entry("dddddd", "new", url=ELSEWHERE, key="k")]}, set()),
        ({"url": ELSEWHERE}, {"token", "door.password", f"feeds.{B}.key"}),
        ({"url": ELSEWHERE, "token": "typed", "door": {"password": None}, "feeds": []}, set()),
        ({"mirrors": [{"url": BOX}]}, {"token", "door.password", f"feeds.{B}.key"}),
        ({"mirrors": [{"_id": C, "url": ELSEWHERE}]}, {"token", "door.password", f"feeds.{B}.key"}),
        ({"mirrors": [{"_id": C, "url": BOX}]}, set()),
        ({"mirrors": []}, set()),
    ],
)
def test_a_kept_secret_goes_to_no_address_that_it_was_not_typed_for(
    changed: dict[str, Any], asked: set[str]
) -> None:
    plain = {
        "url": NAS,
        "door": {"user": "ann"},
        "feeds": [entry(A, "one", url=NAS), entry(B, "two")],
        "mirrors": CURRENT["mirrors"],
    }
    if not asked:
        check_settings(House, merge_typed(House, plain | changed, CURRENT))
        return
    with pytest.raises(InvalidSettings) as refused:
        merge_typed(House, plain | changed, CURRENT)
    assert set(refused.value.errors) == asked


def test_an_earlier_state_comes_back_with_the_secrets_that_are_still_there(keyring: Keyring) -> None:
    past = masked(stored_of(TYPED, keyring))
    assert not_kept(House, past) == ["door.password", f"feeds.{A}.key", f"feeds.{B}.key"]
    today = {
        "door": {"user": "bob", "password": "today"},
        "feeds": [entry(B, "two", key="today"), entry(C, "three", key="k")],
    }
    typed = as_typed(House, past, masked(stored_of(today, keyring)), {f"feeds.{A}.key": "typed"})
    assert MASK not in str(typed)
    assert typed["feeds"][0]["key"] == "typed" and "key" not in typed["feeds"][1]
    merged = merge_typed(House, typed, today)
    assert merged["door"] == {"user": "ann", "password": "today"}
    assert [(one["_id"], one["key"]) for one in merged["feeds"]] == [(A, "typed"), (B, "today")]
    forgotten = as_typed(House, past, masked(stored_of(today, keyring)), {})
    with pytest.raises(InvalidSettings) as refused:
        check_settings(House, merge_typed(House, forgotten, today))
    assert refused.value.errors == {f"feeds.{A}.key": "This is needed."}
