from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.merge import DEFAULT_PRIORITY, Priorities, merge
from medianest_core.domain.library.ordering.ranks import complete, moved
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.stored.priorities import priorities_of
from medianest_core.sdk.media import MediaRecord

_names = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)
_steps = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(["up", "down", "tie", "untie"])), max_size=12
)


@given(_names, _steps)
def test_no_step_loses_or_doubles_a_source(names: list[str], steps: list[tuple[str, str]]) -> None:
    ranks = [[one] for one in names]
    for instance, step in steps:
        ranks = moved(ranks, instance, step)
        assert all(ranks)
    assert sorted(one for rank in ranks for one in rank) == sorted(names)


def test_steps() -> None:
    order = [["a"], ["b"], ["c"]]
    assert moved(order, "b", "up") == [["b"], ["a"], ["c"]]
    assert moved(order, "b", "down") == [["a"], ["c"], ["b"]]
    assert moved(order, "a", "up") == order == moved(order, "c", "down")
    assert moved(order, "b", "tie") == [["a", "b"], ["c"]]
    assert moved([["a", "b"], ["c"]], "b", "untie") == [["a"], ["b"], ["c"]]
    assert moved([["a", "b"], ["c"]], "b", "up") == [["b"], ["a"], ["c"]]
    assert moved([["a", "b"], ["c"]], "a", "down") == [["b"], ["a"], ["c"]]
    assert order == [["a"], ["b"], ["c"]], "the order that was given stays as it is"


def test_who_is_not_named_stands_last_and_who_is_gone_not_at_all() -> None:
    assert complete([["b"], ["gone"], ["a"]], ["a", "b", "c", "d"]) == [["b"], ["a"], ["c", "d"]]
    assert complete([], ["a"]) == [["a"]]
    assert complete([], []) == []


def _said(instance: str, text: str, at: float) -> SourceRecord:
    return SourceRecord(
        instance, MediaRecord("1", "movie", "Alien", "1", fields={"summary": text}, updated_at=at)
    )


def _summary(priorities: Priorities) -> object:
    told = [_said("a", "old", 1.0), _said("b", "new", 2.0), _said("c", "newest", 3.0)]
    return merge(told, priorities).values["summary"]


def test_equals_are_decided_by_the_newest_and_the_unnamed_come_after_them() -> None:
    assert _summary(priorities_of({})) == "newest"
    assert _summary(priorities_of({"*": [["a", "b"]]})) == "new"
    assert _summary(priorities_of({"*": [["a"], ["b"]]})) == "old"
    assert _summary(priorities_of({"*": [["a"]], "text": [["b"]]})) == "new"


def test_a_group_of_its_own_puts_those_it_does_not_name_after_those_it_names() -> None:
    order = priorities_of({"*": [["a"], ["b"]], "text": [["c"]]})
    assert order.of("text", "c") < order.of("text", "a") < order.of("text", "b") < order.of("text", "new")
    assert order.of("media", "a") < order.of("media", "b") < order.of("media", "c") == DEFAULT_PRIORITY


def test_who_is_switched_off_only_fills_gaps() -> None:
    order = priorities_of({"*": [["c"], ["b"], ["a"]]}, off=["c"])
    assert _summary(order) == "new"
    only = [_said("c", "alone", 1.0)]
    assert merge(only, order).values["summary"] == "alone"
