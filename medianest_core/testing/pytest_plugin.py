"""For pytest, which finds it by itself: the fixture `medianest`. Nothing of the portal is loaded where no test asks for it.

    @pytest.mark.medianest("pihole")
    async def test_a_tile(medianest):
        ann = await medianest.person("user")
        assert medianest.plugin("pihole") == "active"

The marker names the plugins that run beside the built-in ones; keyword arguments are settings of the portal. See
`medianest_core.testing.portal.TestPortal` for what it can be asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from medianest_core.testing.portal import TestPortal

try:
    from pytest_asyncio import fixture as _fixture
except ImportError:  # without it there are no async tests that could ask for one
    _fixture = pytest.fixture  # type: ignore[assignment]  # never used then


# So that a clause that fails says what was compared.
pytest.register_assert_rewrite("medianest_core.testing.contracts")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "medianest(*plugins, **settings): plugins and settings of the fixture `medianest`"
    )


@_fixture
async def medianest(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TestPortal]:
    """A portal of the test's own; see `medianest_core.testing.portal.opened`."""
    from medianest_core.testing.portal import opened

    marker = request.node.get_closest_marker("medianest")
    plugins, settings = (marker.args, marker.kwargs) if marker is not None else ((), {})
    async with opened(tmp_path, plugins, **settings) as portal:
        yield portal
