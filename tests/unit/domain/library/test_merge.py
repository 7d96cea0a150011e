from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.document import build, parse
from medianest_core.domain.library.merge import (
    BY_LEAF,
    LOCK,
    Path,
    Priorities,
    differences,
    merge,
    says,
    statements,
)
from medianest_core.domain.library.records import SourceRecord, decode, encode
from medianest_core.sdk.media import MediaRecord

_texts = st.one_of(st.none(), st.just(""), st.sampled_from(["x", "y", "z"]))
_leaves = st.one_of(
    st.none(), st.dictionaries(st.sampled_from(["en", "de", "fr"]), st.one_of(st.none(), _texts), max_size=3)
)
_fields = st.fixed_dictionaries(
    {},
    optional={
        "summary": _texts,
        "studio": _texts,
        "genres": st.one_of(st.none(), st.lists(st.sampled_from(["Drama", "War"]), max_size=2)),
        "rating": st.one_of(st.none(), st.integers(0, 10)),
        "captions": _leaves,
        "assets": _leaves,
        "media": _leaves,
    },
)


@st.composite
def records(draw: st.DrawFn, least: int = 1) -> list[SourceRecord]:
    instances = draw(st.lists(st.sampled_from("abcd"), min_size=least, max_size=4, unique=True))
    return [
        SourceRecord(
            instance,
            MediaRecord(
                key=f"k{instance}",
                kind="movie",
                title=draw(st.sampled_from(["Heat", "heat"])),
                library="1",
                year=draw(st.one_of(st.none(), st.integers(1990, 1992))),
                ids=draw(
                    st.dictionaries(st.sampled_from(["imdb", "tmdb"]), st.sampled_from("12"), max_size=2)
                ),
                fields=draw(_fields),
                updated_at=draw(st.one_of(st.none(), st.integers(1, 3).map(float))),
            ),
        )
        for instance in instances
    ]


priorities = st.dictionaries(
    st.sampled_from(["*", "text", "captions"]),
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3), max_size=4),
    max_size=3,
).map(Priorities)


def value_at(values: Any, path: Path) -> Any:
    for part in path:
        values = values.get(part) if isinstance(values, dict) else None
    return values


@given(records(), priorities, st.randoms())
def test_the_order_of_arrival_does_not_matter(
    found: list[SourceRecord], order: Priorities, random: Any
) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert build(merge(shuffled, order), shuffled) == build(merge(found, order), found)


@given(records(), priorities)
def test_every_value_comes_from_who_it_is_said_to_come_from(
    found: list[SourceRecord], order: Priorities
) -> None:
    merged = merge(found, order)
    by_instance = {one.instance: statements(one.record) for one in found}
    for path, instance in merged.provenance.items():
        assert value_at(merged.values, path) == value_at(by_instance[instance], path)
        assert says(value_at(merged.values, path))
    shown = {
        path
        for name, value in merged.values.items()
        for path in ([(name, leaf) for leaf in value] if name in BY_LEAF else [(name,)])
    }
    assert shown == set(merged.provenance)


@given(records(), priorities)
def test_a_lower_priority_never_overwrites_a_higher(found: list[SourceRecord], order: Priorities) -> None:
    from medianest_core.domain.library.merge import GROUPS

    merged = merge(found, order)
    for path, winner in merged.provenance.items():
        group = GROUPS.get(path[0], "other")
        for one in found:
            if order.of(group, one.instance) < order.of(group, winner):
                assert not says(value_at(statements(one.record), path))


@given(records(least=2), priorities)
def test_nobody_says_nothing_and_silence_never_wins(found: list[SourceRecord], order: Priorities) -> None:
    merged = merge(found, order)
    for one in found:
        for name, value in statements(one.record).items():
            if name in BY_LEAF:
                assert value.keys() <= merged.values[name].keys()
            else:
                assert name in merged.values


@given(records(least=2), priorities)
def test_removing_a_source_yields_the_next_owners_value(found: list[SourceRecord], order: Priorities) -> None:
    rest = found[1:]
    before, after = merge(found, order), merge(rest, order)
    for path, instance in after.provenance.items():
        if before.provenance[path] == instance:
            assert value_at(before.values, path) == value_at(after.values, path)
    gone = before.provenance.keys() - after.provenance.keys()
    assert all(before.provenance[path] == found[0].instance for path in gone)


@given(records(), priorities)
def test_locks_stand_above_all(found: list[SourceRecord], order: Priorities) -> None:
    locks: dict[Path, Any] = {("summary",): "mine", ("captions", "en"): {"format": "srt"}}
    merged = merge(found, order, locks)
    for path, value in locks.items():
        assert value_at(merged.values, path) == value
        assert merged.provenance[path] == LOCK
    free = merge(found, order)
    for path in free.provenance.keys() - locks.keys():
        assert value_at(free.values, path) == value_at(merged.values, path)


@given(records(), priorities)
def test_documents_keep_values_and_provenance(found: list[SourceRecord], order: Priorities) -> None:
    merged = merge(found, order, {("tagline",): "mine"})
    doc = parse(build(merged, found))
    assert doc.values == orjson.loads(orjson.dumps(merged.values))
    assert doc.provenance() == merged.provenance
    assert [(one.instance_id, one.key) for one in doc.holdings] == sorted(one.place for one in found)


@given(records())
def test_records_survive_storage(found: list[SourceRecord]) -> None:
    for one in found:
        assert decode(encode(one.record)) == one.record


@given(records(), records(), priorities)
def test_differences_lead_from_one_to_the_other(
    one: list[SourceRecord], other: list[SourceRecord], order: Priorities
) -> None:
    before, after = merge(one, order), merge(other, order)
    changed = differences(before.values, after.values)
    for path in before.provenance.keys() | after.provenance.keys():
        old, new = value_at(before.values, path), value_at(after.values, path)
        assert (path in changed) == (old != new)
        if path in changed:
            assert changed[path] == (old, new)


def test_ties_go_to_the_newest() -> None:
    def said(instance: str, summary: str, at: float) -> SourceRecord:
        return SourceRecord(
            instance,
            MediaRecord("1", "movie", "Heat", "1", fields={"summary": summary}, updated_at=at),
        )

    assert merge([said("a", "old", 1.0), said("b", "new", 2.0)], Priorities()).values["summary"] == "new"


def test_media_is_merged_leaf_by_leaf() -> None:
    def said(instance: str, media: dict[str, Any]) -> SourceRecord:
        return SourceRecord(instance, MediaRecord("1", "movie", "Heat", "1", fields={"media": media}))

    order = Priorities({"*": {"a": 1, "b": 2}})
    merged = merge(
        [said("a", {"width": 1920, "hdr": None}), said("b", {"width": 3840, "hdr": "HDR10"})], order
    )
    assert merged.values["media"] == {"width": 1920, "hdr": "HDR10"}
    assert merged.provenance[("media", "hdr")] == "b"
