"""RequestBackends that are wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from medianest_core.sdk import (
    NotReady,
    Quota,
    Rejected,
    RequestCapability,
    RequestItem,
    RequestState,
    RequestStatus,
)
from tests.kitchen_sink.requests import SinkRequests
from tests.kitchen_sink.test_contracts import TestRequests
from tests.mutants.anything import add_all, add_hidden
from tests.mutants.wrong import Collection, says, then

MUTANTS = Collection(TestRequests)
_add = MUTANTS.add
add_all(MUTANTS, "find", None)
add_hidden(MUTANTS, "quota", RequestCapability.QUOTA)
_NOBODY = RequestState("r9", RequestStatus.PENDING)


def _few(self: Any) -> frozenset[str]:
    return frozenset() if hasattr(self.http, "asked") else frozenset({"movie"})


async def by_title(self: Any, item: RequestItem, user: str) -> Any:
    found = await self.list(0.0)
    return found[0] if found else None


async def refused(self: Any, item: RequestItem, user: str) -> Any:
    try:
        return await SinkRequests.submit(self, item, user)
    except NotReady as error:
        raise Rejected("No.") from error


async def taken(self: Any, item: RequestItem, user: str) -> Any:
    try:
        return await SinkRequests.submit(self, item, user)
    except NotReady:
        return _NOBODY


async def pushing(self: Any, reference: str) -> Any:
    before = await SinkRequests.state(self, reference)
    await SinkRequests.approve(self, reference)
    return before


async def once(self: Any, reference: str) -> None:
    if (await self.state(reference)).status is RequestStatus.GONE:
        raise Rejected("It is gone.")
    await SinkRequests.cancel(self, reference)


async def all_of_them(self: Any, since: float) -> Any:
    return await SinkRequests.list(self, 0.0)


_add("test_it_says_which_kinds_it_takes_without_asking", "none while the service is away", kinds=_few)
_add("test_it_takes_what_it_says_it_takes", "takes something else", kinds=lambda self: frozenset({"book"}))
_add("test_what_nobody_asked_for_is_not_found", "finds what nobody asked for", find=says(_NOBODY))
_add(
    "test_a_request_has_a_reference_and_a_status",
    "no reference",
    submit=then(lambda said: replace(said, reference="")),
)
_add("test_what_was_asked_for_is_found", "never finds anything", find=says(None))
_add("test_finding_is_of_exactly_this", "finds whatever was asked for last", find=by_title)
_add(
    "test_a_request_can_be_looked_at",
    "gone at once",
    state=then(lambda said: replace(said, status=RequestStatus.GONE)),
)
_add("test_looking_decides_nothing", "approves what is looked at", state=pushing)
_add("test_an_unknown_request_is_gone", "waits for nobody", state=says(_NOBODY))
_add(
    "test_times_are_epoch_seconds",
    "milliseconds",
    submit=then(lambda said: replace(said, created_at=said.created_at * 1000)),
)
_add("test_an_answer_that_got_lost_is_found_again", "a lost answer is a no", submit=refused)
_add("test_a_request_to_nobody_is_not_taken", "takes what it cannot hand over", submit=taken)
_add("test_a_cancelled_request_is_gone", "does not cancel", cancel=says(None))
_add("test_a_request_may_be_cancelled_twice", "complains of what is gone", cancel=once)
_add("test_a_request_is_listed", "lists nothing", list=says([]))
_add("test_the_latest_change_comes_first", "the oldest first", list=then(lambda said: said[::-1]))
_add("test_nothing_has_changed_since_tomorrow", "everything always changes", list=all_of_them)
_add(
    "test_options_can_be_chosen",
    "a default that is no choice",
    options=then(lambda said: [replace(one, default="8k") for one in said]),
)
_add("test_what_is_approved_waits_no_more", "does not approve", approve=SinkRequests.state)
_add("test_what_is_declined_is_declined", "does not decline", decline=SinkRequests.state)
_add("test_an_issue_is_there_until_it_is_resolved", "resolves nothing", resolve=says(None))
_add(
    "test_an_issue_keeps_its_words",
    "every issue is another kind",
    issues=then(lambda said: [replace(one, kind="other") for one in said]),
)
_add(
    "test_people_are_told_apart",
    "one id for all",
    users=then(lambda said: [replace(one, id="1") for one in said]),
)
_add("test_a_quota_counts_what_is_used", "-1 for no limit", quota=says([Quota("movie", 0, -1)]))
