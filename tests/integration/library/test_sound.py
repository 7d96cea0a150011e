"""What the laws look at notices a library that is not as it must be."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.fakes.media import movie
from tests.integration.library.conftest import Shelf
from tests.laws.sound import sound

DAMAGES = {
    "a title without its document": "DELETE FROM title_docs WHERE id = (SELECT min(id) FROM title_docs)",
    "a document without its title": "DELETE FROM titles WHERE id = (SELECT min(id) FROM titles)",
    "a record without its bytes": "DELETE FROM record_data WHERE key = '1'",
    "bytes without their record": "DELETE FROM records WHERE key = '1'",
    "a record of another title": "UPDATE records SET title_id = (SELECT min(title_id) FROM records WHERE key = '2') WHERE key = '1' AND source = 1",
    "a title under another": "UPDATE titles SET parent_id = 999",
    "a column of an older document": "UPDATE titles SET rating = 9.5 WHERE id = (SELECT min(id) FROM titles)",
    "a document of older records": "UPDATE title_docs SET doc = (SELECT doc FROM title_docs ORDER BY id DESC LIMIT 1)",
    "one title made of two": "UPDATE records SET title_id = (SELECT min(title_id) FROM records WHERE key = '1') WHERE key = '3'",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_damage_is_noticed(shelf: Shelf, damage: str) -> None:
    shelf.server("a").put(movie("1"), movie("2"), movie("3"))
    shelf.server("b").put(movie("1"), movie("3"))
    await shelf.sync()
    assert len(await sound(shelf.floor.db)) == 3
    async with shelf.floor.db.begin() as tx:
        changed = await tx.execute(text(damage))
        assert changed.rowcount
    with pytest.raises(AssertionError):
        await sound(shelf.floor.db)
