"""What the house decides, and that it is written down."""

from __future__ import annotations

import pytest

from medianest_core.testing.portal import TestPortal
from medianest_house_rules import diary
from medianest_house_rules.rules import House


@pytest.mark.medianest("house_rules")
async def test_long_series_wait_for_an_admin(medianest: TestPortal) -> None:
    rules = await medianest.instance("house_rules", "rules", {}, "Rules")
    assert rules.ready and medianest.plugin("house_rules") == "active"
    ann = await medianest.person("user")
    for title, tvdb, seasons in (("Short", "1", [1, 2]), ("Endless", "2", list(range(1, 12)))):
        wish = {"kind": "show", "ids": {"tvdb": tvdb}, "title": title, "seasons": seasons}
        answer = await ann.client.post("/api/v1/requests", json=wish)
        assert answer.status_code in (200, 201), answer.text
        held = title == "Endless"
        assert (f"More than {House.rules.seasons} seasons" in answer.text) is held, title
    await medianest.run_jobs()
    assert diary.read(medianest.services.host.context("house_rules")) == ["Endless"]


@pytest.mark.medianest("house_rules")
async def test_the_rules_are_those_of_the_instance(medianest: TestPortal) -> None:
    before = House.rules
    rules = await medianest.instance("house_rules", "rules", {"seasons": 2, "best": "uhd"}, "Rules")
    assert rules.ready, rules.reason
    assert (House.rules.seasons, before.seasons) == (2, 5)


@pytest.mark.medianest("house_rules")
async def test_a_part_is_closed_to_all_but_admins(medianest: TestPortal) -> None:
    await medianest.instance(
        "house_rules", "rules", {"closed": ["/calendar", "/admin", "/api/v1/status"]}, "Rules"
    )
    ann, root = await medianest.person("user"), await medianest.person("admin")
    for path in ("/calendar", "/api/v1/status"):
        denied = await ann.client.get(path)
        assert denied.status_code == 403 and "closed to everyone but admins" in denied.text
        assert (await root.client.get(path)).status_code == 200
    assert (await ann.client.get("/library")).status_code == 200
    async with medianest.stranger() as nobody:
        assert (await nobody.get("/calendar")).status_code == 303
