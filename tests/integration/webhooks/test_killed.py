"""Killed between the event and its message's arrival: the next process sends it, and its receiver can tell that it is the same."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from medianest_core.base.failpoints import VARIABLE

ROOT = Path(__file__).parents[3]


async def process(folder: Path, url: str, killed_at: str = "") -> int:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDIANEST_")}
    if killed_at:
        environment[VARIABLE] = f"{killed_at}=kill"
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.integration.webhooks.child", str(folder), url),
        cwd=ROOT,
        env=environment,
    )
    async with asyncio.timeout(120):
        return await running.wait()


@pytest.mark.full
@pytest.mark.parametrize(("point", "times"), [("jobs.committed", 1), ("http.sent", 2)])
async def test_no_message_is_lost(tmp_path: Path, receiver: Any, point: str, times: int) -> None:
    assert await process(tmp_path, receiver.url, point) == -signal.SIGKILL
    assert len(receiver.got) == times - 1, "it was killed where it should be"
    assert await process(tmp_path, receiver.url) == 0
    assert len(receiver.got) == times and len(set(receiver.ids())) == 1
    for headers, body in receiver.got:
        told = Webhook((tmp_path / "secret").read_text()).verify(body, headers)
        assert told["data"]["title"] == "Full"
