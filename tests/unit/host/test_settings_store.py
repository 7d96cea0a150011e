"""Settings at rest: sealed by type, bound to their place, never replaced, never leaked by an error."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, field_validator

from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.redact import redact
from medianest_core.host.errors import InvalidSettings, SettingsUnreadable
from medianest_core.host.kept_secrets import merge_typed
from medianest_core.host.settings_store import (
    check_settings,
    fingerprint,
    open_settings,
    reveal_stored,
    seal_settings,
)
from medianest_core.sdk import HttpUrl, Secret, ServiceSettings


class Sample(ServiceSettings):
    url: HttpUrl
    key: Secret
    second: Secret | None = None
    mode: Literal["a", "b"] = "a"
    count: int = Field(3, ge=1)

    @field_validator("second")
    @classmethod
    def _not_short(cls, value: Secret | None) -> Secret | None:
        if value is not None and len(value.reveal()) < 3:
            raise ValueError(f"{value.reveal()} is too short")
        return value


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.load_or_create(tmp_path / "keys.json")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
@given(key=st.text(min_size=1), second=st.none() | st.text(min_size=3), count=st.integers(1, 10**6))
def test_what_goes_in_comes_out(keyring: Keyring, key: str, second: str | None, count: int) -> None:
    typed = {"url": "http://a.example", "key": "k" + key, "second": second and "s" + second, "count": count}
    model = check_settings(Sample, typed)
    stored = seal_settings(model, typed, keyring, "id-1")
    assert stored["key"].startswith("mn1.")
    assert open_settings(Sample, stored, keyring, "id-1") == model


def test_a_secret_opens_only_in_its_own_place(keyring: Keyring) -> None:
    typed = {"url": "http://a.example", "key": "first secret", "second": "other secret"}
    stored = seal_settings(check_settings(Sample, typed), typed, keyring, "id-1")
    with pytest.raises(CannotOpen):
        reveal_stored(Sample, stored, keyring, "id-2")
    swapped = {**stored, "key": stored["second"], "second": stored["key"]}
    with pytest.raises(SettingsUnreadable):
        open_settings(Sample, swapped, keyring, "id-1")


def test_settings_of_an_older_plugin_are_reported_and_not_replaced(keyring: Keyring) -> None:
    stored = {"url": "http://a.example", "key": keyring.seal("x", "instance:i:key"), "gone": 1}
    with pytest.raises(SettingsUnreadable, match="do not fit this version"):
        open_settings(Sample, stored, keyring, "i")


@given(canary=st.text(st.characters(categories=["L", "N"]), min_size=12, max_size=40))
def test_no_error_repeats_an_input(canary: str) -> None:
    for typed in (
        {"url": canary, "key": canary, "second": canary, "mode": canary, "count": canary},
        {"url": canary, "key": canary},
        {"key": canary},
    ):
        with pytest.raises(InvalidSettings) as refused:
            check_settings(Sample, typed)
        assert canary not in str(refused.value.errors)
        assert canary not in str(refused.value)


def test_a_validators_own_words_about_a_secret_are_withheld() -> None:
    with pytest.raises(InvalidSettings) as refused:
        check_settings(Sample, {"url": "http://a.example", "key": "k", "second": "xy"})
    assert refused.value.errors == {"second": "This cannot be used."}


def test_messages_are_for_people() -> None:
    with pytest.raises(InvalidSettings) as refused:
        check_settings(Sample, {"url": "a", "count": "many", "mode": "c", "unknown": 1})
    assert refused.value.errors == {
        "url": "Enter a complete address, such as http://192.168.1.20:5055.",
        "key": "This is needed.",
        "mode": "It must be 'a' or 'b'.",
        "count": "Enter a number.",
        "": 'There is no setting called "unknown".',
    }


def test_kept_removed_and_replaced_secrets() -> None:
    current = {"url": "http://a.example", "key": "old key", "second": "old second"}
    assert merge_typed(Sample, {"url": "x"}, current) == {
        "url": "x",
        "key": "old key",
        "second": "old second",
    }
    assert merge_typed(Sample, {"key": "", "second": None}, current)["key"] == "old key"
    assert merge_typed(Sample, {"second": None}, current)["second"] is None
    assert merge_typed(Sample, {"key": "new"}, current)["key"] == "new"


def test_the_fingerprint_changes_with_every_save(keyring: Keyring) -> None:
    typed = {"url": "http://a.example", "key": "same secret"}
    model = check_settings(Sample, typed)
    once, again = (seal_settings(model, typed, keyring, "i") for _ in range(2))
    assert fingerprint(once) != fingerprint(again)
    assert fingerprint(once) == fingerprint(dict(reversed(list(once.items()))))


def test_an_address_with_a_password_in_it_is_refused_without_repeating_it() -> None:
    with pytest.raises(InvalidSettings) as refused:
        check_settings(Sample, {"url": "http://someone:canary-word@a.example", "key": "a key"})
    assert refused.value.errors["url"].startswith("Leave name and password out")
    assert "canary" not in repr(refused.value) + str(refused.value.errors)


def test_each_line_of_a_pasted_cookies_file_is_masked(keyring: Keyring) -> None:
    line = ".site.example\tTRUE\t/\tTRUE\t1999999999\tSID\tcanary-cookie-of-one-line"
    check_settings(Sample, {"url": "http://a.example", "key": f"# Netscape HTTP Cookie File\n{line}\n"})
    assert "canary" not in redact("cannot use SID=canary-cookie-of-one-line")
    assert redact("site.example 1999999999") == "site.example 1999999999"


class Addressed(ServiceSettings):
    url: HttpUrl
    account_url: HttpUrl = HttpUrl("https://account.example")
    key: Secret


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ({"url": "http://box.lan:8080/other"}, False),
        ({"url": "http://box.lan:8080", "account_url": "https://account.example"}, False),
        ({"url": "http://elsewhere.example:8080"}, True),
        ({"url": "https://box.lan:8080"}, True),
        ({"url": "http://box.lan:8080", "account_url": "https://elsewhere.example"}, True),
    ],
)
def test_a_kept_secret_goes_to_no_other_host(typed: dict[str, str], asked: bool) -> None:
    current = {"url": "http://box.lan:8080", "key": "stored"}
    if asked:
        with pytest.raises(InvalidSettings) as caught:
            merge_typed(Addressed, typed, current)
        assert set(caught.value.errors) == {"key"}
        assert merge_typed(Addressed, {**typed, "key": "typed"}, current)["key"] == "typed"
    else:
        assert merge_typed(Addressed, typed, current)["key"] == "stored"
