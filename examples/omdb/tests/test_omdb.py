"""The contract of field owners, and OMDb's ways to say no."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from medianest_core.sdk import MOVIE, SHOW, AuthFailed, RateLimited, TitleKey
from medianest_core.testing.connecting import connected
from medianest_core.testing.contracts import FieldOwnerContract
from medianest_core.testing.portal import TestPortal
from medianest_core.testing.simulators import running
from medianest_core.testing.world.titles import household
from medianest_omdb.fields import OmdbFields
from medianest_omdb.models import Answer
from medianest_omdb.simulator import KEY, OmdbSimulator


def known() -> Sequence[TitleKey]:
    return [
        TitleKey(f"{kind}-{n}", kind, one.ids, one.title, one.year)
        for kind in (MOVIE, SHOW)
        for n, one in enumerate(household(kind)[:2])
    ]


class TestOmdb(FieldOwnerContract):
    provider = OmdbFields
    simulator = OmdbSimulator

    def known(self) -> Sequence[TitleKey]:
        return known()


async def test_when_the_day_is_used_up(tmp_path: Path) -> None:
    simulator = OmdbSimulator(data_dir=tmp_path, limit=2)
    async with running(simulator), connected(OmdbFields, simulator) as omdb:
        report = await omdb.report(known())
        assert len(report.probed) == len(report.values) == 2 and not report.complete
        with pytest.raises(RateLimited):
            await omdb.report(known())


async def test_a_wrong_key_is_something_else(tmp_path: Path) -> None:
    simulator = OmdbSimulator(data_dir=tmp_path)
    async with running(simulator), connected(OmdbFields, simulator, key="wrong") as omdb:
        with pytest.raises(AuthFailed):
            await omdb.report(known())


def test_what_is_not_known_is_not_said() -> None:
    said = Answer.model_validate(
        {"Response": "True", "Plot": "N/A", "Runtime": "N/A", "imdbRating": "N/A", "Released": "N/A"}
    )
    assert said.values() == {}
    said = Answer.model_validate(
        {"Response": "True", "Released": "31 Mar 1999", "Runtime": "136 min", "Genre": "Action, Drama"}
    )
    assert said.values() == {
        "released_on": "1999-03-31",
        "duration_ms": 136 * 60_000,
        "genres": ["Action", "Drama"],
    }


@pytest.mark.medianest("omdb")
async def test_in_the_portal(medianest: TestPortal, tmp_path: Path) -> None:
    medianest.keeps_secret(KEY)
    (omdb,) = await medianest.simulated(OmdbSimulator, tmp_path / "omdb")
    assert omdb.ready, omdb.reason
