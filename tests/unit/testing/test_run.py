"""A simulator process: its one line, its end by signal and with its parent."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import httpx
import pytest

COMMAND = (
    "import sys; from medianest_core.testing.run import main; "
    "main('plex', items=20, json_line=True, die_with_parent=sys.argv[1] == 'die', options={'library_dir': sys.argv[2]})"
)


async def start(tmp_path: Path, how: str) -> tuple[asyncio.subprocess.Process, dict[str, object]]:
    (tmp_path / "tmp").mkdir()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        COMMAND,
        how,
        str(tmp_path / "films"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"TMPDIR": str(tmp_path / "tmp"), "PATH": "/usr/bin:/bin"},
    )
    assert process.stdout is not None
    line = json.loads(await asyncio.wait_for(process.stdout.readline(), 120))
    return process, line


@pytest.mark.parametrize("how", ["signal", "die"])
async def test_one_json_line_then_a_clean_end(tmp_path: Path, how: str) -> None:
    process, line = await start(tmp_path, how)
    try:
        facts = line["facts"]
        assert isinstance(facts, dict)
        assert facts["library_dir"] == str(tmp_path / "films")
        assert set(line) == {"name", "url", "facts"}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            assert (await http.get(f"{line['url']}/_sim/facts")).json() == line["facts"]
        assert list((tmp_path / "tmp").iterdir())
        if how == "signal":
            process.send_signal(signal.SIGTERM)
        else:
            assert process.stdin is not None
            process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 60) == 0
        assert list((tmp_path / "tmp").iterdir()) == []
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
