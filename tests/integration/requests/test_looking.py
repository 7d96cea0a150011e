"""Services that are asked how far requests are, and go away meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medianest_core.domain.activity import rows
from medianest_core.domain.activity.looking import Looking
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.states import InstanceState
from medianest_core.sdk.pipeline import PipelineStage, Tracked
from medianest_core.sdk.requests import RequestItem
from tests.fakes.portal import floor

TRACKED = Tracked("r1", RequestItem("movie", {"tmdb": "603"}, "The Matrix"), "one", "7")


class Gone:
    """Instances of which none is there any more by the time it is asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def all(self) -> list[InstanceInfo]:
        return []

    def info(self, instance_id: str) -> InstanceInfo:
        raise UnknownInstance(instance_id)

    async def use(self, *asked: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [UnknownInstance("one"), OSError("unreadable")])
async def test_a_service_that_is_removed_while_it_is_asked_leaves_nothing(
    tmp_path: Path, backend: str, error: Exception
) -> None:
    async def nothing(*asked: Any) -> Any:
        return ()

    async def look(client: Any, asked: Any) -> Any:
        return {}

    stage = PipelineStage("queue", title="Queue", service="radarr", look=look)
    info = InstanceInfo("one", "arr", "radarr", "one", "Radarr", True, InstanceState.READY, "", 0.0, None, 1)
    async with floor(tmp_path) as base:
        looking = Looking(
            base.db,
            base.bus,
            base.clock,
            Gone(error),
            nothing,
            lambda: [("arr", stage)],
            lambda: True,
            nothing,
        )
        if isinstance(error, OSError):
            with pytest.raises(OSError, match="unreadable"):
                await looking._instance(info, [stage], [TRACKED])
        else:
            await looking._instance(info, [stage], [TRACKED])
        async with base.db.read() as tx:
            assert await rows.sources(tx) == {}
