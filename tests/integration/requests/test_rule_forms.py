"""Changing rules and profiles in the pages, with what a service offers for a profile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from medianest_core.host.states import InstanceState
from medianest_core.sdk.requests import OptionChoice, RequestBackend, RequestOption
from tests.fakes.media import FakeInstances
from tests.fakes.requests import FakeSeerr, FullBackend
from tests.integration.requests.test_pages import HTMX, House, house

__all__ = ["house"]
RULES = "/admin/requests"
RULE = {
    "who": "role:user",
    "kind": "movie",
    "variant": "",
    "access": "ask",
    "quota": "3",
    "window_days": "30",
}


class Choosy(FullBackend):
    """Offers a quality and tags; for shows other ones than for movies."""

    async def options(self, kind: str, variant: str = "") -> list[RequestOption]:
        self._call("options")
        tags = [OptionChoice("5", "kids"), OptionChoice("6", "later")]
        quality = [OptionChoice("1", "HD"), OptionChoice("2", f"Best {kind}{variant}")]
        return [
            RequestOption("quality", "Quality", quality, "1"),
            RequestOption("tags", "Tags", tags, many=True),
        ]


@dataclass
class Rules:
    house: House
    seerr: FakeSeerr
    instances: FakeInstances

    async def get(self, path: str = "") -> str:
        return str((await self.house.root.client.get(RULES + path)).text)

    async def post(self, path: str, /, **data: Any) -> Any:
        return await self.house.root.client.post(RULES + path, data=data, headers={"origin": HTMX["origin"]})

    async def profiles(self) -> list[dict[str, Any]]:
        found = (await self.house.root.client.get("/api/v1/request-rules/profiles")).json()
        assert isinstance(found, list)
        return found


@pytest.fixture
async def rules(house: House, monkeypatch: pytest.MonkeyPatch) -> Rules:
    seerr, instances = FakeSeerr(), FakeInstances()
    instances.add("seerr", RequestBackend, Choosy("seerr", seerr))
    requests = house.gate.services.requests
    for part in (requests.backends, requests.profiles):
        monkeypatch.setattr(part, "_instances", instances)
    return Rules(house, seerr, instances)


def checked(page: str, name: str) -> set[str]:
    """The values of a field that are chosen in a page."""
    found = re.findall(
        rf'<input type="(?:checkbox|radio)" name="{re.escape(name)}" value="([^"]*)" checked', page
    )
    (select,) = re.findall(rf'<select[^>]* name="{re.escape(name)}".*?</select>', page, re.S) or [""]
    return {*found, *re.findall(r'<option value="([^"]*)" selected', select)}


async def test_a_rule_is_changed_and_the_slower_one_sees_what_stands_there(rules: Rules) -> None:
    await rules.post("/policies", **RULE)
    (place,) = set(re.findall(r'href="/admin/requests(/policies/[^"]+)"', await rules.get()))
    form = await rules.get(place)
    assert checked(form, "kind") == {"movie"} and checked(form, "access") == {"ask"} and 'value="3"' in form
    done = await rules.post(place, **RULE | {"access": "auto", "quota": "5", "version": "1"})
    assert (done.status_code, done.headers["location"]) == (303, RULES)
    assert "5 within 30 days" in await rules.get()
    late = await rules.post(place, **RULE | {"version": "1"})
    assert late.status_code == 409 and "Root changed this" in late.text
    assert "Saved by someone else: 5" in late.text and "Saved by someone else: At once" in late.text
    assert 'name="version" value="2"' in late.text and checked(late.text, "access") == {"ask"}
    again = await rules.post(place, **RULE | {"version": "2"})
    assert again.status_code == 303 and "3 within 30 days" in await rules.get()
    wrong = await rules.post(place, **RULE | {"quota": "many", "version": "3"})
    assert wrong.status_code == 422 and "Write a number." in wrong.text and 'value="many"' in wrong.text
    await rules.post("/policies", **RULE | {"kind": "show"})
    twice = await rules.post(place, **RULE | {"kind": "show", "version": "3"})
    assert twice.status_code == 422 and "There is a rule for exactly this already." in twice.text
    assert (await rules.house.ann.client.get(RULES + place)).status_code == 403
    assert "There is no such rule." in await rules.get("/policies/none")


async def test_a_profile_takes_what_its_service_offers(rules: Rules) -> None:
    assert 'href="/admin/requests/profiles/new"' in await rules.get()
    form = await rules.get("/profiles/new")
    assert 'hx-post="/admin/requests/profiles/new/look"' in form and "<noscript>" in form
    chosen = {"name": "Best", "profile_kind": "movie", "profile_variant": "4k", "instance_id": "seerr"}
    look = (await rules.post("/profiles/new/look", **chosen)).text
    assert "Best movie4k" in look and "As usual (HD)" in look and "kids" in look and 'value="Best"' in look
    assert not await rules.profiles()
    picked = chosen | {"shown_for": "seerr|4k|movie", "shown": ["quality", "tags"], "option.quality": "2"}
    made = await rules.post("/profiles/new", **picked | {"option.tags": ["5", "6"]})
    assert (made.status_code, made.headers["location"]) == (303, RULES)
    (one,) = await rules.profiles()
    assert one["options"] == {"quality": "2", "tags": "5,6"} and one["instance_id"] == "seerr"
    form = await rules.get(f"/profiles/{one['id']}")
    assert checked(form, "option.quality") == {"2"} and checked(form, "option.tags") == {"5", "6"}
    fewer = picked | {"version": "1", "option.quality": "", "option.tags": ["6"]}
    await rules.post(f"/profiles/{one['id']}", **fewer)
    (one,) = await rules.profiles()
    assert one["options"] == {"tags": "6"} and one["version"] == 2
    late = await rules.post(f"/profiles/{one['id']}", **picked | {"name": "Mine", "version": "1"})
    assert late.status_code == 409 and "Saved by someone else: Best" in late.text
    nameless = await rules.post("/profiles/new", name=" ")
    assert nameless.status_code == 422 and "A name is needed." in nameless.text


async def test_what_was_chosen_stays_while_its_service_is_away(rules: Rules) -> None:
    chosen = {"name": "Best", "profile_kind": "movie", "profile_variant": "", "instance_id": "seerr"}
    picked = chosen | {"shown_for": "seerr||movie", "shown": "quality", "option.quality": "2"}
    await rules.post("/profiles/new", **picked)
    (one,) = await rules.profiles()
    rules.instances.states["seerr"] = InstanceState.RETRYING
    form = await rules.get(f"/profiles/{one['id']}")
    assert "Seerr (does not answer)" in form and "It does not answer. What was chosen stays as it is." in form
    away = chosen | {"name": "Better", "shown_for": "seerr||movie", "version": "1"}
    assert (await rules.post(f"/profiles/{one['id']}", **away)).status_code == 303
    (one,) = await rules.profiles()
    assert (one["name"], one["options"]) == ("Better", {"quality": "2"})
    rules.instances.states["seerr"] = InstanceState.READY
    elsewhere = chosen | {"instance_id": "", "version": "2", "shown_for": "seerr||movie", "shown": "quality"}
    await rules.post(f"/profiles/{one['id']}", **elsewhere)
    assert (await rules.profiles())[0]["options"] == {}
    # Without a script the options come on the next page.
    back = await rules.post(f"/profiles/{one['id']}", **chosen | {"version": "3", "shown_for": ""})
    assert back.headers["location"] == f"{RULES}/profiles/{one['id']}"


async def test_what_differs_between_kinds_is_asked_for_one_kind(rules: Rules) -> None:
    both = {"name": "All", "profile_variant": "", "instance_id": "seerr"}
    look = (await rules.post("/profiles/new/look", **both)).text
    assert "differs between kinds" in look and "option.quality" not in look
    rules.seerr.takes = frozenset({"movie"})
    assert "Best movie" in (await rules.post("/profiles/new/look", **both)).text
    show = (await rules.post("/profiles/new/look", **both | {"profile_kind": "show"})).text
    assert "takes none of what the profile is for" in show


async def test_what_is_not_offered_any_more_is_seen(rules: Rules) -> None:
    profile = {"name": "Old", "kinds": ["movie"], "instance_id": "seerr", "options": {"quality": "9"}}
    made = await rules.house.root.client.post("/api/v1/request-rules/profiles", json=profile)
    assert made.status_code in (200, 201), made.text
    form = await rules.get(f"/profiles/{made.json()['id']}")
    assert "9 (not offered any more)" in form and checked(form, "option.quality") == {"9"}


async def test_profiles_have_an_order(rules: Rules) -> None:
    for name in ("B", "A", "C"):
        assert (await rules.post("/profiles/new", name=name)).status_code == 303
    found = await rules.profiles()
    assert [one["name"] for one in found] == ["B", "A", "C"]
    page = await rules.get()
    assert 'aria-label="Move up: A"' in page and page.count("It is at the end already.") == 2
    moved = await rules.post(f"/profiles/{found[2]['id']}/move", step="up")
    assert moved.headers["location"] == f"{RULES}#profile-{found[2]['id']}"
    assert [one["name"] for one in await rules.profiles()] == ["B", "C", "A"]
    await rules.post(f"/profiles/{found[0]['id']}/move", step="up")
    assert [one["name"] for one in await rules.profiles()] == ["B", "C", "A"]
    assert all(one["version"] == 1 for one in await rules.profiles())
    assert "There is no such profile." in (await rules.post("/profiles/none/move", step="up")).text
    await rules.post(f"/profiles/{found[0]['id']}/remove")
    assert len(await rules.profiles()) == 2
