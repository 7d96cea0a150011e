"""Signing in with Plex: by code, by window, refused, expired, revoked."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from medianest_core.sdk import (
    AuthFailed,
    AuthFlow,
    ChallengeExpired,
    InvalidResponse,
    NotReady,
    RateLimited,
    Rejected,
    Secret,
    SignInDenied,
    Standing,
)
from medianest_core.testing.faults import Rule
from medianest_plex.account import read_sharing
from medianest_plex.simulation.accounts import Accounts

from .plex_kit import Plugged

RETURN = "http://portal.example/sign-in/done"


async def test_the_code_has_four_characters_and_leads_in(either_plex: Plugged) -> None:
    challenge = await either_plex.auth.begin(AuthFlow.CODE, return_url=RETURN)
    assert challenge.code is not None and len(challenge.code) == 4
    assert challenge.url == f"{either_plex.url}/link"
    assert 0 < challenge.expires_in <= 300
    assert await either_plex.auth.complete(challenge.state, {}) is None
    either_plex.approve(challenge.state, "casey")
    identity = await either_plex.auth.complete(challenge.state, {})
    assert identity is not None
    assert identity.subject == str(either_plex.simulator.world.accounts.find("casey").id)
    assert identity.username == "casey"
    assert identity.email and identity.avatar and identity.token
    assert identity.owner is False


async def test_the_window_gets_a_strong_code_behind_the_hash(plex: Plugged) -> None:
    challenge = await plex.auth.begin(AuthFlow.POPUP, return_url=RETURN)
    assert challenge.code is None and challenge.url is not None
    address, _, fragment = challenge.url.partition("#?")
    assert address == f"{plex.url}/auth"
    values = {name: found[0] for name, found in parse_qs(fragment).items()}
    assert values["forwardUrl"] == RETURN
    assert values["context[device][product]"] == "MediaNest"
    assert values["clientID"] == challenge.state["device"]
    assert len(values["code"]) > 20
    assert plex.simulator.ledger.facts("pin.created")[-1]["strong"] is True
    plex.approve(challenge.state, "owner")
    identity = await plex.auth.complete(challenge.state, {})
    assert identity is not None and identity.owner


async def test_the_owner_is_known_with_either_token(either_plex: Plugged) -> None:
    challenge = await either_plex.auth.begin(AuthFlow.CODE, return_url=RETURN)
    either_plex.approve(challenge.state, "owner")
    identity = await either_plex.auth.complete(challenge.state, {})
    assert identity is not None and identity.owner and identity.username == "owner"


async def test_a_stranger_is_refused_in_plain_words_and_the_token_given_back(either_plex: Plugged) -> None:
    challenge = await either_plex.auth.begin(AuthFlow.CODE, return_url=RETURN)
    either_plex.approve(challenge.state, "stranger")
    with pytest.raises(SignInDenied, match=r"stranger.*no access to this server.*share it"):
        await either_plex.auth.complete(challenge.state, {})
    signed_out = [r for r in either_plex.simulator.world.requests if str(r["path"]).endswith("/signout")]
    assert [(r["method"], r["user"]) for r in signed_out] == [("DELETE", "stranger")]


async def test_a_server_that_claims_our_identifier_lets_nobody_in(
    either_plex: Plugged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Accounts, "other_machine", property(lambda self: self.machine))
    challenge = await either_plex.auth.begin(AuthFlow.CODE, return_url=RETURN)
    either_plex.approve(challenge.state, "stranger")
    with pytest.raises((SignInDenied, NotReady)):
        await either_plex.auth.complete(challenge.state, {})


async def test_a_server_that_lets_everybody_in_proves_nothing(
    plex: Plugged, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def everybody(token: Secret) -> bool:
        return True

    monkeypatch.setattr(plex.server, "accepts", everybody)
    challenge = await plex.auth.begin(AuthFlow.CODE, return_url=RETURN)
    plex.approve(challenge.state, "casey")
    with pytest.raises(Rejected, match="any token"):
        await plex.auth.complete(challenge.state, {})


@pytest.mark.parametrize("as_null", [False, True])
async def test_an_expired_code_starts_over(plex: Plugged, as_null: bool) -> None:
    plex.simulator.world.options.pin_lifetime = 0.0
    plex.simulator.world.options.expired_pin_as_null = as_null
    challenge = await plex.auth.begin(AuthFlow.CODE, return_url=RETURN)
    over = {**challenge.state, "expires_at": "0"}
    with pytest.raises(ChallengeExpired):
        await plex.auth.complete(over, {})


async def test_the_same_device_asks_again_and_another_gets_nothing(plex: Plugged) -> None:
    first = await plex.auth.begin(AuthFlow.CODE, return_url=RETURN)
    second = await plex.auth.begin(AuthFlow.CODE, return_url=RETURN)
    assert first.state["device"] == second.state["device"]
    with pytest.raises(ChallengeExpired):
        await plex.auth.complete({**first.state, "device": "another"}, {})
    with pytest.raises(ChallengeExpired):
        await plex.auth.complete({"device": "x", "pin": "../user"}, {})


async def test_an_outage_leaves_the_attempt_alive(plex: Plugged) -> None:
    challenge = await plex.auth.begin(AuthFlow.CODE, return_url=RETURN)
    plex.approve(challenge.state, "casey")
    plex.simulator.faults.set(Rule("500", "/api/v2/pins"))
    with pytest.raises(NotReady):
        await plex.auth.complete(challenge.state, {})
    plex.simulator.faults.set(Rule("429", "/api/v2", seconds=7))
    with pytest.raises(RateLimited) as caught:
        await plex.auth.complete(challenge.state, {})
    assert caught.value.retry_after == 7
    plex.simulator.faults.set(Rule("down", "/identity"))
    with pytest.raises(NotReady):
        await plex.auth.complete(challenge.state, {})
    plex.simulator.faults.clear()
    assert await plex.auth.complete(challenge.state, {}) is not None


@pytest.mark.parametrize("user", ["casey", "owner"])
async def test_who_has_access_stays(either_plex: Plugged, user: str) -> None:
    subject = str(either_plex.simulator.world.accounts.find(user).id)
    assert await either_plex.auth.revalidate(subject, either_plex.token_of(user)) is Standing.VALID


async def test_the_sharing_list_tells_without_the_persons_token(owner_plex: Plugged) -> None:
    accounts = owner_plex.simulator.world.accounts
    casey, stranger = accounts.find("casey"), accounts.find("stranger")
    assert await owner_plex.auth.revalidate(str(casey.id), None) is Standing.VALID
    assert await owner_plex.auth.revalidate(str(stranger.id), None) is Standing.REVOKED


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ('<Server machineIdentifier="m" pending="0"/>', True),
        ('<Server machineIdentifier="m"/>', True),
        ('<Server machineIdentifier="m" pending="1"/>', False),
        ('<Server machineIdentifier="other"/>', False),
        ("", False),
    ],
)
def test_who_the_sharing_list_lets_in(servers: str, expected: bool) -> None:
    listed = f'<MediaContainer totalSize="1"><User id="7" username="x">{servers}</User></MediaContainer>'
    sharing = read_sharing(listed.encode())
    assert sharing.allows("7", "m") is expected
    assert not sharing.allows("8", "m")


@pytest.mark.parametrize(
    "listed",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b'<MediaContainer totalSize="2"><User id="7"/></MediaContainer>',
        b'<!DOCTYPE x [<!ENTITY a "b">]><MediaContainer/>',
    ],
)
def test_a_list_that_is_not_whole_tells_nothing(listed: bytes) -> None:
    with pytest.raises(InvalidResponse):
        read_sharing(listed)


@pytest.mark.parametrize(
    ("account", "sharing"), [(True, False), (False, True)], ids=["token revoked", "no longer shared"]
)
async def test_lost_access_is_noticed(either_plex: Plugged, account: bool, sharing: bool) -> None:
    accounts = either_plex.simulator.world.accounts
    casey, token = accounts.find("casey"), either_plex.token_of("casey")
    accounts.revoke(casey, account=account, server=False, sharing=sharing)
    assert await either_plex.auth.revalidate(str(casey.id), token) is Standing.REVOKED


@pytest.mark.parametrize("mode", ["500", "429", "garbage", "truncated", "down"])
@pytest.mark.parametrize("prefix", ["/api/v2/user", "/api/users", "/api/v2/resources", "/identity"])
async def test_an_outage_never_revokes(owner_plex: Plugged, plex: Plugged, mode: str, prefix: str) -> None:
    plugged = plex if prefix == "/api/v2/resources" else owner_plex
    subject = str(plugged.simulator.world.accounts.find("casey").id)
    plugged.simulator.faults.set(Rule(mode, prefix))  # type: ignore[arg-type]  # a parameter, not a literal
    from medianest_core.sdk import ProviderError

    with pytest.raises(ProviderError):
        await plugged.auth.revalidate(subject, plugged.token_of("casey"))


async def test_a_refused_admin_token_revokes_nobody(owner_plex: Plugged) -> None:
    accounts = owner_plex.simulator.world.accounts
    casey, token = accounts.find("casey"), owner_plex.token_of("casey")
    accounts.revoke(accounts.owner, account=True, server=True, sharing=False)
    assert await owner_plex.auth.revalidate(str(casey.id), token) is Standing.VALID
    with pytest.raises(NotReady):
        await owner_plex.auth.revalidate(str(casey.id), None)


async def test_signing_out_tells_plex_once_or_twice(plex: Plugged) -> None:
    token = plex.token_of("casey")
    await plex.auth.revoke(token)
    await plex.auth.revoke(Secret("A00-unknown"))
    paths = [r["path"] for r in plex.simulator.world.requests if r["method"] == "DELETE"]
    assert paths == ["/api/v2/users/signout"] * 2


async def test_no_token_stands_in_any_address(either_plex: Plugged) -> None:
    challenge = await either_plex.auth.begin(AuthFlow.POPUP, return_url=RETURN)
    either_plex.approve(challenge.state, "casey")
    identity = await either_plex.auth.complete(challenge.state, {})
    await either_plex.media.libraries()
    assert identity is not None and identity.token is not None
    requests = either_plex.simulator.world.requests
    assert requests and not any(request["token_in_url"] for request in requests)
    for token in (identity.token, either_plex.settings.token):
        for shown in (repr(identity), repr(either_plex.settings), repr(either_plex.server), str(challenge)):
            assert token.reveal() not in shown
        assert not any(token.reveal() in str(request) for request in requests)


async def test_a_refused_token_is_not_quoted(plex: Plugged) -> None:
    with pytest.raises(AuthFailed) as caught:
        await plex.server.accounts.person(Secret("secret-canary"))  # type: ignore[union-attr]  # set by connect
    assert "secret-canary" not in str(caught.value)
    assert urlsplit(plex.settings.account_base()).hostname == "127.0.0.1"
