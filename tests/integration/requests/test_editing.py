"""A request can be changed while nobody has decided about it, by whose it is and by admins."""

from __future__ import annotations

import pytest

from medianest_core.domain.requests.entries import Policy, Profile
from medianest_core.domain.requests.errors import Denied, QuotaUsed
from medianest_core.domain.requests.states import NotPossible
from medianest_core.sdk.errors import UserError
from medianest_core.store.errors import Stale
from tests.integration.requests.conftest import ADMIN, ANN, BOB, Bench, show


async def test_seasons_profile_and_a_word(bench: Bench) -> None:
    profile = await bench.requests.put_profile(Profile("", "Small", options={"quality": "1"}), ADMIN.id)
    made = await bench.ask(ANN, show(seasons=(1, 2)))
    after = await bench.requests.edit(
        ANN, made.id, version=made.version, seasons=(3,), profile_id=profile.id, comment="Later ones first."
    )
    assert after is not None and list(after.seasons) == [3] and after.profile_id == profile.id
    assert dict(after.options) == {"quality": "1"} and after.state == "pending"
    detail = await bench.detail(made.id)
    assert [one.text for one in detail.comments] == ["Later ones first."]
    assert detail.timeline[-1].by is not None and detail.timeline[-1].by.id == ANN.id
    with pytest.raises(Stale):
        await bench.requests.edit(ANN, made.id, version=made.version, seasons=(4,))
    # All of it; then the usual profile again.
    whole = await bench.requests.edit(ADMIN, made.id, seasons=(), profile_id="")
    assert whole is not None and whole.kind == "show" and not whole.seasons and whole.profile_id is None
    await bench.requests.approve(ADMIN, made.id)
    await bench.until(made.id, "processing")
    with pytest.raises(NotPossible):
        await bench.requests.edit(ANN, made.id, seasons=(1,))


async def test_only_whose_it_is_and_only_what_is_free(bench: Bench) -> None:
    first = await bench.ask(ANN, show(seasons=(1,)))
    second = await bench.ask(BOB, show(seasons=(2,)))
    assert await bench.requests.edit(BOB, first.id, seasons=(3,)) is None, "it does not exist for them"
    await bench.requests.follow(ADMIN, first.id, BOB.id)
    with pytest.raises(Denied):
        await bench.requests.edit(BOB, first.id, seasons=(3,))
    with pytest.raises(UserError) as refused:
        await bench.requests.edit(BOB, second.id, seasons=(1, 2))
    assert refused.value.field == "seasons"
    film = await bench.ask(ANN)
    with pytest.raises(UserError):
        await bench.requests.edit(ANN, film.id, seasons=(1,))


async def test_the_quota_counts_what_it_is_now(bench: Bench) -> None:
    await bench.requests.put_policy(Policy("", "role", "user", quota=3), ADMIN.id)
    made = await bench.ask(ANN, show(seasons=(1, 2)))
    await bench.requests.edit(ANN, made.id, seasons=(1, 2, 3))
    with pytest.raises(QuotaUsed):
        await bench.requests.edit(ANN, made.id, seasons=(1, 2, 3, 4))
    await bench.requests.edit(ANN, made.id, seasons=(1,))
    (left,) = [one.left for one in await bench.requests.allowances(ANN) if one.kind == "show" and one.allowed]
    assert left == 2
