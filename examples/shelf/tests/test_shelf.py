"""The contracts of media sources and field owners without any service, and the library that comes of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from medianest_core.sdk import MOVIE, TitleKey
from medianest_core.testing.contracts import FieldOwnerContract, MediaContract
from medianest_core.testing.portal import TestPortal
from medianest_shelf.fields import ShelfFields
from medianest_shelf.media import ShelfMedia
from medianest_shelf.shelf import FILMS


class TestMedia(MediaContract):
    provider = ShelfMedia


class TestFields(FieldOwnerContract):
    provider = ShelfFields

    def known(self) -> Sequence[TitleKey]:
        return [TitleKey(one.key, MOVIE, {"imdb": one.imdb}, one.title, one.year) for one in FILMS]


@pytest.mark.medianest("shelf")
async def test_its_films_come_into_the_library(medianest: TestPortal) -> None:
    shelf = await medianest.instance("shelf", "shelf", {"owner": "Ann"}, "Ann's shelf")
    assert shelf.ready, shelf.reason
    root = await medianest.person("admin")
    answer = await root.client.post("/api/v1/sync", json={})
    assert answer.status_code in (200, 202), answer.text
    await medianest.run_jobs()
    told = (await root.client.get("/api/v1/library/titles")).text
    assert all(one.title in told for one in FILMS)
