"""A media server's machine says how busy it is: admins are told until it is normal again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from medianest_core.sdk.media import MediaSource
from medianest_core.store.tables.events import events
from medianest_core.web.rest.mount import RestApi

PATH = "/api/v1/webhooks/system-status"


@pytest.fixture
async def box(toy_gate: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The toy passes for a media server that posts no messages of its own."""
    services = toy_gate.services
    monkeypatch.setattr(services.host.instances, "has", lambda kind, _: kind is MediaSource)
    toy_gate.serve(RestApi(services).routes())
    address = await services.webhooks.addresses.get(toy_gate.toy, None)
    toy_gate.headers = {"X-Webhook-ID": address.path.rsplit("/", 1)[1]}
    return toy_gate


async def alerts(box: Any) -> list[dict[str, Any]]:
    async with box.services.db.read() as tx:
        rows = await tx.all(
            select(events.c.data).where(events.c.name == "system:alert").order_by(events.c.seq)
        )
    return [row["data"] for row in rows]


async def test_admins_are_told_until_it_is_normal_again(box: Any) -> None:
    incident = {"title": "Disk", "description": "It is full."}
    said: tuple[dict[str, Any], ...] = (
        {"status": "elevated"},
        {"level": "critical", "metrics": {"cpu": 97.5, "queue": "long"}, "incident": incident},
        {"status": "normal", "message": "Quiet."},
    )
    async with box.client(origin=None) as script:
        for body in said:
            answer = await script.post(PATH, json=body, headers=box.headers)
            assert (answer.status_code, answer.json()) == (202, {"status": "received"}), answer.text
    found = await alerts(box)
    assert [(one["level"], one["active"], one["inbox"]) for one in found] == [
        ("info", True, False),
        ("error", True, True),
        ("info", False, False),
    ]
    assert {one["key"] for one in found} == {f"system.status:{box.toy}"}
    assert found[1]["message"] == "Disk · It is full. · cpu 97.5, queue long"
    assert all("My toy" in one["title"] for one in found)
    log, _ = await box.services.webhooks.deliveries.log()
    assert [(one.topic, one.status, one.job_id) for one in log] == [("system.status", "processed", None)] * 3


async def test_the_same_message_counts_once_and_can_be_followed_again(box: Any) -> None:
    async with box.client(origin=None) as script:
        for status in ("received", "duplicate"):
            answer = await script.post(
                PATH, json={"status": "heavy"}, headers={**box.headers, "webhook-id": "m1"}
            )
            assert (answer.status_code, answer.json()["status"]) == (202, status)
    assert len(await alerts(box)) == 1
    (entry,), _ = await box.services.webhooks.deliveries.log()
    await box.services.webhooks.deliveries.replay(entry.id, None)
    assert len(await alerts(box)) == 2


async def test_only_who_has_the_secret_and_only_what_makes_sense(box: Any) -> None:
    async with box.client(origin=None) as script:
        assert (await script.post(PATH, json={"status": "heavy"})).status_code == 401
        wrong = await script.post(PATH, json={"status": "heavy"}, headers={"X-Webhook-ID": "wrong"})
        assert wrong.status_code == 404
        nonsense: tuple[Any, ...] = (
            {"status": "fine"},
            {},
            [],
            {"status": "heavy", "metrics": {"x" * 61: 1}},
        )
        for body in nonsense:
            assert (await script.post(PATH, json=body, headers=box.headers)).status_code == 422, body
    assert await alerts(box) == []
