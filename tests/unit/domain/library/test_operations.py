"""Operations: each value belongs to one, and one operation changes nothing that belongs to another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.merge import differences, statements
from medianest_core.domain.library.operations import (
    LABELS,
    OPERATIONS,
    checked,
    narrowed,
    operation_of,
)
from medianest_core.domain.library.syncing.scope import SyncArgs
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import MediaRecord

TEXT = st.sampled_from(["one", "two", "three"])
LEAVES = {
    "assets": ("poster", "backdrop", "thumb", "logo", "banner"),
    "captions": ("en", "fr"),
    "media": ("hdr", "codec"),
}


@st.composite
def records(draw: Any) -> MediaRecord:
    fields: dict[str, Any] = {}
    for name in ("summary", "genres", "chapters", "files", "duration_ms", "blurhash"):
        if draw(st.booleans()):
            fields[name] = draw(TEXT)
    for name, leaves in LEAVES.items():
        if draw(st.booleans()):
            fields[name] = draw(st.dictionaries(st.sampled_from(leaves), TEXT))
    return MediaRecord(
        "1",
        "movie",
        draw(TEXT),
        "1",
        year=draw(st.sampled_from([None, 1999, 2000])),
        ids=draw(st.dictionaries(st.sampled_from(["imdb", "tmdb"]), TEXT)),
        fields=fields,
        added_at=1.0,
        updated_at=draw(st.sampled_from([None, 1.0, 2.0])),
    )


OPS = st.sets(st.sampled_from(sorted(OPERATIONS)), min_size=1)


@given(records(), records(), OPS)
def test_only_what_was_asked_for_changes_and_all_of_that(
    stored: MediaRecord, fresh: MediaRecord, ops: set[str]
) -> None:
    result = narrowed(stored, fresh, ops)
    changed = differences(statements(stored), statements(result))
    assert {operation_of(path) for path in changed} <= ops
    left = differences(statements(result), statements(fresh))
    assert not {operation_of(path) for path in left} & ops
    assert (result.added_at, result.updated_at) == (stored.added_at, stored.updated_at)


@given(records(), records(), OPS)
def test_a_second_time_changes_nothing(stored: MediaRecord, fresh: MediaRecord, ops: set[str]) -> None:
    once = narrowed(stored, fresh, ops)
    assert narrowed(once, fresh, ops) == once


@given(records(), records())
def test_all_operations_one_after_the_other_bring_all_of_it(stored: MediaRecord, fresh: MediaRecord) -> None:
    result = stored
    for name in OPERATIONS:
        result = narrowed(result, fresh, {name})
    assert statements(result) == statements(fresh)


def test_each_path_has_one_operation_and_each_operation_a_name() -> None:
    paths = [path for paths in OPERATIONS.values() for path in paths]
    assert len(paths) == len(set(paths))
    assert OPERATIONS.keys() == LABELS.keys()
    assert operation_of(("captions", "en")) == "captions"
    assert operation_of(("assets", "poster")) == "posters"
    assert operation_of(("assets", "banner")) == operation_of(("tagline",)) == "metadata"
    assert operation_of(("media", "hdr")) == operation_of(("files",)) == "video_info"


def test_names_are_checked_and_all_of_them_are_none() -> None:
    assert checked(None) is None and checked(list(OPERATIONS)) is None
    assert checked(["posters", "captions", "posters"]) == ("captions", "posters")
    for wrong in (["captions", "sound"], []):
        with pytest.raises(UserError):
            checked(wrong)


def test_requests_are_alike_whatever_their_order() -> None:
    one = SyncArgs(instance_ids=("a", "b"), keys=("1", "2"), ops=("captions", "posters"))
    other = SyncArgs(instance_ids=("b", "a", "a"), keys=("2", "1"), ops=("posters", "captions"), force=True)
    assert one.scope == other.scope
    assert one.target == SyncArgs(instance_ids=("a", "b"), keys=("1", "2")).target
    for change in ({"keys": None}, {"kinds": ("movie",)}, {"titles": (1,)}, {"dry_run": True}):
        assert one.model_copy(update=change).target != one.target


def test_two_requests_become_one_that_answers_both() -> None:
    captions, posters = SyncArgs(ops=("captions",)), SyncArgs(ops=("posters",), force=True)
    merged = captions.merged(posters)
    assert merged.ops is not None and set(merged.ops) == {"captions", "posters"} and merged.force
    assert captions.merged(SyncArgs()).ops is None
