"""An independent client, plexapi, against the simulator: sign-in, account, library, search, collections, faults."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from plexapi.exceptions import BadRequest, NotFound, Unauthorized
from plexapi.myplex import MyPlexAccount, MyPlexPinLogin, MyPlexResource, MyPlexUser
from plexapi.server import PlexServer

from medianest_core.testing.faults import Rule
from medianest_core.testing.simulators import RunningSimulator
from medianest_core.testing.threaded import threaded
from medianest_plex.simulator import PlexSimulator


@pytest.fixture
def running_plex(tmp_path: Path) -> Iterator[RunningSimulator]:
    """In a thread, because plexapi blocks."""
    with threaded(PlexSimulator(items=300, data_dir=tmp_path)) as served:
        yield served


@pytest.fixture
def sim(running_plex: RunningSimulator) -> PlexSimulator:
    assert isinstance(running_plex.simulator, PlexSimulator)
    return running_plex.simulator


@pytest.fixture
def url(running_plex: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The simulator's address, with plexapi's idea of plex.tv moved there."""
    base = running_plex.url
    monkeypatch.setattr(MyPlexPinLogin, "PINS", f"{base}/api/v2/pins")
    monkeypatch.setattr(MyPlexPinLogin, "POLLINTERVAL", 0.02)
    monkeypatch.setattr(MyPlexAccount, "key", f"{base}/api/v2/user")
    for name in ("SIGNIN", "SIGNOUT", "LINK", "PING", "WEBHOOKS"):
        path = getattr(MyPlexAccount, name).removeprefix("https://plex.tv")
        monkeypatch.setattr(MyPlexAccount, name, base + path)
    monkeypatch.setattr(MyPlexUser, "key", f"{base}/api/users/")
    resource = MyPlexResource.key.removeprefix("https://plex.tv")
    monkeypatch.setattr(MyPlexResource, "key", base + resource)
    return base


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        yield made


# plexapi's calls are untyped.
pin_login: Any = MyPlexPinLogin
sign_in: Any = MyPlexAccount
connect: Any = PlexServer


@pytest.fixture
def plex(url: str, sim: PlexSimulator, session: requests.Session) -> Any:
    token = str(sim.facts()["owner_token"])
    return connect(url, token, session=session)


@pytest.mark.parametrize("oauth", [False, True])
def test_sign_in_by_pin(url: str, sim: PlexSimulator, session: requests.Session, oauth: bool) -> None:
    login = pin_login(session=session, oauth=oauth)
    login.run(timeout=20)
    code = str(login._code)
    assert len(code) == (25 if oauth else 4)
    if oauth:
        assert f"code={code}" in login.oauthUrl()
    else:
        assert login.pin == code
    body = json.dumps({"code": code, "user": "casey"}).encode()
    urllib.request.urlopen(f"{url}/_sim/approve", body)
    assert login.waitForLogin()
    account = sign_in(token=login.token, session=session)
    assert (account.username, account.id, account.restricted) == ("casey", 1000002, False)
    assert account.authToken == login.token
    assert sim.ledger.facts("pin.created")[0]["strong"] is oauth
    assert sim.ledger.facts("pin.approved")[0]["user"] == "casey"


def test_sign_in_is_linked_by_another_signed_in_device(
    url: str, sim: PlexSimulator, session: requests.Session
) -> None:
    login = pin_login(session=session, headers={"X-Plex-Client-Identifier": "a-television"})
    pin = login.pin
    assert not login.checkLogin()
    owner = sim.world.accounts.account_token(sim.world.accounts.owner, "owner's phone")
    account = sign_in(token=owner, session=session)
    account.link(pin)
    assert login.checkLogin()
    assert login.token != owner
    with pytest.raises(NotFound):
        account.link(pin)


def test_an_expired_pin_is_gone(url: str, sim: PlexSimulator, session: requests.Session) -> None:
    sim.world.options.update({"pin_lifetime": 0})
    login = pin_login(session=session)
    assert login.pin
    assert not login.checkLogin()
    assert login.expired


def test_account_tells_plan_shares_and_servers(
    url: str, sim: PlexSimulator, session: requests.Session
) -> None:
    token = str(sim.facts()["owner_account_token"])
    owner = sign_in(token=token, session=session)
    assert owner.subscriptionActive
    assert "webhooks" in owner.subscriptionFeatures
    assert owner.ping()
    users = owner.users()
    assert {user.title: [s.machineIdentifier for s in user.servers] for user in users} == {
        name: [sim.world.accounts.machine]
        for name in ("Casey Morgan", "Jordan Reyes", "Robin Castell", "Kid")
    }
    assert [user.restricted for user in users] == ["0", "0", "0", "1"]
    hooks = ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"]
    assert owner.setWebhooks(hooks) == hooks
    assert sim.world.webhooks.urls == hooks
    assert owner.deleteWebhook(hooks[0]) == hooks[1:]


def test_password_sign_in_and_sign_out(url: str, sim: PlexSimulator, session: requests.Session) -> None:
    account = sign_in("jordan", "password", session=session)
    assert account.username == "jordan"
    elsewhere = sim.world.accounts.account_token(sim.world.accounts.find("jordan"), "another device")
    account.signout()
    assert sign_in(token=elsewhere, session=session).username == "jordan"
    again = sign_in("jordan", "password", session=session)
    assert again.authToken != account.authToken
    with pytest.raises(Unauthorized):
        sign_in(token=account.authToken, session=session)
    with pytest.raises(Unauthorized):
        sign_in("jordan", "wrong", session=session)


@pytest.mark.parametrize(("name", "owned"), [("owner", True), ("casey", False)])
def test_resources_lead_to_the_server(
    url: str, sim: PlexSimulator, session: requests.Session, name: str, owned: bool
) -> None:
    person = sim.world.accounts.find(name)
    token = sim.world.accounts.account_token(person, "a-phone")
    account = sign_in(token=token, session=session)
    server = next(r for r in account.resources() if r.provides == "server")
    assert server.owned is owned
    assert server.accessToken == sim.world.accounts.server_token(person) != token
    kinds = [(c.local, c.relay) for c in server.connections]
    assert kinds == [(True, False), (True, False), (False, False), (False, True)]
    assert server.connections[0].uri == url
    plex = server.connect(ssl=False, timeout=60)
    assert plex.machineIdentifier == sim.world.accounts.machine
    assert {s.title for s in plex.library.sections()} == {"Movies", "TV Shows", "Videos"}


def test_the_stranger_has_another_server(url: str, sim: PlexSimulator, session: requests.Session) -> None:
    token = sim.world.accounts.account_token(sim.world.accounts.find("stranger"), "x")
    account = sign_in(token=token, session=session)
    machines = [r.clientIdentifier for r in account.resources() if r.provides == "server"]
    assert machines == [sim.world.accounts.other_machine]


def test_wrong_tokens_are_refused(url: str, sim: PlexSimulator, session: requests.Session) -> None:
    for token in ("nonsense", "", str(sim.facts()["owner_account_token"])):
        with pytest.raises(Unauthorized):
            connect(url, token or "-", session=session)
    for token in ("nonsense", str(sim.facts()["owner_token"])):
        with pytest.raises(Unauthorized):
            sign_in(token=token, session=session)


def test_lists_pages_and_reads_items(plex: Any) -> None:
    movies = plex.library.section("Movies")
    assert movies.totalSize == 225
    everything = movies.all()
    assert len({movie.ratingKey for movie in everything}) == 225
    window = movies.search(container_start=50, container_size=10, maxresults=10, sort="titleSort")
    assert [m.ratingKey for m in window] == [m.ratingKey for m in everything[50:60]]
    movie = movies.get("Orbital Decay")
    assert (movie.year, movie.contentRating) == (2022, "PG-13")
    guids = [guid.id for guid in movie.guids]
    assert [guid.partition(":")[0] for guid in guids] == ["imdb", "tmdb", "tvdb"]
    full = plex.fetchItem(movie.ratingKey)
    assert len(full.roles) > 3
    streams = full.media[0].parts[0].streams
    assert [s.streamType for s in streams][:2] == [1, 2]
    assert full.media[0].videoCodec == streams[0].codec


def test_lists_are_trimmed_and_metadata_is_whole(plex: Any) -> None:
    movies = plex.library.section("Movies").all()[:60]
    keys = [movie.ratingKey for movie in movies]
    short = {movie.ratingKey: [one.get("tag") for one in movie._data.findall("Role")] for movie in movies}
    genres = {movie.ratingKey: [one.get("tag") for one in movie._data.findall("Genre")] for movie in movies}
    whole = plex.fetchItems("/library/metadata/" + ",".join(map(str, keys)))
    assert [movie.ratingKey for movie in whole] == keys
    for movie in whole:
        everyone = [role.tag for role in movie.roles]
        assert short[movie.ratingKey] == everyone[:3] and len(everyone) > 3
        assert genres[movie.ratingKey] == [genre.tag for genre in movie.genres][:2]


def test_filters_run_on_the_server(plex: Any) -> None:
    movies = plex.library.section("Movies")
    found = movies.search(genre="Western", sort="year:desc")
    years = [movie.year for movie in found]
    assert years == sorted(years, reverse=True)
    assert all("Western" in [g.tag for g in movie.genres] for movie in [m.reload() for m in found[:3]])
    recent = movies.search(filters={"addedAt>>": "7d"})
    assert 0 < len(recent) < 30
    assert [m.title for m in movies.search(title="orbital dec")] == ["Orbital Decay"]
    with pytest.raises(NotFound):
        movies.search(filters={"wobble": 1})


def test_shows_have_seasons_and_episodes(plex: Any) -> None:
    shows = plex.library.section("TV Shows")
    show = shows.get("Harbour Watch")
    seasons = show.seasons()
    assert [season.index for season in seasons] == [1, 2, 3, 4]
    episodes = show.episodes()
    assert len(episodes) == show.leafCount == sum(s.leafCount for s in seasons)
    first = show.episode(season=1, episode=1)
    assert (first.title, first.seasonEpisode, first.grandparentTitle) == ("Pilot", "s01e01", "Harbour Watch")
    assert first.isPlayed
    first.markUnplayed()
    assert not (first.reload()).isPlayed
    assert len(shows.searchEpisodes(maxresults=5, container_size=5)) == 5


def test_hubs_recent_and_on_deck(plex: Any) -> None:
    found = plex.search("harbour")
    assert found[0].title == "Harbour Watch"
    assert [m.title for m in plex.search("orbital", mediatype="movie")] == ["Orbital Decay"]
    assert plex.search("zzzz") == []
    added = [item.addedAt for item in plex.library.recentlyAdded()]
    assert added == sorted(added, reverse=True) and len(added) == 50
    deck = plex.library.onDeck()
    assert {item.type for item in deck} == {"movie", "episode"}


def test_makes_fills_and_empties_a_collection(plex: Any, sim: PlexSimulator) -> None:
    movies = plex.library.section("Movies")
    one, two, three = (movies.all())[:3]
    made = movies.createCollection("Rainy evenings", items=[one, two])
    assert (made.title, made.childCount, made.subtype) == ("Rainy evenings", 2, "movie")
    made.addItems([two, three])
    assert [i.ratingKey for i in made.items()] == [
        one.ratingKey,
        two.ratingKey,
        three.ratingKey,
    ]
    made.moveItem(three, after=one)
    made.removeItems(one)
    again = movies.collection("Rainy evenings")
    assert [i.ratingKey for i in again.items()] == [three.ratingKey, two.ratingKey]
    assert again.updatedAt >= made.addedAt
    found = movies.collections()
    assert [c.ratingKey for c in found] == [made.ratingKey]
    again.delete()
    assert movies.collections() == []
    added = sim.ledger.facts("collection.items_added")
    assert added[0]["asked"] == [two.ratingKey, three.ratingKey]
    assert added[0]["added"] == [three.ratingKey]
    kinds = [row["kind"] for row in sim.ledger.entries() if row["kind"].startswith("collection.")]
    assert kinds == [
        "collection.created",
        "collection.items_added",
        "collection.item_moved",
        "collection.item_removed",
        "collection.deleted",
    ]


def test_collections_are_the_owners_to_change(
    url: str, sim: PlexSimulator, session: requests.Session, plex: Any
) -> None:
    movies = plex.library.section("Movies")
    movie, other = (movies.all())[:2]
    made = movies.createCollection("Ours", items=[movie])
    casey = connect(url, sim.world.accounts.server_token(sim.world.accounts.find("casey")), session=session)
    seen = ((casey.library.section("Movies")).collections())[0]
    assert seen.title == "Ours"
    with pytest.raises(BadRequest):
        seen.addItems([other])
    with pytest.raises(BadRequest):
        seen.delete()
    assert len(made.items()) == 1


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("401", Unauthorized),
        ("429", BadRequest),
        ("500", BadRequest),
        ("down", requests.ConnectionError),
        ("truncated", requests.exceptions.ChunkedEncodingError),
    ],
)
def test_faults_reach_the_client(plex: Any, sim: PlexSimulator, mode: Any, error: type[Exception]) -> None:
    sim.faults.set(Rule(mode, "/library/sections"))
    with pytest.raises(error):
        plex.library.sections()
    sim.faults.clear()
    assert plex.library.sections()


def test_revocation_cuts_a_shared_user_off(url: str, sim: PlexSimulator, session: requests.Session) -> None:
    accounts = sim.world.accounts
    casey = accounts.find("casey")
    token = accounts.account_token(casey, "phone")
    server = connect(url, accounts.server_token(casey), session=session)
    body = json.dumps({"user": "casey", "account": False, "server": False}).encode()
    urllib.request.urlopen(f"{url}/_sim/revoke", body)
    account = sign_in(token=token, session=session)
    assert [r for r in account.resources() if r.provides == "server"] == []
    with pytest.raises(Unauthorized):
        server.library.sections()
    body = json.dumps({"user": "casey", "sharing": False, "server": False}).encode()
    urllib.request.urlopen(f"{url}/_sim/revoke", body)
    with pytest.raises(Unauthorized):
        sign_in(token=token, session=session)
