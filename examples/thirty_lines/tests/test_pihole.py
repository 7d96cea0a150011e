"""The thirty lines keep the contract, and have a tile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from medianest_core.testing.canned import CannedSimulator
from medianest_core.testing.contracts import StatusContract
from medianest_core.testing.portal import TestPortal
from pihole import Status

KEY = "the-key-of-the-hole"


class PiholeSimulator(CannedSimulator):
    name: ClassVar[str] = "pihole"
    answers: ClassVar[Mapping[str, Any]] = {"GET /api/summary": {"status": "enabled"}}
    credentials: ClassVar[Mapping[str, str]] = {"x-key": KEY}
    settings: ClassVar[Mapping[str, object]] = {"key": KEY}


class TestStatus(StatusContract):
    provider = Status
    simulator = PiholeSimulator


@pytest.mark.medianest("pihole")
async def test_the_tile(medianest: TestPortal, tmp_path: Path) -> None:
    medianest.keeps_secret(KEY)
    (pihole,) = await medianest.simulated(PiholeSimulator, tmp_path / "pihole")
    assert pihole.ready, pihole.reason
    ann = await medianest.person("user")
    assert "Pihole" in (await ann.client.get("/status")).text
