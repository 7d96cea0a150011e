"""The contract of status providers, over a file instead of a service, and what is wrong with files."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from medianest_core.sdk import InvalidResponse, NotReady
from medianest_core.testing.contracts import StatusContract
from medianest_core.testing.portal import TestPortal
from medianest_yaml_status.status import BoardStatus, read

BOARD = """
things:
  - {name: Front door, up: true, group: House, url: "http://door.example"}
  - {name: Back door, up: false, message: It sticks.}
  - {name: Attic}
"""


class TestBoard(StatusContract):
    provider = BoardStatus

    @contextlib.asynccontextmanager
    async def surroundings(self) -> AsyncIterator[None]:
        (self.folder / "status.yaml").write_text(BOARD, "utf-8")
        yield

    def values(self) -> dict[str, Any]:
        return {"path": str(self.folder / "status.yaml")}


@pytest.mark.parametrize("text", ["things: [", "things: 5", "- 1", "things: [{up: true}]"])
async def test_what_makes_no_sense_is_no_answer(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.yaml").write_text(text, "utf-8")
    with pytest.raises(InvalidResponse):
        await read(tmp_path / "status.yaml")


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="No such file"):
        await read(tmp_path / "status.yaml")
    (tmp_path / "status.yaml").touch()
    assert (await read(tmp_path / "status.yaml")).things == []


@pytest.mark.medianest("yaml_status")
async def test_in_the_portal(medianest: TestPortal, tmp_path: Path) -> None:
    (tmp_path / "status.yaml").write_text(BOARD, "utf-8")
    board = await medianest.instance("yaml_status", "board", {"path": str(tmp_path / "status.yaml")}, "House")
    assert board.ready, board.reason
    ann = await medianest.person("user")
    assert (await ann.client.get("/status")).status_code == 200
