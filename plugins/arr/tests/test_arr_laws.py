"""What holds for anything the services may say."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medianest_arr.client import ArrClient
from medianest_arr.models import Episode, QueuePage, QueueRow, SeasonRow, Series, decoded
from medianest_arr.progress import progress
from medianest_arr.series_requests import state_of
from medianest_arr.wanted import Part, parsed, reference, taken
from medianest_core.sdk import Http, InvalidResponse, NotReady, RequestStatus, Secret

numbers = st.integers(0, 30)
parts = st.builds(
    Part,
    st.sets(numbers).map(lambda found: tuple(sorted(found))),
    st.sets(st.tuples(numbers, numbers)).map(lambda found: tuple(sorted(found))),
)
rows = st.builds(
    QueueRow,
    id=st.integers(0, 5),
    size=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15),
    sizeleft=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15),
    status=st.sampled_from(
        ["queued", "paused", "downloading", "completed", "failed", "warning", "delay", "?"]
    ),
    tracked_download_state=st.sampled_from(
        ["downloading", "importBlocked", "importing", "failedPending", "?"]
    ),
    tracked_download_status=st.sampled_from(["ok", "warning", "error"]),
    download_id=st.sampled_from(["", "a", "b"]),
    estimated_completion_time=st.sampled_from(
        [None, "", "soon", "2026-11-21T10:00:00Z", "0001-01-01T00:00:00Z"]
    ),
)
episodes = st.lists(
    st.builds(
        Episode,
        id=st.integers(1, 99),
        season_number=st.integers(0, 3),
        episode_number=st.integers(1, 4),
        has_file=st.booleans(),
        monitored=st.booleans(),
        air_date_utc=st.sampled_from([None, "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"]),
    ),
    unique_by=lambda row: (row.season_number, row.episode_number),
)


@given(st.integers(1, 10**9), parts)
def test_a_reference_tells_what_was_asked_for(series: int, part: Part) -> None:
    assert parsed(reference(series, part)) == (series, part)


@given(st.text())
def test_any_text_is_a_reference_or_none(text: str) -> None:
    found = parsed(text)
    assert found is None or isinstance(found[1], Part)


@given(st.lists(rows))
def test_progress_is_a_share_whatever_is_said(found: list[QueueRow]) -> None:
    told = progress(found, "Radarr")
    assert (told is None) == (not found)
    if told is not None:
        assert 0.0 <= told.share <= 1.0
        assert told.reason or told.note


@given(episodes, parts, st.booleans(), st.sets(st.integers(1, 3)))
def test_what_is_complete_is_available_and_counts_as_taken(
    found: list[Episode], part: Part, monitored: bool, on: set[int]
) -> None:
    seasons = [SeasonRow(season_number=number, monitored=number in on) for number in range(4)]
    series = Series(id=1, monitored=monitored, seasons=seasons)
    state = state_of(series, found, part, None, now=1_800_000_000.0)
    mine = [row for row in found if part.takes(row)]
    complete = bool(mine) and all(row.has_file for row in mine)
    assert (state.status is RequestStatus.AVAILABLE) == complete
    assert (state.status is RequestStatus.PARTIALLY_AVAILABLE) == (
        any(row.has_file for row in mine) and not complete
    )
    assert state.status is not RequestStatus.GONE
    if not monitored and taken(series, found, part):
        assert complete


@settings(max_examples=30)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_a_page_or_an_invalid_response(value: object) -> None:
    try:
        decoded(json.dumps(value).encode(), QueuePage)
    except InvalidResponse:
        return
    assert isinstance(value, dict)


def quiet_client() -> ArrClient:
    http: Http = object()  # type: ignore[assignment]  # never asked
    return ArrClient(http, Secret("key"), app="Radarr")


async def test_what_is_asked_at_the_same_time_is_read_once() -> None:
    client, asked = quiet_client(), 0

    async def fetch() -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return asked

    assert await asyncio.gather(*(client.shared("a", fetch) for _ in range(5))) == [1] * 5
    assert await client.shared("a", fetch) == 1
    assert await client.shared("b", fetch) == 2
    assert await client.shared("c", fetch, fresh=-1.0) == 3
    assert await client.shared("c", fetch, fresh=-1.0) == 4
    client.forget()
    assert await client.shared("a", fetch) == 5


async def test_a_failure_is_not_kept_and_one_who_leaves_disturbs_nobody() -> None:
    client, answers = quiet_client(), [NotReady("away")]
    going = asyncio.Event()

    async def fetch() -> str:
        if answers:
            raise answers.pop()
        await going.wait()
        return "here"

    with pytest.raises(NotReady):
        await client.shared("a", fetch)
    leaving = asyncio.ensure_future(client.shared("a", fetch))
    staying = asyncio.ensure_future(client.shared("a", fetch))
    await asyncio.sleep(0)
    leaving.cancel()
    going.set()
    assert await staying == "here"


async def test_closing_ends_what_is_being_read() -> None:
    client = quiet_client()
    never = asyncio.Event()

    async def fetch() -> None:
        await never.wait()

    reading = asyncio.ensure_future(client.shared("a", fetch))
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(asyncio.CancelledError):
        await reading
