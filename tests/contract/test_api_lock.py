"""The plugin API is what it was: nobody changes it without knowing."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from medianest_core import sdk
from medianest_core.sdk.version import API_VERSION
from tests.contract import api_lock


def test_the_api_is_what_the_lock_says() -> None:
    locked = json.loads(api_lock.FILE.read_text("utf-8"))
    now = json.loads(json.dumps(api_lock.snapshot()))
    before, after = api_lock.flat(locked), api_lock.flat(now)
    changed = sorted(
        path for path in before.keys() | after.keys() if before.get(path, ...) != after.get(path, ...)
    )
    assert (changed, locked["api"]) == ([], API_VERSION), (
        "the plugin API has changed; if it should, run `python -m tests.contract.api_lock`"
    )


def test_every_public_name_is_in_it() -> None:
    locked = json.loads(api_lock.FILE.read_text("utf-8"))
    assert set(locked["names"]) == set(sdk._HOME)
    assert {"register_status_providers", "on_startup", "review_request"} <= set(locked["hooks"])
    assert "service:status" in locked["events"]


def test_the_changelog_tells_of_this_api() -> None:
    text = (Path(__file__).parents[2] / "CHANGELOG.md").read_text("utf-8")
    assert f"API {API_VERSION}" in text


def test_what_breaks_plugins_asks_for_a_major() -> None:
    now = api_lock.snapshot()
    before = copy.deepcopy(now)
    before["names"]["Item"]["fields"]["colour"] = "str = ''"
    assert "names.Item.fields.colour" in api_lock.refusal(before, now, released=True)
    assert api_lock.refusal(before, now, released=False) == ""


def test_what_is_new_asks_for_a_minor() -> None:
    now = api_lock.snapshot()
    before = copy.deepcopy(now)
    del before["names"]["Item"]
    assert "raise API_MINOR" in api_lock.refusal(before, now, released=True)
    before["api"] = "1.older"
    assert api_lock.refusal(before, now, released=True) == ""


def test_provisional_names_promise_nothing() -> None:
    now = api_lock.snapshot()
    before = copy.deepcopy(now)
    name = next(name for name, one in now["names"].items() if one.get("provisional"))
    before["names"][name]["members"] = {"gone": "()"}
    assert api_lock.broken(before, now) == []


def test_an_api_is_released_with_the_version_that_tells_of_it() -> None:
    changelog = "# Changelog\n\n## 0.2.0 (unreleased)\n- API 1.1\n\n## 0.1.0\n- API 1.0\n"
    assert api_lock.is_released(changelog, "1.0") and not api_lock.is_released(changelog, "1.1")
