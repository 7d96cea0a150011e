from __future__ import annotations

from collections.abc import Sequence

import pytest

from medianest_core.sdk import (
    AuthCapability,
    Downloader,
    Snapshot,
    StatusProvider,
    Unsupported,
    capabilities_of,
)
from medianest_core.sdk.status import Beat, StatusCapability


class Plain(StatusProvider):
    async def snapshot(self) -> Snapshot:
        return Snapshot(items=[])


class WithHistory(Plain):
    async def history(self, since: float) -> Sequence[Beat]:
        return []


def test_a_capability_is_an_overridden_method() -> None:
    assert capabilities_of(Plain) == frozenset()
    assert capabilities_of(WithHistory) == {StatusCapability.HISTORY}
    assert capabilities_of(Downloader) == frozenset()
    assert AuthCapability.REVOKE not in capabilities_of(WithHistory)


async def test_a_missing_capability_raises_unsupported() -> None:
    provider = Plain("i", config=None, http=None, client=None)  # type: ignore[arg-type]
    with pytest.raises(Unsupported):
        await provider.history(0)
