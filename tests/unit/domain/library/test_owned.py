"""Values of field owners in the merge: one more source, that never silences another."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from medianest_core.domain.library.merge import BY_LEAF, GROUPS, Priorities, merge, says
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.stored.owned import as_record, clean
from medianest_core.sdk.media import MediaRecord

FIELDS = ("title", "summary", "tagline", "year", "genres", "media", "assets", "ids", "blurhash", "chapters")
_text = st.one_of(st.none(), st.just(""), st.text(min_size=1, max_size=4))
_leaves = st.dictionaries(st.sampled_from(["x", "y", "z"]), _text, max_size=3)
_said = st.fixed_dictionaries(
    {},
    optional={
        "title": _text,
        "summary": _text,
        "tagline": _text,
        "year": st.one_of(st.none(), st.integers(1900, 2030)),
        "genres": st.lists(st.text(min_size=1, max_size=3), max_size=2),
        "media": _leaves,
        "assets": _leaves,
        "ids": _leaves,
        "blurhash": _leaves,
        "chapters": st.lists(st.fixed_dictionaries({"start_ms": st.integers(0, 9)}), max_size=2),
    },
)
_json = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**31), 2**31),
        st.floats(allow_nan=False),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
_orders = st.dictionaries(
    st.sampled_from(["*", *set(GROUPS.values())]),
    st.permutations(["a", "o", "p"]).map(lambda order: {one: at for at, one in enumerate(order)}),
    max_size=4,
)


def holder(values: dict[str, Any]) -> SourceRecord:
    fields = {name: value for name, value in values.items() if name not in ("title", "ids", "year")}
    ids = {provider: value for provider, value in (values.get("ids") or {}).items() if value}
    return SourceRecord(
        "a",
        MediaRecord("1", "movie", values.get("title") or "Held", "1", values.get("year"), ids, fields=fields),
    )


def owner(instance: str, values: dict[str, Any]) -> list[SourceRecord]:
    data = clean(FIELDS, values)
    return [as_record(instance, 7, "movie", data)] if data else []


def at(values: dict[str, Any], path: tuple[str, ...]) -> Any:
    found = values.get(path[0])
    return found.get(path[1]) if len(path) > 1 and isinstance(found, dict) else found


@given(_said, _said, _said, _orders)
def test_silence_never_overwrites_and_the_next_one_takes_over(
    held: dict[str, Any], first: dict[str, Any], second: dict[str, Any], orders: dict[str, dict[str, int]]
) -> None:
    priorities = Priorities(orders)
    parts = {"a": [holder(held)], "o": owner("o", first), "p": owner("p", second)}
    everything = [one for part in parts.values() for one in part]
    merged = merge(everything, priorities)
    for name, value in merged.values.items():
        assert says(value), name
    for path, winner in merged.provenance.items():
        alone = merge(parts[winner], priorities)
        assert at(merged.values, path) == at(alone.values, path), "each value is what its source says"
        if winner == "a":
            continue
        without = merge([one for one in everything if one.instance != winner], priorities)
        others = [
            source
            for source in parts
            if source != winner and at(merge(parts[source], priorities).values, path) is not None
        ]
        if not others:
            assert at(without.values, path) is None
        else:
            group = GROUPS.get(path[0], "other")
            # Owners' records have no date: among equals the name decides.
            heir = min(others, key=lambda one: (priorities.of(group, one), one))
            assert at(without.values, path) == at(merge(parts[heir], priorities).values, path)


@given(_said, _said, _orders)
def test_an_owner_with_nothing_to_say_changes_nothing(
    held: dict[str, Any], first: dict[str, Any], orders: dict[str, dict[str, int]]
) -> None:
    silent: dict[str, Any] = {name: {} if name in BY_LEAF else None for name in first}
    assert owner("o", silent) == []
    priorities = Priorities(orders)
    assert (
        merge([holder(held), *owner("o", silent)], priorities).values
        == merge([holder(held)], priorities).values
    )


@given(st.dictionaries(st.sampled_from([*FIELDS, "undeclared"]), _json, max_size=8))
@example({"summary": math.inf})
@example({"media": {"x": math.inf}, "ids": {"tmdb": -math.inf}})
def test_any_json_is_kept_in_the_shape_of_records_or_left_out(values: dict[str, Any]) -> None:
    data = clean(FIELDS, values)
    if not data:
        return
    assert data == clean(FIELDS, values)
    found = orjson.loads(data)
    assert found.keys() <= set(FIELDS)
    for name, value in found.items():
        assert says(value)
        if name in BY_LEAF:
            assert isinstance(value, dict) and all(says(leaf) for leaf in value.values())
    merged = merge([holder({}), as_record("o", 7, "movie", data)], Priorities())
    assert merged.values["title"] == "Held"


@pytest.mark.parametrize("value", [{1, 2}, object(), math.inf])
def test_what_is_no_json_is_refused_or_nothing(value: object) -> None:
    try:
        data = clean(FIELDS, {"tagline": value})
    except TypeError:
        return
    assert orjson.loads(data or b"{}").get("tagline") is None
