"""What the settings of an instance were: kept without a secret, brought back by the way of everything that is typed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.metadata import entry_points
from typing import Any

import pytest
from sqlalchemy import select

from medianest_core.host.errors import InvalidSettings
from medianest_core.host.instances import Instances
from medianest_core.sdk.settings import MASK
from medianest_core.store.errors import Stale
from medianest_core.store.repos.settings_history import Change, UnknownState
from medianest_core.store.tables.plugins import instances as instance_rows
from medianest_core.store.tables.system import audit, settings_history

from .conftest import House, Install

SOURCE = """
from medianest_core.sdk import (
    HttpUrl, Manifest, NotReady, Secret, ServiceSettings, ServiceType, StatusProvider, hookimpl
)

manifest = Manifest("box", title="Box", api="1.0")

class Settings(ServiceSettings):
    url: HttpUrl
    key: Secret | None = None
    word: str = "hello"

async def connect(settings, http):
    return http

BOX = ServiceType("box", Settings, connect=connect)

class Status(StatusProvider):
    service = BOX

    async def snapshot(self):
        raise NotReady("It is away.")

@hookimpl
def register_status_providers():
    return [Status]
"""
HERE, THERE = "http://192.168.1.9:8080/", "http://192.168.1.77:8080/"
FIRST, SECOND = "first-canary-4711", "second-canary-4712"


@pytest.fixture
async def box(house: House, install: Install) -> AsyncIterator[tuple[Instances, str]]:
    install("box", SOURCE)
    others = [one.name for one in entry_points(group="medianest.plugins.v1") if one.name != "box"]
    async with house.host(plugins_disabled=others) as host:
        made = await host.instances.create(
            "box", "box", "box", "Box", {"url": HERE, "key": FIRST, "word": "one"}, "ada"
        )
        yield host.instances, made.id


async def key_of(house: House, instance_id: str) -> str:
    async with house.db.read() as tx:
        row = await tx.one(select(instance_rows))
    sealed = row["settings_json"]["key"]
    return house.keyring.open(sealed, f"instance:{instance_id}:key") if sealed else ""


async def test_each_change_is_told_and_holds_no_secret(house: House, box: tuple[Instances, str]) -> None:
    instances, box_id = box
    await instances.update(box_id, {"url": HERE, "word": "two"}, 1, "bob", title="Case")
    await instances.update(box_id, {"url": HERE, "word": "two", "key": SECOND}, 2, "ada")
    newest, renamed, made = await instances.history(box_id)
    assert [(one.action, one.actor) for one in (newest, renamed, made)] == [
        ("saved", "ada"),
        ("saved", "bob"),
        ("created", "ada"),
    ]
    assert newest.changes == (Change("key", MASK, MASK, secret=True),)
    assert {one.name: one.after for one in renamed.changes} == {"instance_title": "Case", "word": "two"}
    async with house.db.read() as tx:
        kept = str(await tx.all(select(settings_history)))
        fields = [row["details"].get("fields") for row in await tx.all(select(audit).order_by(audit.c.id))]
    assert FIRST not in kept and SECOND not in kept and "mn1." not in kept
    assert fields == [None, ["word"], ["key"]]


async def test_an_earlier_state_comes_back_and_its_secret_stays(
    house: House, box: tuple[Instances, str]
) -> None:
    instances, box_id = box
    await instances.update(box_id, {"url": HERE, "word": "two", "key": SECOND}, 1, "ada", title="Case")
    made = (await instances.history(box_id))[-1]
    info = await instances.restore(box_id, made.id, 2, "bob")
    newest = (await instances.history(box_id))[0]
    assert (info.title, instances.form_values(box_id)["word"]) == ("Box", "one")
    assert await key_of(house, box_id) == SECOND
    assert (newest.action, newest.actor, newest.restores) == ("restored", "bob", made.id)
    assert "key" not in {one.name for one in newest.changes}
    async with house.db.read() as tx:
        last = (await tx.all(select(audit).order_by(audit.c.id)))[-1]
    assert (last["actor"], last["details"]["restores"]) == ("bob", made.id)


async def test_another_address_asks_for_the_secret_again(house: House, box: tuple[Instances, str]) -> None:
    instances, box_id = box
    await instances.update(box_id, {"url": THERE, "key": SECOND}, 1, "ada")
    made = (await instances.history(box_id))[-1]
    with pytest.raises(InvalidSettings) as refused:
        await instances.restore(box_id, made.id, 2, "ada")
    assert set(refused.value.errors) == {"key"}
    await instances.restore(box_id, made.id, 2, "ada", {"key": FIRST})
    assert instances.form_values(box_id)["url"] == HERE
    assert await key_of(house, box_id) == FIRST


async def test_references_and_the_lack_of_a_secret_come_back(
    house: House, box: tuple[Instances, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    instances, box_id = box
    monkeypatch.setenv("BOX_KEY", FIRST)
    await instances.update(box_id, {"url": HERE, "key": None}, 1, "ada")
    await instances.update(box_id, {"url": HERE, "key": "$env:BOX_KEY"}, 2, "ada")
    await instances.update(box_id, {"url": HERE, "key": SECOND}, 3, "ada")
    _typed, referred, without, _made = await instances.history(box_id)
    await instances.restore(box_id, referred.id, 4, "ada")
    assert instances.form_values(box_id)["key"] == "$env:BOX_KEY"
    await instances.restore(box_id, without.id, 5, "ada")
    assert instances.form_values(box_id)["key"] is None


async def test_nothing_comes_back_over_what_somebody_changed_meanwhile(
    house: House, box: tuple[Instances, str]
) -> None:
    instances, box_id = box
    await instances.update(box_id, {"url": HERE, "word": "two"}, 1, "ada")
    made = (await instances.history(box_id))[-1]
    with pytest.raises(Stale):
        await instances.restore(box_id, made.id, 1, "ada")
    with pytest.raises(UnknownState):
        await instances.restore(box_id, made.id + 99, 2, "ada")
    assert instances.form_values(box_id)["word"] == "two"


async def test_what_is_removed_leaves_no_history(house: House, box: tuple[Instances, str]) -> None:
    instances, box_id = box
    await instances.remove(box_id, "ada")
    async with house.db.read() as tx:
        rows: list[Any] = list(await tx.all(select(settings_history)))
    assert rows == []
