"""People's watchlists: an independent client agrees with the simulator, and the plugin reads them with the person's own token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from plexapi.myplex import MyPlexAccount

from medianest_core.sdk import AuthCapability, AuthFailed, InvalidResponse, NotReady, Secret, capabilities_of
from medianest_core.testing.faults import Rule
from medianest_core.testing.simulators import RunningSimulator
from medianest_core.testing.threaded import threaded
from medianest_core.testing.world.titles import elsewhere
from medianest_plex.auth import PlexAuth
from medianest_plex.simulator import PlexSimulator

from .plex_kit import Plugged

sign_in: Any = MyPlexAccount
FILM, SHOW = elsewhere("movie")[0], elsewhere("show")[0]


@pytest.fixture
def running_plex(tmp_path: Path) -> Iterator[RunningSimulator]:
    """In a thread, because plexapi blocks."""
    with threaded(PlexSimulator(items=20, data_dir=tmp_path)) as served:
        yield served


def test_plexapi_reads_and_fills_the_list(
    running_plex: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator, base = running_plex.simulator, running_plex.url
    assert isinstance(simulator, PlexSimulator)
    monkeypatch.setattr(MyPlexAccount, "key", f"{base}/api/v2/user")
    monkeypatch.setattr(MyPlexAccount, "DISCOVER", f"{base}/discover")
    monkeypatch.setattr(MyPlexAccount, "METADATA", f"{base}/discover")
    accounts, lists = simulator.world.accounts, simulator.world.watchlists
    casey = accounts.find("casey")
    with requests.Session() as session:
        session.trust_env = False
        account = sign_in(token=accounts.account_token(casey, "some-device"), session=session)
        assert account.watchlist() == []
        lists.add(casey, lists.key_of(FILM.title))
        lists.add(casey, lists.key_of(SHOW.title))
        shown = account.watchlist()
        assert [(one.title, one.year, one.type) for one in shown] == [
            (SHOW.title, SHOW.year, "show"),
            (FILM.title, FILM.year, "movie"),
        ]
        assert [one.title for one in account.watchlist(libtype="movie")] == [FILM.title]
        assert account.onWatchlist(shown[0])
        account.removeFromWatchlist(shown[0])
        assert lists.shown(casey) == [FILM.title]
        account.addToWatchlist(shown[0])
        assert lists.shown(casey) == [SHOW.title, FILM.title]


async def test_the_plugin_reads_titles_with_the_ids_others_know(plex: Plugged) -> None:
    lists, casey = plex.simulator.world.watchlists, plex.simulator.world.accounts.find("casey")
    for one in (FILM, SHOW):
        lists.add(casey, lists.key_of(one.title))
    token = plex.token_of("casey")
    found = await plex.auth.watchlist(str(casey.id), token)
    assert [(one.kind, one.title, one.year, one.ids) for one in found] == [
        ("show", SHOW.title, SHOW.year, SHOW.ids),
        ("movie", FILM.title, FILM.year, FILM.ids),
    ]
    asked = len(plex.simulator.world.requests)
    await plex.auth.watchlist(str(casey.id), token)
    assert len(plex.simulator.world.requests) == asked + 1, "ids are remembered"
    assert not any(row["token_in_url"] for row in plex.simulator.world.requests)
    assert AuthCapability.WATCHLIST in capabilities_of(PlexAuth)


async def test_long_lists_are_read_page_by_page(plex: Plugged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medianest_plex.watchlist.PAGE", 3)
    lists, casey = plex.simulator.world.watchlists, plex.simulator.world.accounts.find("casey")
    for one in elsewhere("movie")[:7]:
        lists.add(casey, lists.key_of(one.title))
    found = await plex.auth.watchlist(str(casey.id), plex.token_of("casey"))
    assert [one.title for one in found] == lists.shown(casey)


async def test_a_list_that_cannot_be_read_is_no_empty_list(plex: Plugged) -> None:
    casey = plex.simulator.world.accounts.find("casey")
    with pytest.raises(AuthFailed):
        await plex.auth.watchlist(str(casey.id), Secret("A02wrongwrongwrongwr"))
    plex.simulator.faults.set(Rule("500", "/discover"))
    with pytest.raises(NotReady):
        await plex.auth.watchlist(str(casey.id), plex.token_of("casey"))
    plex.simulator.faults.set(Rule("html", "/discover"))
    with pytest.raises(InvalidResponse):
        await plex.auth.watchlist(str(casey.id), plex.token_of("casey"))
