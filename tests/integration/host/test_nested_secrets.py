"""Secrets in groups and in lists of them, of an instance in a database: kept, told, brought back, and sealed with another key."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from importlib.metadata import entry_points

import pytest
from sqlalchemy import select

from medianest_core.host.errors import InvalidSettings
from medianest_core.host.instance_rows import SEALED
from medianest_core.host.instances import Instances
from medianest_core.sdk.settings import MASK
from medianest_core.store.repos.settings_history import Change
from medianest_core.store.reseal import reseal, uses
from medianest_core.store.tables.plugins import instances as instance_rows
from medianest_core.store.tables.system import audit, settings_history

from .conftest import House, Install

SOURCE = """
from medianest_core.sdk import (
    Item, Manifest, Secret, ServiceSettings, ServiceType, SettingsGroup, Snapshot, StatusProvider, hookimpl
)

manifest = Manifest("box", title="Box", api="1.0")

class Lock(SettingsGroup):
    word: str = "open"
    code: Secret | None = None

class Drawer(SettingsGroup):
    name: str
    key: Secret

class Settings(ServiceSettings):
    lock: Lock = Lock()
    drawers: list[Drawer] = []

async def connect(settings, http):
    return settings

BOX = ServiceType("box", Settings, connect=connect)

class Status(StatusProvider):
    service = BOX

    async def snapshot(self):
        return Snapshot(items=[Item("box", up=True)])

@hookimpl
def register_status_providers():
    return [Status]
"""
CODE, LEFT, RIGHT, OTHER = "code-canary-4711", "left-canary-4712", "right-canary-4713", "other-canary-4714"
CANARIES = (CODE, LEFT, RIGHT, OTHER)


@pytest.fixture
async def box(house: House, install: Install) -> AsyncIterator[tuple[Instances, str]]:
    install("box", SOURCE)
    others = [one.name for one in entry_points(group="medianest.plugins.v1") if one.name != "box"]
    typed = {
        "lock": {"code": CODE},
        "drawers": [{"name": "left", "key": LEFT}, {"name": "right", "key": RIGHT}],
    }
    async with house.host(plugins_disabled=others) as host:
        made = await host.instances.create("box", "box", "box", "Box", typed, "ada")
        yield host.instances, made.id


def ids(instances: Instances, box_id: str) -> dict[str, str]:
    """Name of a drawer → its id, in order."""
    return {one["name"]: one["_id"] for one in instances.form_values(box_id)["drawers"]}


async def in_use(instances: Instances, box_id: str) -> list[str]:
    """What the plugin is given: the code, and each drawer with its key."""
    await instances.settle(60)
    settings = instances.client(box_id)
    code = settings.lock.code
    return [code.reveal() if code else "-", *(f"{one.name}={one.key.reveal()}" for one in settings.drawers)]


async def everything(house: House) -> str:
    """All that the database keeps of settings and changes."""
    async with house.db.read() as tx:
        tables = [await tx.all(select(table)) for table in (instance_rows, settings_history, audit)]
    return json.dumps([[dict(row) for row in rows] for rows in tables], default=str)


async def test_entries_keep_their_secrets_when_they_move(house: House, box: tuple[Instances, str]) -> None:
    instances, box_id = box
    assert await in_use(instances, box_id) == [CODE, f"left={LEFT}", f"right={RIGHT}"]
    known = ids(instances, box_id)
    moved = [{"_id": known["right"], "name": "right", "key": ""}, {"_id": known["left"], "name": "first"}]
    await instances.update(box_id, {"lock": {"word": "shut"}, "drawers": moved}, 1, "ada")
    assert await in_use(instances, box_id) == [CODE, f"right={RIGHT}", f"first={LEFT}"]
    await instances.update(box_id, {"lock": {"code": None}, "drawers": moved[1:]}, 2, "ada")
    assert await in_use(instances, box_id) == ["-", f"first={LEFT}"]
    assert instances.form_values(box_id)["drawers"] == [{"_id": known["left"], "name": "first", "key": MASK}]
    with pytest.raises(InvalidSettings) as refused:
        await instances.update(box_id, {"drawers": moved}, 3, "ada")
    assert refused.value.errors == {f"drawers.{known['right']}.key": "This is needed."}
    kept = await everything(house)
    assert not [one for one in CANARIES if one in kept]


async def test_they_are_read_again_by_another_start(house: House, box: tuple[Instances, str]) -> None:
    _, box_id = box
    others = [one.name for one in entry_points(group="medianest.plugins.v1") if one.name != "box"]
    async with house.host(plugins_disabled=others) as second:
        assert await in_use(second.instances, box_id) == [CODE, f"left={LEFT}", f"right={RIGHT}"]


async def test_each_change_is_told_by_its_name_and_holds_no_secret(
    house: House, box: tuple[Instances, str]
) -> None:
    instances, box_id = box
    known = ids(instances, box_id)
    drawers = [{"_id": entry, "name": name} for name, entry in known.items()]
    await instances.update(box_id, {"lock": {"code": OTHER}, "drawers": drawers}, 1, "ada")
    drawers[1]["key"] = OTHER
    await instances.update(box_id, {"drawers": [*drawers, {"name": "new", "key": OTHER}]}, 2, "bob")
    added = ids(instances, box_id)["new"]
    second, first, made = await instances.history(box_id)
    assert first.changes == (Change("lock.code", MASK, MASK, secret=True),)
    assert sorted(second.secrets) == sorted([f"drawers.{known['right']}.key", f"drawers.{added}.key"])
    assert [one.name for one in second.changes if not one.secret] == ["drawers"]
    assert {(one.name, one.before, one.after) for one in second.changes if one.secret} == {
        (f"drawers.{known['right']}.key", MASK, MASK),
        (f"drawers.{added}.key", None, MASK),
    }
    assert made.values["lock"] == {"word": "open", "code": MASK}
    async with house.db.read() as tx:
        fields = [row["details"].get("fields") for row in await tx.all(select(audit).order_by(audit.c.id))]
    assert fields == [
        None,
        ["lock.code"],
        sorted(["drawers", f"drawers.{known['right']}.key", f"drawers.{added}.key"]),
    ]
    kept = await everything(house)
    assert not [one for one in CANARIES if one in kept] and "mn1." not in str([second, first, made])


async def test_an_earlier_state_comes_back_with_what_is_still_stored(box: tuple[Instances, str]) -> None:
    instances, box_id = box
    known = ids(instances, box_id)
    left = {"_id": known["left"], "name": "drawer", "key": OTHER}
    await instances.update(box_id, {"lock": {"word": "shut", "code": OTHER}, "drawers": [left]}, 1, "ada")
    made = (await instances.history(box_id))[-1]
    with pytest.raises(InvalidSettings) as refused:
        await instances.restore(box_id, made.id, 2, "bob")
    gone = f"drawers.{known['right']}.key"
    assert refused.value.errors == {gone: "This is needed."}
    await instances.restore(box_id, made.id, 2, "bob", {gone: RIGHT})
    assert await in_use(instances, box_id) == [OTHER, f"left={OTHER}", f"right={RIGHT}"]
    assert instances.form_values(box_id)["lock"]["word"] == "open"
    assert ids(instances, box_id) == known
    newest = (await instances.history(box_id))[0]
    assert (newest.action, list(newest.secrets)) == ("restored", [gone])


async def test_another_key_seals_them_all(house: House, box: tuple[Instances, str]) -> None:
    instances, box_id = box
    old = house.keyring.current
    assert await uses(house.db, house.keyring, SEALED) == {old: 3}
    new = house.keyring.rotate()
    done = await reseal(house.db, house.keyring, SEALED)
    assert (done.total, done.unreadable) == (3, 0)
    assert await uses(house.db, house.keyring, SEALED) == {new: 3}
    house.keyring.drop(old)
    await instances.load()
    known = ids(instances, box_id)
    drawers = [{"_id": entry, "name": name} for name, entry in known.items()]
    await instances.update(box_id, {"drawers": drawers}, 1, "ada")
    assert await in_use(instances, box_id) == [CODE, f"left={LEFT}", f"right={RIGHT}"]
