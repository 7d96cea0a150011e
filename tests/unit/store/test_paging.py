"""Pages hold every row once, whatever shares its moment with others; what is no mark is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Double, MetaData, String, Table, create_engine, insert, select

from medianest_core.sdk.errors import UserError
from medianest_core.store.paging import mark, past

rows = Table("rows", MetaData(), Column("at", Double), Column("id", String))


@given(
    moments=st.lists(st.sampled_from([0.1, 1e9 + 1 / 3, 1795264158.4772024, 1795264158.4772026]), max_size=9),
    size=st.integers(1, 4),
)
def test_pages_hold_every_row_once(moments: list[float], size: int) -> None:
    every = [{"at": at, "id": f"row_{number}"} for number, at in enumerate(moments)]
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        rows.create(connection)
        if every:
            connection.execute(insert(rows), every)
        wanted = select(rows).order_by(rows.c.at.desc(), rows.c.id.desc()).limit(size)
        seen: list[tuple[float, str]] = []
        page = connection.execute(wanted).all()
        while page:
            seen += [(row.at, row.id) for row in page]
            page = connection.execute(wanted.where(past(mark(*seen[-1]), rows.c.at, rows.c.id))).all()
    engine.dispose()
    assert seen == sorted(((row["at"], row["id"]) for row in every), reverse=True)


@pytest.mark.parametrize("cursor", ["x", "", "_", "nan_a", "inf_a", "1,5_a", "a_1.0"])
def test_what_is_no_mark_is_refused(cursor: str) -> None:
    with pytest.raises(UserError) as refused:
        past(cursor, rows.c.at, rows.c.id)
    assert refused.value.field == "cursor"
