"""The contract of notifiers, and what ntfy makes special."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from medianest_core.testing.contracts import NotifierContract
from medianest_core.testing.portal import TestPortal
from medianest_ntfy.notify import LONGEST, NtfyNotifier, _cut
from medianest_ntfy.simulator import TOKEN, NtfySimulator


class TestNtfy(NotifierContract):
    provider = NtfyNotifier
    simulator = NtfySimulator
    target = "our-house-7f3a"
    untidy = " https://ntfy.sh/our-house-7f3a "
    wrong = "our house"

    async def arrived(self) -> Sequence[str]:
        return [f"{one['title']}\n{one['text']}" for one in self.stand_in.ledger.facts("message")]


def test_long_texts_end_between_letters() -> None:
    cut = _cut("ä" * LONGEST)
    assert len(cut.encode()) <= 4096 and set(cut) == {"ä", " ", "…"}
    assert _cut("short") == "short"


@pytest.mark.medianest("ntfy")
async def test_in_the_portal(medianest: TestPortal, tmp_path: Path) -> None:
    medianest.keeps_secret(TOKEN)
    (ntfy,) = await medianest.simulated(NtfySimulator, tmp_path / "ntfy")
    assert ntfy.ready, ntfy.reason
    wrong = await medianest.instance("ntfy", "ntfy", {"url": "http://127.0.0.1:9", "token": "tk_no"}, "Wrong")
    assert not wrong.ready and wrong.reason
