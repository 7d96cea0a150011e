"""The plugin keeps the contracts of what it provides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medianest_core.sdk import TitleKey
from medianest_core.testing.contracts import CatalogContract, FieldOwnerContract, StatusContract
from medianest_core.testing.world.titles import MOVIE, elsewhere, household
from medianest_tmdb.catalog import TmdbCatalog
from medianest_tmdb.fields import TmdbFields
from medianest_tmdb.simulation.service import Options
from medianest_tmdb.simulator import TmdbSimulator
from medianest_tmdb.status import TmdbStatus

ITEMS = {"items": 40}


class Patient:
    """TMDB as it is to somebody who asks seldom."""

    stand_in: Any

    async def reset(self) -> None:
        self.stand_in.service.options = Options(per_second=10_000)


class TestStatus(StatusContract):
    provider = TmdbStatus
    simulator = TmdbSimulator
    options = ITEMS


class TestCatalog(Patient, CatalogContract):
    provider = TmdbCatalog
    simulator = TmdbSimulator
    options = ITEMS
    words = elsewhere(MOVIE)[0].title
    nobody = ("movie", {"tmdb": "99999999"})


class TestFields(Patient, FieldOwnerContract):
    provider = TmdbFields
    simulator = TmdbSimulator
    options = ITEMS

    def known(self) -> Sequence[TitleKey]:
        return [
            TitleKey(f"t{number}", MOVIE, {"tmdb": one.ids["tmdb"]}, one.title, one.year)
            for number, one in enumerate(household(MOVIE)[:3])
        ]
