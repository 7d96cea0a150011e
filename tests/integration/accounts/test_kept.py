"""What a person keeps: searches, and the secret address of their calendar."""

from __future__ import annotations

import pytest

from medianest_core.domain.accounts.errors import NotAllowed
from medianest_core.domain.accounts.saved import MOST
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.search import calendar_addresses
from tests.integration.accounts.conftest import House


async def test_searches_are_kept_by_name(house: House) -> None:
    ann = (await house.accounts.setup.add_admin("ann", "correct horse")).id
    bob = (await house.accounts.setup.add_admin("bob", "correct horse")).id
    saved = house.accounts.saved
    first = await saved.save(ann, "library", " Dark   nights ", "genre=Crime&cursor=x")
    await saved.save(ann, "discover", "Animals", "q=zoo")
    assert [(one.name, one.path) for one in await saved.of(ann)] == [
        ("Animals", "/discover?q=zoo"),
        ("Dark nights", "/library?genre=Crime"),
    ]
    again = await saved.save(ann, "library", "Dark nights", "genre=Crime&decade=1990")
    assert again.id == first.id, "one of the same name is replaced"
    assert [one.query for one in await saved.of(ann, "library")] == ["decade=1990&genre=Crime"]
    assert await saved.of(bob) == []
    assert not await saved.remove(bob, first.id)
    assert await saved.remove(ann, first.id)
    assert not await saved.remove(ann, first.id)


async def test_there_is_an_end_to_searches(house: House) -> None:
    ann = (await house.accounts.setup.add_admin("ann", "correct horse")).id
    for number in range(MOST):
        await house.accounts.saved.save(ann, "library", f"No {number}", "q=x")
    with pytest.raises(NotAllowed):
        await house.accounts.saved.save(ann, "library", "One more", "q=x")
    await house.accounts.saved.save(ann, "library", "No 3", "q=y")


async def test_an_address_opens_the_calendar_until_it_is_taken_back(house: House) -> None:
    accounts = house.accounts
    ann = (await accounts.setup.add_admin("ann", "correct horse")).id
    assert await accounts.addresses.of(ann) is None
    token = await accounts.addresses.renew(ann)
    async with house.db.read() as tx:
        rows = await tx.all(calendar_addresses.select())
    assert token not in str([dict(row) for row in rows]), "only its hash is stored"
    viewer = await accounts.addresses.resolve(token)
    assert viewer is not None and viewer.id == ann
    known = await accounts.addresses.of(ann)
    assert known is not None and known.last_used_at is not None
    newer = await accounts.addresses.renew(ann)
    assert await accounts.addresses.resolve(token) is None, "the one before stopped working"
    for wrong in ("", "x", token + "x", "y" * 5000):
        assert await accounts.addresses.resolve(wrong) is None
    async with house.db.begin() as tx:
        await tx.execute(users.update().values(status="suspended"))
    assert await accounts.addresses.resolve(newer) is None
    assert await accounts.addresses.revoke(ann)
    assert not await accounts.addresses.revoke(ann)
