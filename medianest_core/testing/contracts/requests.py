"""The contract of a RequestBackend."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, ClassVar

from medianest_core.sdk.errors import NotReady, ProviderError
from medianest_core.sdk.requests import (
    BackendUser,
    Issue,
    Quota,
    RequestBackend,
    RequestCapability,
    RequestItem,
    RequestOption,
    RequestState,
    RequestStatus,
)
from medianest_core.sdk.service import Provider
from medianest_core.testing.contracts.clients import NobodyThere
from medianest_core.testing.contracts.common import CommonContract
from medianest_core.testing.contracts.contract import clause, misbehaving

ISSUES = ("video", "audio", "subtitles", "other")
_DAY = 86_400.0


class RequestContract(CommonContract[RequestBackend[Any, Any]]):
    """A suite says what may be asked for in `wished()`.

    user: on whose behalf, the backend's id. gone: a reference that it does not know. writing: path that takes requests, where
    "lost" answers are tried.
    """

    kind: ClassVar[type[Provider[Any, Any]]] = RequestBackend
    anew: ClassVar[bool] = True
    user: ClassVar[str] = ""
    gone: ClassVar[str] = "99999999"

    def wished(self) -> RequestItem:
        """A title that the service can get and that nobody has."""
        raise NotImplementedError

    def broken(self) -> RequestItem:
        """A title that the household has, of which something is wrong."""
        raise NotImplementedError

    async def read(self, provider: RequestBackend[Any, Any]) -> object:
        return await provider.find(self.wished(), self.user)

    async def waiting(self) -> RequestState:
        """A request that waits for someone's approval there; by default one that is made by `user`."""
        return await self._submit()

    async def _submit(self) -> RequestState:
        return await self.subject.submit(self.wished(), self.user)

    @clause()
    async def test_it_says_which_kinds_it_takes_without_asking(self) -> None:
        http = NobodyThere()
        async with self.another(http) as backend:
            kinds = backend.kinds()
        assert http.asked == []
        assert isinstance(kinds, frozenset) and kinds and all(isinstance(one, str) and one for one in kinds)

    @clause()
    async def test_it_takes_what_it_says_it_takes(self) -> None:
        assert self.wished().kind in self.subject.kinds()

    @clause()
    async def test_what_nobody_asked_for_is_not_found(self) -> None:
        assert await self.subject.find(self.wished(), self.user) is None

    @clause()
    async def test_a_request_has_a_reference_and_a_status(self) -> None:
        state = await self._submit()
        assert isinstance(state, RequestState)
        assert isinstance(state.reference, str) and state.reference
        assert isinstance(state.status, RequestStatus)
        assert state.status not in (RequestStatus.GONE, RequestStatus.FAILED, RequestStatus.DECLINED)

    @clause()
    async def test_what_was_asked_for_is_found(self) -> None:
        state = await self._submit()
        found = await self.subject.find(self.wished(), self.user)
        assert found is not None and found.reference == state.reference

    @clause()
    async def test_finding_is_of_exactly_this(self) -> None:
        await self._submit()
        nobody = replace(self.wished(), ids=dict.fromkeys(self.wished().ids, "999999999"), title="Qzxv Jkwq")
        try:
            found = await self.subject.find(nobody, self.user)
        except ProviderError:
            return  # It need not be able to say: whoever asks takes no error for a no.
        assert found is None

    @clause()
    async def test_a_request_can_be_looked_at(self) -> None:
        made = await self._submit()
        state = await self.subject.state(made.reference)
        assert isinstance(state, RequestState)
        assert state.reference == made.reference and state.status is not RequestStatus.GONE

    @clause(RequestCapability.APPROVE)
    async def test_looking_decides_nothing(self) -> None:
        made = await self.waiting()
        for _ in range(2):
            assert (await self.subject.state(made.reference)).status is RequestStatus.PENDING

    @clause()
    async def test_an_unknown_request_is_gone(self) -> None:
        assert (await self.subject.state(self.gone)).status is RequestStatus.GONE

    @clause()
    async def test_times_are_epoch_seconds(self) -> None:
        made = await self._submit()
        for state in (made, await self.subject.state(made.reference)):
            for at in (state.changed_at, state.created_at):
                assert at is None or abs(at - time.time()) < 3650 * _DAY, at

    @clause(where=misbehaving)
    async def test_an_answer_that_got_lost_is_found_again(self) -> None:
        self.stand_in.faults.add("lost", method="POST", times=None)
        async with self.another() as backend:
            error = await self.trouble(lambda: backend.submit(self.wished(), self.user))
        assert isinstance(error, NotReady), f"whether it was taken is not known, and it says {error!r}"
        self.stand_in.faults.clear()
        async with self.another() as backend:
            assert await backend.find(self.wished(), self.user) is not None, "it was taken, and is not found"

    @clause(where=misbehaving)
    async def test_a_request_to_nobody_is_not_taken(self) -> None:
        self.stand_in.faults.add("down")
        async with self.another() as backend:
            error = await self.trouble(lambda: backend.submit(self.wished(), self.user))
        assert isinstance(error, NotReady), f"it says {error!r}"

    @clause(RequestCapability.CANCEL)
    async def test_a_cancelled_request_is_gone(self) -> None:
        made = await self._submit()
        await self.subject.cancel(made.reference)
        state = await self.subject.state(made.reference)
        assert state.status in (RequestStatus.GONE, RequestStatus.DECLINED), state.status

    @clause(RequestCapability.CANCEL)
    async def test_a_request_may_be_cancelled_twice(self) -> None:
        made = await self._submit()
        try:
            for _ in range(2):
                await self.subject.cancel(made.reference)
        except ProviderError as error:
            raise AssertionError(f"what is gone counts as withdrawn, and it says {error!r}") from error

    @clause(RequestCapability.LIST)
    async def test_a_request_is_listed(self) -> None:
        made = await self._submit()
        assert made.reference in {one.reference for one in await self.subject.list(0.0)}

    @clause(RequestCapability.LIST)
    async def test_the_latest_change_comes_first(self) -> None:
        await self._submit()
        times = [one.changed_at for one in await self.subject.list(0.0) if one.changed_at is not None]
        assert times == sorted(times, reverse=True)

    @clause(RequestCapability.LIST)
    async def test_nothing_has_changed_since_tomorrow(self) -> None:
        await self._submit()
        assert list(await self.subject.list(time.time() + _DAY)) == []

    @clause(RequestCapability.OPTIONS)
    async def test_options_can_be_chosen(self) -> None:
        for kind in sorted(self.subject.kinds()):
            options = await self.subject.options(kind)
            assert all(isinstance(one, RequestOption) for one in options)
            assert len({one.name for one in options}) == len(options)
            for one in options:
                values = [choice.value for choice in one.choices]
                assert one.title.strip() and len(values) == len(set(values)), one
                chosen = [] if one.default is None else one.default.split(",") if one.many else [one.default]
                assert set(chosen) <= set(values), f"{one.name}: {one.default} cannot be chosen"

    @clause(RequestCapability.APPROVE)
    async def test_what_is_approved_waits_no_more(self) -> None:
        made = await self.waiting()
        assert made.status is RequestStatus.PENDING, "the suite's `waiting` has to make one that waits"
        approved = await self.subject.approve(made.reference)
        assert approved.reference == made.reference
        for state in (approved, await self.subject.state(made.reference)):
            assert state.status not in (RequestStatus.PENDING, RequestStatus.DECLINED, RequestStatus.GONE)

    @clause(RequestCapability.APPROVE)
    async def test_what_is_declined_is_declined(self) -> None:
        made = await self.waiting()
        declined = await self.subject.decline(made.reference)
        for state in (declined, await self.subject.state(made.reference)):
            assert state.status is RequestStatus.DECLINED, state.status

    @clause(RequestCapability.ISSUES)
    async def test_an_issue_is_there_until_it_is_resolved(self) -> None:
        reference = await self.subject.report(Issue("video", "It flickers.", self.broken()), self.user)
        assert reference
        told = {one.reference: one for one in await self.subject.issues()}
        assert reference in told and told[reference].open
        await self.subject.resolve(reference)
        after = {one.reference: one for one in await self.subject.issues()}
        assert reference not in after or not after[reference].open

    @clause(RequestCapability.ISSUES)
    async def test_an_issue_keeps_its_words(self) -> None:
        reference = await self.subject.report(
            Issue("audio", "No sound: “ä” at 0:10.", self.broken()), self.user
        )
        one = next(one for one in await self.subject.issues() if one.reference == reference)
        assert isinstance(one, Issue)
        assert (one.kind, one.message) == ("audio", "No sound: “ä” at 0:10.")

    @clause(RequestCapability.USERS)
    async def test_people_are_told_apart(self) -> None:
        people = await self.subject.users()
        assert people and all(isinstance(one, BackendUser) and one.id and one.name for one in people)
        assert len({one.id for one in people}) == len(people)

    @clause(RequestCapability.QUOTA)
    async def test_a_quota_counts_what_is_used(self) -> None:
        for one in await self.subject.quota(self.user):
            assert isinstance(one, Quota)
            assert one.kind and one.used >= 0 and (one.limit is None or one.limit > 0), one
            assert one.window_days is None or one.window_days > 0, one
