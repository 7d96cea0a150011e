"""Records have the shape that the portal reads."""

from __future__ import annotations

from medianest_core.sdk import MOVIE, SHOW
from medianest_core.testing.shapes import check_record

from .manifest_kit import Plugged


async def test_every_record_has_the_shape_of_records(files: Plugged) -> None:
    for kind in (MOVIE, SHOW):
        found = await files.records(kind)
        assert found
        for record in (*found.values(), *await files.media.details(list(found)[:50])):
            check_record(record)
