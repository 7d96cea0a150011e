"""People of a service get accounts in one step, each once, and sign in as who they are there."""

from __future__ import annotations

from typing import Any

import pytest

from medianest_core.sdk.auth import AuthProvider, Identity
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.requests import BackendUser, RequestBackend, RequestItem
from medianest_core.store.repos import audit
from tests.fakes.requests import FakeBackend
from tests.integration.requests.conftest import ADMIN, Bench, identities
from tests.integration.requests.test_watchlists import Lists

CASEY = BackendUser("11", "casey", "casey@example.test", {"fake": "1000002"})
JORDAN = BackendUser("12", "jordan", None, {"fake": "1000003"})
LENA = BackendUser("13", "Lena Local", "lena@example.test", {})


@pytest.fixture
async def town(bench: Bench) -> Bench:
    bench.seerr.people = [LENA, JORDAN, CASEY]
    bench.instances.add("vouches", AuthProvider, Lists())
    return bench


async def test_preview_and_take(town: Bench) -> None:
    people = town.requests.people
    assert people.sources() == {"seerr": "Seerr"}
    before = await people.preview("seerr")
    assert [(one.name, one.state) for one in before] == [
        ("casey", "new"),
        ("jordan", "new"),
        ("Lena Local", "no_way_in"),
    ]
    made = await people.take("seerr", {"11", "13", "99"}, active=True, actor=ADMIN.id)
    assert [one.name for one in made] == ["casey"]
    await people.take("seerr", {"12", "11"}, active=False, actor=ADMIN.id)
    after = {one.name: one for one in await people.preview("seerr")}
    assert [after[name].state for name in ("casey", "jordan", "Lena Local")] == [
        "known",
        "known",
        "no_way_in",
    ]
    async with town.floor.db.read() as tx:
        rows = await audit.latest(tx, action="user.imported", actor=None, before=None, limit=10)
    assert len(rows) == 2
    # Who signs in later is that account, with the rights it was given.
    accounts: Any = identities(town.floor, town.folder)
    async with town.floor.db.begin() as tx:
        for name, subject, status in (("casey", "1000002", "active"), ("jordan", "1000003", "pending")):
            proven = await accounts.prove(tx, "fake", "vouches", Identity(subject, name), approve=False)
            assert not proven.created and proven.user.id == after[name].user_id
            assert (proven.user.status.value, proven.user.username) == (status, name)
    assert after["casey"].email == "casey@example.test"


async def test_without_a_way_to_sign_in_nobody_is_taken(town: Bench) -> None:
    town.instances.remove("vouches")
    assert {one.state for one in await town.requests.people.preview("seerr")} == {"no_way_in"}
    assert not await town.requests.people.take("seerr", {"11"}, active=True, actor=ADMIN.id)
    town.instances.add("seerr", RequestBackend, FakeBackend("seerr", town.seerr))
    assert town.requests.people.sources() == {}
    with pytest.raises(NotReady):
        await town.requests.people.preview("seerr")


async def test_what_they_had_asked_for_there_becomes_theirs(town: Bench) -> None:
    town.seerr.made_there(RequestItem("movie", {"tmdb": "1"}, "One"), "11")
    await town.poll()
    (before,) = (await town.requests.list(ADMIN, everyone=True)).items
    assert before.user is None and before.origin_name == "casey"
    await town.requests.people.take("seerr", {"11"}, active=True, actor=ADMIN.id)
    await town.poll()
    (after,) = (await town.requests.list(ADMIN, everyone=True)).items
    assert after.id == before.id and after.user is not None and after.user.name == "casey"
    assert after.participants == 1 and not after.origin_name
