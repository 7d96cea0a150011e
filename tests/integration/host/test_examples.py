"""The examples, built as wheels and installed beside the portal."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from medianest_core.host.states import PluginState
from medianest_core.sdk.portal import Card, NavItem, Page

from .conftest import ROOT, House


async def test_hello_is_active_and_brings_what_it_says(
    house: House, wheels: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(wheels("hello")))
    async with house.host() as host:
        info = host.registry.plugin("hello")
        assert info is not None
        assert (info.state, info.reason) == (PluginState.ACTIVE, "")
        assert info.contributions == {"Page": 1, "Route": 2, "NavItem": 1, "Card": 1, "Job": 1, "Event": 1}
        for kind in (Page, NavItem, Card):
            assert any(plugin == "hello" for plugin, _ in host.registry.contributions(kind))
        assert [job.name for plugin, job in host.jobs() if plugin == "hello"] == ["hello.count"]


def test_the_readme_shows_the_thirty_lines_as_they_are() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    source = (ROOT / "examples" / "thirty_lines" / "pihole.py").read_text()
    sample = next(block for block in blocks if "PIHOLE" in block)
    assert sample.strip() in source
