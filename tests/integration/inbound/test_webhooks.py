"""Webhooks in: the address, the checks before anything is stored, and what follows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from medianest_core.domain.webhooks.deliveries import KEPT, ProcessArgs
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.requests import RequestBackend
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.webhooks import webhook_addresses, webhook_deliveries
from medianest_core.web.inbound.routes import routes

GOOD = {"x-toy": "right-key"}


@pytest.fixture
async def box(toy_gate: Any) -> Any:
    toy_gate.serve(routes())
    toy_gate.address = (await toy_gate.services.webhooks.addresses.get(toy_gate.toy, None)).path
    return toy_gate


async def rows(box: Any, table: Any) -> list[Any]:
    async with box.services.db.read() as tx:
        return [dict(row) for row in await tx.all(select(table))]


async def test_a_delivery_and_its_job_are_stored_together(box: Any) -> None:
    async with box.client(origin=None) as service:
        answer = await service.post(
            box.address, headers=GOOD, json={"topic": "media.changed", "keys": ["7", "8"]}
        )
    assert (answer.status_code, answer.json()) == (202, {"status": "received"})
    (delivery,) = await rows(box, webhook_deliveries)
    (job,) = await rows(box, jobs)
    assert (delivery["topic"], delivery["keys"], delivery["job_id"]) == (
        "media.changed",
        ["7", "8"],
        job["id"],
    )
    assert job["args"] == {"delivery_id": delivery["id"]}


async def test_only_the_right_address_exists(box: Any) -> None:
    token = box.address.rsplit("/", 1)[1]
    body = {"topic": "library.changed"}
    async with box.client(origin=None) as service:
        for path in (
            f"/webhooks/toy/{box.toy}/wrong",
            f"/webhooks/toy/{box.toy}/{token[:-1]}",
            f"/webhooks/other/{box.toy}/{token}",
            f"/webhooks/toy/nothing/{token}",
        ):
            assert (await service.post(path, headers=GOOD, json=body)).status_code == 404, path
        assert (await service.get(box.address)).status_code == 405
        rotated = (await box.services.webhooks.addresses.rotate(box.toy, None)).path
        assert (await service.post(box.address, headers=GOOD, json=body)).status_code == 404
        assert (await service.post(rotated, headers=GOOD, json=body)).status_code == 202
    (address,) = await rows(box, webhook_addresses)
    assert rotated.rsplit("/", 1)[1] not in str(address)


async def test_what_is_refused_leaves_nothing_behind(box: Any) -> None:
    body = {"topic": "library.changed"}
    async with box.client(origin=None) as service:
        assert (await service.post(box.address, json=body)).status_code == 403
        assert (await service.post(box.address, headers=GOOD, content=b"x" * 2_001)).status_code == 413

        async def endless() -> Any:
            for _ in range(10):
                yield b"x" * 500

        assert (await service.post(box.address, headers=GOOD, content=endless())).status_code == 413
        for content in (b"", b"not json", b"[" * 1_900):
            answer = await service.post(box.address, headers=GOOD, content=content)
            assert answer.status_code == 422, content[:5]
    assert await rows(box, webhook_deliveries) == [] and await rows(box, jobs) == []


async def test_the_same_delivery_counts_once(box: Any) -> None:
    headers = GOOD | {"x-toy-id": "n-1"}
    async with box.client(origin=None) as service:
        answers = await asyncio.gather(
            *(service.post(box.address, headers=headers, json={"topic": "test"}) for _ in range(5))
        )
    assert sorted(answer.json()["status"] for answer in answers) == ["duplicate"] * 4 + ["received"]
    assert len(await rows(box, webhook_deliveries)) == 1


async def test_equal_hints_without_an_id_become_one_job(box: Any) -> None:
    async with box.client(origin=None) as service:
        for topic in ("library.changed", "library.changed", "media.removed", "library.changed"):
            await service.post(box.address, headers=GOOD, json={"topic": topic, "keys": ["1"]})
        await service.post(box.address, headers=GOOD, json={"topic": None})
    assert len(await rows(box, jobs)) == 2
    stored = await rows(box, webhook_deliveries)
    assert sorted(row["status"] for row in stored) == ["ignored"] + ["received"] * 4


async def test_a_hint_makes_the_library_look_again(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    services = box.services
    monkeypatch.setattr(services.host.instances, "has", lambda kind, _: kind is not RequestBackend)
    asked: list[Any] = []
    done = asyncio.Event()

    async def sync(context: Any, args: Any) -> None:
        asked.append(args.model_dump(exclude_defaults=True))
        done.set()

    from medianest_core.domain.library.syncing.runs import SyncArgs

    registry = JobRegistry(services.ledger)
    registry.add(services.webhooks.deliveries.job)
    registry.add(Job("library.sync", sync, SyncArgs))
    worker = Worker(services.db, services.ledger, registry, services.bus)
    try:
        async with box.client(origin=None) as service:
            for _ in range(3):
                await service.post(box.address, headers=GOOD, json={"topic": "media.changed", "keys": ["7"]})
        # Until now nobody worked, so that the three could become one.
        await worker.start()
        await asyncio.wait_for(done.wait(), 30)
        async with asyncio.timeout(30):
            while any(row["status"] != "processed" for row in await rows(box, webhook_deliveries)):
                await asyncio.sleep(0.05)
    finally:
        await worker.stop()
    assert asked == [{"instance_ids": (box.toy,), "keys": ("7",)}]
    async with services.db.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(jobs)) == 2
    log, more = await services.webhooks.deliveries.log(instance_id=box.toy, limit=2)
    assert len(log) == 2 and more is not None
    rest, end = await services.webhooks.deliveries.log(instance_id=box.toy, cursor=more, limit=2)
    assert len(rest) == 1 and end is None
    assert ProcessArgs.model_fields.keys() == {"delivery_id"}


async def test_old_deliveries_are_forgotten_also_where_nothing_follows_from_them(box: Any) -> None:
    async with box.client(origin=None) as service:
        for _ in range(2):
            await service.post(box.address, headers=GOOD, json={"topic": None})
            async with box.services.db.begin() as tx:
                await tx.execute(
                    webhook_deliveries.update().values(received_at=webhook_deliveries.c.received_at - KEPT)
                )
    assert len(await rows(box, webhook_deliveries)) == 1
