"""AuthProviders that are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from medianest_core.sdk import (
    AuthCapability,
    AuthFlow,
    Challenge,
    ChallengeExpired,
    Identity,
    NotReady,
    ProviderError,
    Rejected,
    SignInDenied,
    Standing,
)
from tests.kitchen_sink.auth import SinkAuth
from tests.kitchen_sink.test_contracts import TestAuth
from tests.mutants.anything import add_all, add_hidden
from tests.mutants.wrong import Collection, Then, says, then

MUTANTS = Collection(TestAuth)
_add = MUTANTS.add
add_all(MUTANTS, "begin", Challenge({}, 1.0))
add_hidden(MUTANTS, "groups", AuthCapability.GROUPS)
_LAST: dict[str, str] = {}


def _challenges(**changed: Any) -> dict[str, Any]:
    return {"begin": then(lambda said: replace(said, **changed))}


def _people(**changed: Any) -> dict[str, Any]:
    return {"complete": then(lambda said: said and replace(said, **changed))}


class Unfinished(SinkAuth):
    async def complete(self, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
        return await SinkAuth.complete(self, state, form) or Identity("nobody", "nobody")


async def any_way(self: Any, flow: AuthFlow, *, return_url: str) -> Challenge:
    return await SinkAuth.begin(self, AuthFlow.CODE, return_url=return_url)


async def one_for_all(self: Any, flow: AuthFlow, *, return_url: str) -> Challenge:
    made = await SinkAuth.begin(self, flow, return_url=return_url)
    return replace(made, state={"attempt": _LAST.setdefault("attempt", made.state["attempt"])})


async def latest(self: Any, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
    found = await SinkAuth.complete(self, state, form)
    number = int(state["attempt"][1:]) + 1
    return found or await SinkAuth.complete(self, {"attempt": f"A{number:03}"}, form)


async def whichever(self: Any, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
    return await SinkAuth.complete(self, form or state, {})


async def patient(self: Any, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
    try:
        return await SinkAuth.complete(self, state, form)
    except (ChallengeExpired, SignInDenied):
        return None


async def closing(self: Any, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
    try:
        return await SinkAuth.complete(self, state, form)
    except ProviderError as error:
        raise ChallengeExpired("Start again.") from error


async def suspicious(self: Any, subject: str, token: Any) -> Standing:
    try:
        return await SinkAuth.revalidate(self, subject, token)
    except NotReady:
        return Standing.REVOKED


async def once(self: Any, token: Any) -> None:
    if not await self.ask("knows", token=token.reveal()):
        raise Rejected("No such token.")
    await SinkAuth.revoke(self, token)


_add("test_it_has_a_name_and_ways_to_sign_in", "no ways to sign in", flows=())
_add("test_every_way_begins", "numbers in its state", **_challenges(state={"attempt": 1}))
_add(
    "test_a_code_is_shown_with_the_place_to_type_it", "a code and nowhere to type it", **_challenges(url=None)
)
_add("test_an_attempt_has_an_end", "attempts without an end", **_challenges(expires_in=float("inf")))
_add("test_a_way_that_is_not_offered_is_unsupported", "begins in any way", begin=any_way)
_add("test_two_attempts_are_two", "one attempt for all", begin=one_for_all)
_add("test_until_the_person_is_done_there_is_nobody", "somebody at once", complete=Unfinished.complete)
_add("test_who_is_done_is_somebody", "people without names", **_people(username=""))
_add(
    "test_a_person_stays_the_same",
    "the attempt for a person",
    complete=Then(lambda said, self, state, form: said and replace(said, subject=state["attempt"])),
)
_add("test_different_people_are_different", "everybody is one", **_people(subject="1"))
_add("test_one_attempt_is_nobody_elses", "takes the next attempt for its own", complete=latest)
_add("test_an_answer_to_another_attempt_is_refused", "takes any answer for its own", complete=whichever)
_add("test_signing_out_leads_to_an_address", "a place that is none", sign_out_url=says("somewhere"))
_add("test_a_token_is_a_secret", "a token as text", **_people(token="token-in-clear"))
_add("test_an_attempt_that_nobody_made_has_expired", "waits for nobody", complete=patient)
_add("test_a_stranger_may_not_come_in", "a stranger is not done yet", complete=patient)
_add("test_an_outage_leaves_the_attempt_alive", "an outage ends the attempt", complete=closing)
_add("test_a_fresh_token_is_a_secret", "a token as text", refresh=says("token-in-clear"))
_add("test_who_came_in_may_stay", "nobody may stay", revalidate=says(Standing.REVOKED))
_add("test_who_lost_access_may_not_stay", "everybody may stay", revalidate=says(Standing.VALID))
_add("test_an_outage_revokes_nobody", "who cannot be asked about is out", revalidate=suspicious)
_add("test_a_token_can_be_given_back_twice", "complains of tokens that are gone", revoke=once)
_add("test_what_was_given_back_is_no_good", "gives nothing back", revoke=says(None))
_add("test_groups_are_names", "one text for groups", groups=says("cooks"))
_add(
    "test_a_watchlist_is_made_of_titles",
    "titles without ids",
    watchlist=then(lambda said: [replace(one, ids={}) for one in said]),
)
