"""Telling Seerr what is wrong with a title, and reading what others told it."""

from __future__ import annotations

import pytest

from medianest_core.sdk import AuthFailed, Issue, NotFound, Rejected, RequestItem
from medianest_overseerr.simulation.constants import MediaStatus

from .seerr_kit import CASEY, NOBODY, Plugged, item


@pytest.fixture
def there(seerr: Plugged) -> Plugged:
    """A film and a series are available."""
    for work in (seerr.film(), seerr.series(2)):
        seerr.world.media_of(work).status = MediaStatus.AVAILABLE
    return seerr


async def test_reported_as_the_person_and_read_again(there: Plugged) -> None:
    film, series = there.film(), there.series(2)
    first = await there.requests.report(Issue("audio", "No sound", item(film)), CASEY)
    episode = RequestItem("episode", {"tmdb": str(series.tmdb)}, series.name, episodes=((2, 3),))
    second = await there.requests.report(Issue("subtitles", "Too late", episode), CASEY)
    assert [row["by"] for row in there.simulator.ledger.facts("issue.created")] == [2, 2]
    found = {issue.reference: issue for issue in await there.requests.issues()}
    assert (found[first].kind, found[first].message, found[first].open) == ("audio", "No sound", True)
    assert found[first].item.kind == "movie" and found[first].item.ids["tmdb"] == str(film.tmdb)
    assert found[second].item.kind == "episode" and list(found[second].item.episodes) == [(2, 3)]
    assert found[second].item.ids["tvdb"] == str(series.tvdb)
    assert (found[first].user, found[first].user_name) == (CASEY, "casey")
    assert found[first].created_at is not None
    await there.requests.resolve(first)
    again = {issue.reference: issue.open for issue in await there.requests.issues()}
    assert again == {first: False, second: True}


async def test_the_owner_reports_for_those_who_may_not(there: Plugged) -> None:
    for user in (NOBODY, "99"):
        await there.requests.report(Issue("video", "It jumps", item(there.film())), user)
    assert [row["by"] for row in there.simulator.ledger.facts("issue.created")] == [1, 1]
    there.world.rotate_key()
    with pytest.raises(AuthFailed):
        await there.requests.report(Issue("video", "It jumps", item(there.film())), CASEY)


async def test_titles_and_issues_that_are_not_there(seerr: Plugged) -> None:
    with pytest.raises(Rejected, match="does not have this title"):
        await seerr.requests.report(Issue("other", "", item(seerr.film())), CASEY)
    for reference in ("4711", "nonsense", ""):
        with pytest.raises(NotFound):
            await seerr.requests.resolve(reference)
    assert await seerr.requests.issues() == []
