"""Syncs ordered at a media server's secret address: who is let in, for what, and what the log keeps of it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from medianest_core.base.ids import token_hash
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.library.syncing import orders
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.webhooks import WebhookReceiver
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.webhooks import webhook_addresses, webhook_deliveries
from medianest_core.web.inbound.routes import MOST_OF_ORDER, routes
from medianest_core.web.rest.mount import RestApi


@pytest.fixture
async def box(toy_gate: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The toy passes for a media server that posts no messages of its own."""
    services = toy_gate.services
    instances = services.host.instances
    monkeypatch.setattr(instances, "has", lambda kind, _: kind is MediaSource)
    servers = lambda: [instances.info(toy_gate.toy)]  # noqa: E731  # stands in for a method
    monkeypatch.setattr(services.library.orders, "servers", servers)
    monkeypatch.setattr(services.webhooks.sync_orders._orders, "servers", servers)
    toy_gate.serve([*routes(), *RestApi(services).routes()])
    address = await services.webhooks.addresses.get(toy_gate.toy, None)
    assert address.path == address.sync_path
    toy_gate.address = address.path
    toy_gate.secret = address.path.rsplit("/", 1)[1]
    return toy_gate


async def args_of(box: Any) -> list[dict[str, Any]]:
    async with box.services.db.read() as tx:
        rows = await tx.all(
            select(jobs.c.args).where(jobs.c.name == "library.sync").order_by(jobs.c.created_at)
        )
    return [{name: value for name, value in row["args"].items() if value} for row in rows]


async def test_an_order_becomes_a_run_at_once(box: Any) -> None:
    async with box.client(origin=None) as script:
        answer = await script.post(
            box.address, json={"titles": ["k7"], "operations": ["captions"], "force": True}
        )
    assert answer.status_code == 202
    (run_id,) = answer.json()["run_ids"]
    run = await box.services.library.runs.get(run_id)
    assert run.args is not None and run.job_id in answer.json()["job_ids"]
    assert await args_of(box) == [{"instance_ids": [box.toy], "keys": ["k7"], "force": True}]
    (entry,), _ = await box.services.webhooks.deliveries.log()
    assert (entry.topic, entry.status, entry.keys, entry.job_id) == (
        "sync.ordered",
        "processed",
        ["k7"],
        run.job_id,
    )


async def test_an_empty_order_is_the_whole_server(box: Any) -> None:
    async with box.client(origin=None) as script:
        assert (await script.post(box.address)).status_code == 202
    assert await args_of(box) == [{"instance_ids": [box.toy]}]


async def test_the_same_by_the_header_and_never_kept_in_clear(box: Any) -> None:
    async with box.client(origin=None) as script:
        answer = await script.post(
            "/api/v1/webhooks/sync", json={"servers": ["My toy"]}, headers={"X-Webhook-ID": box.secret}
        )
    assert answer.status_code == 202 and answer.json()["run_ids"]
    async with box.services.db.read() as tx:
        row = await tx.one(select(webhook_addresses))
        deliveries = [str(dict(one)) for one in await tx.all(select(webhook_deliveries))]
    assert row["token_hash"] == token_hash(box.secret) and box.secret not in str(dict(row))
    assert box.secret not in "".join(deliveries)
    (entry,), _ = await box.services.webhooks.deliveries.log()
    _, content = await box.services.webhooks.deliveries.get(entry.id)
    assert content is not None and box.secret not in str(content)


async def test_only_the_right_secret_of_the_right_server(box: Any) -> None:
    other = await box.services.host.instances.create("toy", "toy", "attic", "The attic", {"key": "k"}, None)
    async with box.client(origin=None) as script:
        for path in (
            f"/webhooks/sync/{box.toy}/wrong",
            f"/webhooks/sync/{box.toy}/{box.secret[:-1]}",
            f"/webhooks/sync/{other.id}/{box.secret}",
            f"/webhooks/sync/nothing/{box.secret}",
        ):
            assert (await script.post(path, json={})).status_code == 404, path
        for secret in ("wrong", token_hash(box.secret)):
            wrong = await script.post("/api/v1/webhooks/sync", json={}, headers={"X-Webhook-ID": secret})
            assert wrong.status_code == 404
        assert (await script.post("/api/v1/webhooks/sync", json={})).status_code == 401
    assert await args_of(box) == []


async def test_who_signs_is_protected_from_changed_late_and_repeated_messages(box: Any) -> None:
    """Any library for Standard Webhooks signs; the secret of the address is the key."""
    library = Webhook(base64.b64encode(box.secret.encode()).decode())
    body, now = '{"titles": ["k7"]}', datetime.now(UTC)

    def headers(
        more: dict[str, str] | None = None, *, at: datetime = now, said: str = body
    ) -> dict[str, str]:
        signed = {
            "content-type": "application/json",
            "webhook-id": "m1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": library.sign("m1", at, said),
        }
        return {name: value for name, value in {**signed, **(more or {})}.items() if value}

    other = base64.b64encode(b"another secret").decode()
    wrong = (
        headers(said='{"titles": ["k8"]}'),
        headers(at=now - timedelta(minutes=6)),
        headers(at=now + timedelta(minutes=6)),
        headers({"webhook-id": "m2"}),
        headers({"webhook-id": ""}),
        headers({"webhook-timestamp": ""}),
        headers({"webhook-timestamp": "soon"}),
        headers({"webhook-signature": Webhook(other).sign("m1", now, body)}),
        headers({"webhook-signature": "v1"}),
    )
    ways: tuple[tuple[str, dict[str, str]], ...] = (
        (box.address, {}),
        ("/api/v1/webhooks/sync", {"x-webhook-id": box.secret}),
    )
    async with box.client(origin=None) as script:
        for path, secret in ways:
            for sent in wrong:
                refused = await script.post(path, content=body, headers={**sent, **secret})
                assert refused.status_code == 422, sent
                assert "sign" in refused.json()["detail"]
        status = {**headers(said="{}"), "x-webhook-id": box.secret}
        refused = await script.post(
            "/api/v1/webhooks/system-status", content='{"status": "heavy"}', headers=status
        )
        assert refused.status_code == 422 and await args_of(box) == []
        several = f"v1,AAAA {headers()['webhook-signature']}"
        taken = await script.post(box.address, content=body, headers=headers({"webhook-signature": several}))
        assert (taken.status_code, taken.json()["status"]) == (202, "received")
        again = await script.post(
            "/api/v1/webhooks/sync", content=body, headers={**headers(), "x-webhook-id": box.secret}
        )
        assert (again.status_code, again.json()["status"]) == (202, "duplicate")
    assert len(await args_of(box)) == 1


async def test_no_other_server_and_nothing_that_makes_no_sense(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    instances = box.services.host.instances
    other = await instances.create("toy", "toy", "attic", "The attic", {"key": "k"}, None)
    both = [instances.info(box.toy), instances.info(other.id)]
    monkeypatch.setattr(box.services.webhooks.sync_orders._orders, "servers", lambda: both)
    async with box.client(origin=None) as script:
        nonsense: tuple[Any, ...] = (
            {"instances": ["The attic"]},
            {"instances": ["My toy", "The attic"]},
            {"instances": ["nowhere"]},
            {"operations": ["sound"]},
            {"titles": "k7"},
            {"titles": []},
            [1],
        )
        for body in nonsense:
            answer = await script.post(box.address, json=body)
            assert answer.status_code == 422, body
        assert (await script.post(box.address, content=b"{")).status_code == 422
        assert (await script.post(box.address, content=b" " * (MOST_OF_ORDER + 1))).status_code == 413
    assert await args_of(box) == []


async def test_the_same_message_twice_is_one_and_an_order_can_be_followed_again(box: Any) -> None:
    async with box.client(origin=None) as script:
        for status in ("received", "duplicate"):
            answer = await script.post(box.address, json={"titles": ["k7"]}, headers={"webhook-id": "m1"})
            assert (answer.status_code, answer.json()["status"]) == (202, status)
    (entry,), _ = await box.services.webhooks.deliveries.log()
    again = await box.services.webhooks.deliveries.replay(entry.id, None)
    found, _ = await box.services.webhooks.deliveries.log()
    assert [one.replay_of for one in found if one.id == again] == [entry.id]
    assert len(await args_of(box)) == 1, "it joins the run that waits"


async def test_admins_name_any_server_without_a_webhook_id(box: Any) -> None:
    ada = await box.person("ada", role="admin")
    answer = await ada.client.post(
        "/api/v1/webhooks/sync", json={"instances": ["my TOY"], "ops": ["posters"]}
    )
    assert answer.status_code == 202, answer.text
    assert await args_of(box) == [{"instance_ids": [box.toy], "ops": ["posters"]}]
    ben = await box.person("ben")
    assert (await ben.client.post("/api/v1/webhooks/sync", json={})).status_code == 403


async def test_a_service_that_lists_no_media_takes_no_orders(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    instances = box.services.host.instances
    monkeypatch.setattr(instances, "has", lambda kind, _: kind is WebhookReceiver)
    with pytest.raises(Missing):
        await box.services.webhooks.addresses.admit_order(box.secret, box.toy)
    assert orders.media_servers(instances)() == []
