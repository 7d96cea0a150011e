"""The portal that authors test with: only the plugins they name, people of each role, jobs, events and the log."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from medianest_core.testing import portal as portal_module
from medianest_core.testing.portal import TestPortal, opened

ROOT = Path(__file__).parents[3]


async def test_people_have_browsers_and_only_named_plugins_run(medianest: TestPortal) -> None:
    ann, root = await medianest.person("user"), await medianest.person("admin")
    assert ann is await medianest.person("user") and ann.id != root.id
    assert (await root.client.get("/admin/plugins")).status_code == 200
    assert (await ann.client.get("/admin/plugins")).status_code != 200
    async with medianest.stranger() as nobody:
        assert (await nobody.get("/account")).status_code != 200
    registry = medianest.services.host.registry
    assert all(one.builtin or not one.state.running for one in registry.plugins()), (
        "only those that are named"
    )
    assert medianest.plugin("nobody") == "not found"


@pytest.mark.full
async def test_the_test_that_the_guide_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "site" / "medianest_pihole-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: medianest-pihole\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[medianest.plugins.v1]\npihole = pihole\n")
    shutil.copy2(ROOT / "examples/thirty_lines/pihole.py", tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    guide = (ROOT / "docs/plugin-authors/contracts.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    made: dict[str, Any] = {"__name__": __name__}
    for shown in (blocks[0], blocks[-1]):
        exec(compile(shown, "contracts.md", "exec"), made)
    async with opened(tmp_path, ["pihole"]) as portal:
        await made["test_the_tile"](portal, tmp_path)


@pytest.mark.full
async def test_a_secret_that_comes_out_fails_the_test(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="a secret of the settings"):
        async with opened(tmp_path) as portal:
            portal.keeps_secret("a-word-of-the-log")
            portal.logs.append("here is a-word-of-the-log")


@pytest.mark.full
async def test_a_task_that_runs_on_fails_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_module, "LINGERING", 2)
    left: list[asyncio.Task[None]] = []
    with pytest.raises(AssertionError, match="still running: left behind"):
        async with opened(tmp_path):
            left.append(asyncio.create_task(asyncio.sleep(3600), name="left behind"))
    left[0].cancel()


def test_the_plugin_for_pytest_loads_nothing_of_the_portal() -> None:
    script = (
        "import sys, medianest_core.testing.pytest_plugin\n"
        "assert not [n for n in sys.modules if n.split('.')[0] in ('sqlalchemy', 'httpx', 'starlette', 'pydantic')]"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd=ROOT)
