"""The contract of an AuthProvider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from medianest_core.sdk.auth import (
    AuthCapability,
    AuthFlow,
    AuthProvider,
    Challenge,
    Identity,
    Standing,
    WatchlistTitle,
)
from medianest_core.sdk.errors import ChallengeExpired, ProviderError, SignInDenied, Unsupported
from medianest_core.sdk.service import Provider
from medianest_core.sdk.settings import Secret
from medianest_core.testing.contracts.common import CommonContract
from medianest_core.testing.contracts.contract import Contract, clause, misbehaving
from medianest_core.testing.contracts.watching import SHORTEST, no_secrets

RETURN = "https://portal.example/sign-in/back"


def waiting(cls: type[Contract[Any]]) -> bool:
    """Whether some flow has the portal ask again until the person is done."""
    return any(flow is not AuthFlow.FORM for flow in getattr(cls.provider, "flows", ()))


def redirecting(cls: type[Contract[Any]]) -> bool:
    """Whether some flow leads the browser away and back."""
    return AuthFlow.REDIRECT in getattr(cls.provider, "flows", ())


def refusing_people(cls: type[Contract[Any]]) -> bool:
    """Whether there is somebody who may not come in."""
    return issubclass(cls, AuthContract) and bool(cls.stranger)


def asking_while_waiting(cls: type[Contract[Any]]) -> bool:
    return waiting(cls) and misbehaving(cls)


class AuthContract(CommonContract[AuthProvider[Any, Any]]):
    """A suite plays the person in `approve`.

    person, other: names of two people who may come in, as `approve` knows them. stranger: one who may not. unknown: a state that
    no attempt has.
    """

    kind: ClassVar[type[Provider[Any, Any]]] = AuthProvider
    refuses: ClassVar[bool] = False
    person: ClassVar[str] = ""
    other: ClassVar[str] = ""
    stranger: ClassVar[str] = ""
    unknown: ClassVar[Mapping[str, str]] = {}

    async def approve(self, challenge: Challenge, who: str) -> Mapping[str, str]:
        """Do what the person would do at the service, or return the form they would fill in."""
        raise NotImplementedError

    async def expel(self, who: str) -> None:
        """Take the person's access away at the service."""
        raise NotImplementedError

    async def read(self, provider: AuthProvider[Any, Any]) -> object:
        return await provider.begin(self._flow(), return_url=RETURN)

    def _flow(self) -> AuthFlow:
        return next((one for one in self.subject.flows if one is not AuthFlow.FORM), self.subject.flows[0])

    async def _begin(self) -> Challenge:
        return await self.subject.begin(self._flow(), return_url=RETURN)

    async def _signed_in(self, who: str) -> Identity:
        challenge = await self._begin()
        form = await self.approve(challenge, who)
        found = await self.subject.complete(challenge.state, form)
        assert isinstance(found, Identity), f"{who} is done, and it says {found!r}"
        return found

    @clause()
    async def test_it_has_a_name_and_ways_to_sign_in(self) -> None:
        assert isinstance(self.subject.title, str) and self.subject.title.strip()
        assert self.subject.flows and all(isinstance(one, AuthFlow) for one in self.subject.flows)
        assert len(set(self.subject.flows)) == len(self.subject.flows)

    @clause()
    async def test_every_way_begins(self) -> None:
        for flow in self.subject.flows:
            challenge = await self.subject.begin(flow, return_url=RETURN)
            assert isinstance(challenge, Challenge)
            assert all(isinstance(part, str) for pair in challenge.state.items() for part in pair)

    @clause()
    async def test_a_code_is_shown_with_the_place_to_type_it(self) -> None:
        for flow in self.subject.flows:
            challenge = await self.subject.begin(flow, return_url=RETURN)
            if flow is AuthFlow.CODE:
                assert challenge.code and challenge.url, challenge.url
            if flow in (AuthFlow.POPUP, AuthFlow.REDIRECT):
                assert challenge.url
            if challenge.url is not None:
                assert urlsplit(challenge.url).scheme in ("http", "https"), challenge.url

    @clause()
    async def test_an_attempt_has_an_end(self) -> None:
        challenge = await self._begin()
        assert 0 < challenge.expires_in <= 3600
        assert 0.2 <= challenge.poll_every <= 30

    @clause()
    async def test_a_way_that_is_not_offered_is_unsupported(self) -> None:
        for flow in AuthFlow:
            if flow in self.subject.flows:
                continue
            error = await self.trouble(lambda flow=flow: self.subject.begin(flow, return_url=RETURN))  # type: ignore[misc]  # bound at once
            assert isinstance(error, Unsupported), f"{flow.value}: it says {error!r}"

    @clause(where=waiting)
    async def test_two_attempts_are_two(self) -> None:
        first, second = await self._begin(), await self._begin()
        assert dict(first.state) != dict(second.state)

    @clause(where=waiting)
    async def test_until_the_person_is_done_there_is_nobody(self) -> None:
        challenge = await self._begin()
        for _ in range(2):
            assert await self.subject.complete(challenge.state, {}) is None

    @clause()
    async def test_who_is_done_is_somebody(self) -> None:
        found = await self._signed_in(self.person)
        assert isinstance(found.subject, str) and found.subject
        assert isinstance(found.username, str) and found.username.strip()
        assert not isinstance(found.groups, str)

    @clause()
    async def test_a_person_stays_the_same(self) -> None:
        first, second = await self._signed_in(self.person), await self._signed_in(self.person)
        assert first.subject == second.subject

    @clause()
    async def test_different_people_are_different(self) -> None:
        first, second = await self._signed_in(self.person), await self._signed_in(self.other)
        assert first.subject != second.subject and first.username != second.username

    @clause(where=waiting)
    async def test_one_attempt_is_nobody_elses(self) -> None:
        mine, theirs = await self._begin(), await self._begin()
        await self.approve(theirs, self.person)
        assert await self.subject.complete(mine.state, {}) is None

    @clause(where=redirecting)
    async def test_an_answer_to_another_attempt_is_refused(self) -> None:
        mine, theirs = [await self.subject.begin(AuthFlow.REDIRECT, return_url=RETURN) for _ in range(2)]
        form = await self.approve(theirs, self.person)
        assert form, "whoever comes back brings an answer"
        error = await self.trouble(lambda: self.subject.complete(mine.state, form))
        assert isinstance(error, ChallengeExpired | SignInDenied), f"it says {error!r}"

    @clause()
    async def test_a_token_is_a_secret(self) -> None:
        found = await self._signed_in(self.person)
        if found.token is not None:
            assert isinstance(found.token, Secret)
            clear = [found.token.reveal()]
            no_secrets(f"{found!r}", clear if len(clear[0]) >= SHORTEST else [], "the identity")

    @clause()
    async def test_an_attempt_that_nobody_made_has_expired(self) -> None:
        error = await self.trouble(lambda: self.subject.complete(self.unknown, {}))
        assert isinstance(error, ChallengeExpired | SignInDenied), f"it says {error!r}"

    @clause(where=refusing_people)
    async def test_a_stranger_may_not_come_in(self) -> None:
        challenge = await self._begin()
        form = await self.approve(challenge, self.stranger)
        error = await self.trouble(lambda: self.subject.complete(challenge.state, form))
        assert isinstance(error, SignInDenied), f"it says {error!r}"
        assert error.reason.strip()

    @clause(where=asking_while_waiting)
    async def test_an_outage_leaves_the_attempt_alive(self) -> None:
        challenge = await self._begin()
        form = await self.approve(challenge, self.person)
        self.stand_in.faults.add("500")
        error = await self.trouble(lambda: self.subject.complete(challenge.state, form))
        assert isinstance(error, ProviderError), f"it says {error!r}"
        self.stand_in.faults.clear()
        assert isinstance(await self.subject.complete(challenge.state, form), Identity)

    @clause(AuthCapability.REFRESH)
    async def test_a_fresh_token_is_a_secret(self) -> None:
        found = await self._signed_in(self.person)
        assert found.token is not None
        assert isinstance(await self.subject.refresh(found.token), Secret)

    @clause(AuthCapability.REVALIDATE)
    async def test_who_came_in_may_stay(self) -> None:
        found = await self._signed_in(self.person)
        assert await self.subject.revalidate(found.subject, found.token) is Standing.VALID

    @clause(AuthCapability.REVALIDATE)
    async def test_who_lost_access_may_not_stay(self) -> None:
        found = await self._signed_in(self.other)
        await self.expel(self.other)
        assert await self.subject.revalidate(found.subject, found.token) is Standing.REVOKED

    @clause(AuthCapability.REVALIDATE, where=misbehaving)
    async def test_an_outage_revokes_nobody(self) -> None:
        found = await self._signed_in(self.person)
        for mode in ("down", "500", "garbage"):
            self.stand_in.faults.clear()
            self.stand_in.faults.add(mode)
            async with self.another() as provider:
                error = await self.trouble(lambda p=provider: p.revalidate(found.subject, found.token))  # type: ignore[misc]  # bound at once
            assert isinstance(error, ProviderError), f"{mode}: it says {error!r}"

    @clause(AuthCapability.REVOKE)
    async def test_a_token_can_be_given_back_twice(self) -> None:
        found = await self._signed_in(self.person)
        assert found.token is not None
        try:
            for _ in range(2):
                await self.subject.revoke(found.token)
        except ProviderError as error:
            raise AssertionError(f"a token that is gone is forgotten, and it says {error!r}") from error

    @clause(AuthCapability.REVOKE, AuthCapability.REVALIDATE)
    async def test_what_was_given_back_is_no_good(self) -> None:
        found = await self._signed_in(self.person)
        assert found.token is not None
        await self.subject.revoke(found.token)
        assert await self.subject.revalidate(found.subject, found.token) is Standing.REVOKED

    @clause(AuthCapability.GROUPS)
    async def test_groups_are_names(self) -> None:
        found = await self._signed_in(self.person)
        groups = await self.subject.groups(found.subject)
        assert not isinstance(groups, str) and all(isinstance(one, str) and one for one in groups)
        assert set(found.groups) <= set(groups)

    @clause(AuthCapability.SIGN_OUT)
    async def test_signing_out_leads_to_an_address(self) -> None:
        found = await self._signed_in(self.person)
        for token in (found.token, None):
            address = await self.subject.sign_out_url(token, return_url=RETURN)
            assert address is None or urlsplit(address).scheme in ("http", "https"), address

    @clause(AuthCapability.WATCHLIST)
    async def test_a_watchlist_is_made_of_titles(self) -> None:
        found = await self._signed_in(self.person)
        assert found.token is not None
        titles = await self.subject.watchlist(found.subject, found.token)
        assert titles, "the stand-in's person wants to see nothing"
        for one in titles:
            assert isinstance(one, WatchlistTitle) and one.title.strip() and one.kind, one
            assert one.ids and all(
                isinstance(part, str) and part for pair in one.ids.items() for part in pair
            ), one
