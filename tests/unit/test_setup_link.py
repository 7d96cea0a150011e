"""The link that the command prints once the portal serves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from medianest_core.asgi import Portal
from medianest_core.base.settings import AppSettings
from medianest_core.store.errors import DatabaseAway


async def test_a_portal_that_serves_goes_on_where_the_database_has_just_gone(tmp_path: Path) -> None:
    async def token() -> str:
        raise DatabaseAway("The database does not answer.")

    portal = Portal(AppSettings(data_dir=tmp_path))
    runtime: Any = portal.runtime
    runtime.services = SimpleNamespace(accounts=SimpleNamespace(setup=SimpleNamespace(token=token)))
    assert await portal.setup_link("http://127.0.0.1:8484") is None
