"""Settings that belong together: one level of grouping, through declaration, form, store, hosts and history."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field
from starlette.datastructures import FormData

from medianest_core.base.crypto import Keyring
from medianest_core.host.errors import InvalidSettings
from medianest_core.host.forms import form_fields, parse_form
from medianest_core.host.kept_secrets import merge_typed
from medianest_core.host.past_settings import as_typed
from medianest_core.host.settings_models import settings_problems
from medianest_core.host.settings_store import check_settings, open_settings, seal_settings
from medianest_core.sdk import HttpUrl, Secret, ServiceSettings, SettingsGroup


class Tls(SettingsGroup):
    verify: bool = Field(True, title="Check the certificate")
    authority: str = ""
    mode: Literal["new", "old"] = "new"


class Feed(SettingsGroup):
    url: HttpUrl
    words: list[str] = Field(default_factory=list)
    every: int = Field(60, ge=10)


class Grouped(ServiceSettings):
    key: Secret | None = None
    tls: Tls = Field(Tls(), title="Encryption")
    feed: Feed


FORM = FormData(
    [
        ("key", "canary"),
        ("tls.verify", "false"),
        ("tls.authority", " home "),
        ("tls.mode", "old"),
        ("feed.url", "http://192.168.1.9:8080/"),
        ("feed.words", "a\nb"),
        ("feed.every", "30"),
    ]
)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.load_or_create(tmp_path / "keys.json")


def test_a_group_is_a_part_of_the_form_and_comes_back_as_typed(keyring: Keyring) -> None:
    assert settings_problems(Grouped) == []
    settings = check_settings(Grouped, parse_form(Grouped, FORM))
    assert settings.tls == Tls(verify=False, authority="home", mode="old")
    assert (settings.feed.words, settings.feed.every) == (["a", "b"], 30)
    stored = seal_settings(settings, {}, keyring, "one")
    assert open_settings(Grouped, stored, keyring, "one") == settings
    fields = {one.name: one for one in form_fields(Grouped, stored)}
    assert [(one.group, one.label) for one in fields.values()][1] == ("Encryption", "Check the certificate")
    assert (fields["tls.verify"].value, fields["feed.every"].value) == (False, "30")
    assert [one.value for one in form_fields(Grouped)][1:3] == [True, ""]


def test_mistakes_stand_beside_their_fields() -> None:
    values = parse_form(Grouped, FORM) | {"feed": {"url": "no", "every": 1}, "tls": {"verfy": True}}
    with pytest.raises(InvalidSettings) as refused:
        check_settings(Grouped, values)
    assert set(refused.value.errors) == {"feed.url", "feed.every", ""}
    assert "tls.verfy" in refused.value.errors[""]
    shown = {one.name: one.error for one in form_fields(Grouped, values, refused.value.errors)}
    assert shown["feed.every"] == "It must be at least 10."


def test_addresses_in_groups_count_like_others() -> None:
    settings = check_settings(Grouped, parse_form(Grouped, FORM))
    assert settings.hosts() == ["192.168.1.9:8080"]
    with pytest.raises(InvalidSettings) as named:
        check_settings(Grouped, {"feed": {"url": "http://me:pw@nas/"}})
    assert set(named.value.errors) == {"feed.url"}
    current = {"key": "canary", "feed": {"url": "http://192.168.1.9:8080/"}}
    assert merge_typed(Grouped, {"feed": {"url": "http://192.168.1.9:8080"}}, current)["key"] == "canary"
    with pytest.raises(InvalidSettings) as moved:
        merge_typed(Grouped, {"feed": {"url": "http://192.168.1.66/"}}, current)
    assert set(moved.value.errors) == {"key"}


def test_an_earlier_state_of_a_group_fits_the_group_of_today() -> None:
    past = {"key": None, "feed": {"url": "http://old/", "gone": 1}, "tls": {"verify": False}}
    present = {
        "key": None,
        "feed": {"url": "http://new/", "words": ["x"], "every": 60},
        "tls": {"mode": "old"},
    }
    assert as_typed(Grouped, past, present, {}) == {
        "key": None,
        "tls": {"mode": "old", "verify": False},
        "feed": {"url": "http://old/", "words": ["x"], "every": 60},
    }


class Deep(SettingsGroup):
    inner: Tls = Tls()


class Listed(SettingsGroup):
    inner: list[Tls] = Field(default_factory=list)


class Loose(SettingsGroup, extra="ignore"):
    word: str = ""


class Plain(BaseModel):
    word: str = ""


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (Deep, "groups inside groups"),
        (Loose, 'extra="forbid"'),
        (Plain, "use a SettingsGroup"),
        (Tls | None, "use a SettingsGroup"),
        (list[Tls] | None, "use a SettingsGroup"),
        (list[Plain], "use a SettingsGroup"),
        (list[Loose], 'extra="forbid"'),
        (list[Deep], "groups inside groups"),
        (list[Listed], "lists of groups inside groups"),
        (list[list[Tls]], "lists inside lists"),
        (list[Secret], "use a list of a SettingsGroup"),
    ],
)
def test_what_a_group_cannot_be(group: object, said: str) -> None:
    model = type("Wrong", (ServiceSettings,), {"__annotations__": {"group": group}, "__module__": __name__})
    (problem,) = settings_problems(model)
    assert said in problem
