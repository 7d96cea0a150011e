"""A message that is posted again, because its sender did not hear the answer, orders nothing anew."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.library import sync_runs
from tests.integration.sync_runs.test_webhook_orders import args_of, box  # noqa: F401  # its fixture


async def test_a_message_that_was_followed_orders_no_second_run(box: Any) -> None:  # noqa: F811  # the fixture
    statuses = []
    async with box.client(origin=None) as script:
        for _ in range(2):
            answer = await script.post(box.address, json={"titles": ["k7"]}, headers={"webhook-id": "m1"})
            statuses.append(answer.json()["status"])
            async with box.services.db.begin() as tx:
                await tx.execute(update(jobs).values(state="done", unique_key=None, finished_at=1.0))
                await tx.execute(update(sync_runs).values(state="done"))
    assert statuses == ["received", "duplicate"]
    assert len(await args_of(box)) == 1
