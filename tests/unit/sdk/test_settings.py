from __future__ import annotations

import json
import pickle

import pytest
from pydantic import ValidationError

from medianest_core.sdk import MASK, HttpUrl, Secret, ServiceSettings, secret_fields


class Example(ServiceSettings):
    url: HttpUrl
    key: Secret
    spare: Secret | None = None


def test_a_secret_shows_nowhere_by_itself() -> None:
    settings = Example.model_validate({"url": "http://box.lan:81/base/", "key": "canary-1234"})
    shown = (
        repr(settings)
        + str(settings)
        + settings.model_dump_json()
        + json.dumps(settings.model_dump(mode="json"))
    )
    assert "canary" not in shown
    assert settings.key.reveal() == "canary-1234"
    with pytest.raises(TypeError):
        pickle.dumps(settings.key)


def test_errors_do_not_repeat_the_input() -> None:
    with pytest.raises(ValidationError) as caught:
        Example.model_validate({"url": "nonsense", "key": "canary-1234", "odd": "canary-5678"})
    assert "canary" not in str(caught.value)


def test_the_mask_is_refused_as_input() -> None:
    with pytest.raises(ValidationError):
        Example.model_validate({"url": "http://box.lan", "key": MASK})


def test_sealing_and_opening_go_through_the_context() -> None:
    settings = Example.model_validate({"url": "http://box.lan", "key": "clear"})
    stored = settings.model_dump_json(context={"seal_secret": lambda text: text[::-1]})
    assert json.loads(stored)["key"] == "raelc"
    assert Example.model_validate_json(
        stored, context={"open_secret": lambda text: text[::-1]}
    ).key == Secret("clear")


def test_hosts_and_base_url_follow_the_url_fields() -> None:
    settings = Example.model_validate({"url": "http://box.lan:81/base/", "key": "clear"})
    assert settings.hosts() == ["box.lan:81"]
    assert settings.base_url() == "http://box.lan:81/base"
    assert Example.model_validate({"url": "https://box.lan", "key": "x"}).hosts() == ["box.lan:443"]


def test_secret_fields_are_found_by_type() -> None:
    assert secret_fields(Example) == {"key", "spare"}
