"""The page, the button, the job and the card in a portal."""

from __future__ import annotations

from pathlib import Path

import pytest

from medianest_core.testing.portal import TestPortal
from medianest_hello.counter import Count, read, write


@pytest.mark.medianest("hello")
async def test_it_counts_to_ten(medianest: TestPortal) -> None:
    assert medianest.plugin("hello") == "active"
    ann = await medianest.person("user")
    assert f"Hello, {ann.name}" in (await ann.client.get("/p/hello/")).text
    pressed = await ann.client.post("/p/hello/count")
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/p/hello/")
    assert [one.state for one in await medianest.run_jobs() if one.name == "hello.count"] == ["done"]
    assert read(medianest.services.host.context("hello").data_dir) == Count(10, 1)
    assert [one.number for one in medianest.events if one.name == "hello:counted"] == list(range(1, 11))  # type: ignore[attr-defined]  # its own event
    assert "10 of 10" in (await ann.client.get("/fragments/card/hello:count")).text


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    assert read(tmp_path) == Count()
    write(tmp_path, Count(3, 1))
    assert read(tmp_path) == Count(3, 1)
    assert [one.name for one in tmp_path.iterdir()] == ["count.json"]
