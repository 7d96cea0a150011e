"""What a raw record decodes to is held against what a record is: one that is something else spoils no other."""

from __future__ import annotations

from typing import Any, cast

import pytest

from medianest_core.domain.library.syncing.gather import decode_all
from medianest_core.sdk.media import MediaRecord, RawRecord

GOOD = MediaRecord("1", "movie", "Heat", "films", 1995, {"tmdb": "949"}, fields={"genres": ["Crime"]})


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"key": "2", "title": "Heat"},
        MediaRecord("2", "movie", cast(Any, 7), "films"),
        MediaRecord("2", "movie", "Heat", "films", cast(Any, "1995")),
        MediaRecord("2", "movie", "Heat", "films", ids=cast(Any, {"tmdb": 949})),
        MediaRecord("2", "movie", "Heat", "films", fields=cast(Any, ["genres"])),
    ],
)
def test_a_record_that_is_none_is_left_out(wrong: Any) -> None:
    raws = [RawRecord("1", "movie", "d", lambda: GOOD), RawRecord("2", "movie", "d", lambda: wrong)]
    incoming, unreadable = decode_all("plex", "films", raws)
    assert [one.record for one in incoming] == [GOOD]
    assert unreadable == ["2"]
