"""The laws of merging. Each says by itself what must hold; `tests/mutants` breaks merging on purpose and expects them to notice.

`subject` is the module they are tried on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from hypothesis import strategies as st

from medianest_core.domain.library import merge as _merge
from medianest_core.domain.library.availability import of_title
from medianest_core.domain.library.holds import Hold
from medianest_core.domain.library.records import SourceRecord
from tests.laws.first import may_write
from tests.laws.law import law
from tests.laws.worlds import LEAFY, TOPICS, World, holds, orders, record, said, value_at, worlds

subject: Any = _merge


def merged(world: World, *, free: bool = False, held: Any = None) -> Any:
    """free: without the locks."""
    order = subject.Priorities(world.order, world.off)
    return subject.merge(world.records, order, {} if free else world.locks, held)


def place_of(world: World, path: tuple[str, ...], instance: str) -> int:
    """The number of an instance for the value at `path`, said again here."""
    own, general = world.order.get(TOPICS[path[0]], {}), world.order.get("*", {})
    if instance in own:
        number = own[instance]
    else:
        number = general.get(instance, 1000) + (1000 if own else 0)
    return number + 10_000 if instance in world.off else number


def at(one: SourceRecord) -> float:
    return one.record.updated_at or one.record.added_at or 0.0


@law(worlds(), st.randoms())
def test_the_order_of_arrival_does_not_matter(world: World, random: Any) -> None:
    shuffled = list(world.records)
    random.shuffle(shuffled)
    one, other = merged(world), merged(replace(world, records=shuffled))
    assert orjson.dumps(one.values, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        other.values, option=orjson.OPT_SORT_KEYS
    )
    assert one.provenance == other.provenance


@law(worlds())
def test_the_same_again_changes_nothing(world: World) -> None:
    before, after = merged(world), merged(world)
    assert subject.differences(before.values, after.values) == {}
    assert before.provenance == after.provenance
    stored = orjson.loads(orjson.dumps(before.values))
    assert subject.differences(stored, after.values) == {}, "also beside what was stored"


@law(worlds())
def test_a_lower_priority_never_overwrites_a_higher(world: World) -> None:
    found = merged(world, free=True)
    for path, winner in found.provenance.items():
        for one in world.records:
            if place_of(world, path, one.instance) < place_of(world, path, winner):
                assert path not in said(one), f"{winner} stands above {one.instance} at {path}"


@law(worlds(least=2))
def test_ties_go_to_the_newest(world: World) -> None:
    found = merged(world, free=True)
    newest = {one.instance: at(one) for one in world.records}
    for path, winner in found.provenance.items():
        for one in world.records:
            if path in said(one) and place_of(world, path, one.instance) == place_of(world, path, winner):
                assert newest[one.instance] <= newest[winner], f"{one.instance} is newer at {path}"


@law(worlds())
def test_silence_never_wins_and_what_anyone_says_is_there(world: World) -> None:
    found = merged(world, free=True)
    everything = {path for one in world.records for path in said(one)}
    assert found.provenance.keys() == everything
    assert all(value_at(found.values, path) is not None for path in everything)


@law(worlds())
def test_every_value_comes_from_who_it_is_said_to_come_from(world: World) -> None:
    found = merged(world, free=True)
    by_instance = {one.instance: said(one) for one in world.records}
    for path, winner in found.provenance.items():
        assert path in by_instance[winner], f"{winner} says nothing at {path}"
        assert by_instance[winner][path] == value_at(found.values, path)


@law(worlds(least=2))
def test_what_one_source_alone_has_is_kept_beside_the_others(world: World) -> None:
    found = merged(world, free=True)
    for one in world.records:
        others = {path for other in world.records if other is not one for path in said(other)}
        for path, value in said(one).items():
            if path not in others:
                assert value_at(found.values, path) == value
                assert found.provenance.get(path) == one.instance


@law(worlds(least=2))
def test_a_source_that_goes_hands_its_values_to_the_next(world: World) -> None:
    before = merged(world, free=True)
    for gone in world.records:
        rest = replace(world, records=[one for one in world.records if one is not gone])
        after = merged(rest, free=True)
        for path, winner in before.provenance.items():
            if winner != gone.instance:
                assert after.provenance.get(path) == winner, "others keep what they had"
                assert value_at(after.values, path) == value_at(before.values, path)
        for path in said(gone):
            owners: set[str | None] = {one.instance for one in rest.records if path in said(one)}
            assert after.provenance.get(path) in (owners or {None})
        assert before.provenance.keys() - after.provenance.keys() <= said(gone).keys()


@law(worlds())
def test_locks_stand_above_all(world: World) -> None:
    found, without = merged(world), merged(world, free=True)
    for path, value in world.locks.items():
        assert value_at(found.values, path) == value
        assert found.provenance.get(path) == subject.LOCK
    for path in without.provenance.keys() - world.locks.keys():
        assert value_at(found.values, path) == value_at(without.values, path)
        assert found.provenance.get(path) == without.provenance[path]


@law(worlds(least=2), st.sampled_from(["text", "captions", "media"]), st.permutations("abcd"))
def test_the_order_of_a_group_goes_before_the_general_one(
    world: World, group: str, wanted: list[str]
) -> None:
    numbers = {instance: number for number, instance in enumerate(wanted, start=1)}
    general = {instance: -number for instance, number in numbers.items()}
    found = merged(World(world.records, {"*": general, group: numbers}), free=True)
    for path, winner in found.provenance.items():
        owners = [one.instance for one in world.records if path in said(one)]
        order = numbers if TOPICS[path[0]] == group else general
        assert winner == min(owners, key=lambda one: order[one])


@law(worlds(least=2))
def test_who_is_switched_off_only_fills_gaps(world: World) -> None:
    found = merged(world, free=True)
    for path, winner in found.provenance.items():
        others = {one.instance for one in world.records if path in said(one)} - world.off
        assert winner not in world.off or not others


@law(worlds(least=2), st.sampled_from("abcd"))
def test_who_has_a_place_goes_before_who_has_none(world: World, first: str) -> None:
    found = merged(World(world.records, {"*": {first: 500}}), free=True)
    for one in world.records:
        if one.instance == first:
            assert all(found.provenance.get(path) == first for path in said(one))


@law(worlds())
def test_who_wins_is_who_may_write(world: World) -> None:
    """The rule for one field (E-6) and the merge of all of them say the same."""
    found = merged(world, free=True)
    fields = of_title([((), one) for one in world.records])
    for path, winner in found.provenance.items():
        below = [owned for owned in fields if owned[: len(path)] == path]
        for owned in below:
            known = {one: place_of(world, path, one) for one in fields[owned]}
            others = {owned: [one for one in fields[owned] if path in _said_by(world, one)]}
            if winner in known:
                assert may_write(winner, owned, others, known.get)


def _said_by(world: World, instance: str) -> dict[tuple[str, ...], Any]:
    return next(said(one) for one in world.records if one.instance == instance)


@law(worlds(), worlds())
def test_differences_lead_from_one_to_the_other(one: World, other: World) -> None:
    before, after = merged(one).values, merged(other).values
    changed = subject.differences(before, after)
    paths = {
        (name, leaf) if name in LEAFY else (name,)
        for values in (before, after)
        for name, value in values.items()
        for leaf in (value if name in LEAFY else [""])
    }
    assert changed.keys() <= paths
    for path in paths:
        old, new = value_at(before, path), value_at(after, path)
        assert (path in changed) == (old != new), path
        if path in changed:
            assert changed[path] == (old, new)


@law(worlds(), st.dictionaries(st.sampled_from([("summary",), ("captions", "en")]), holds, max_size=2))
def test_a_hold_stands_until_its_source_says_something_else(world: World, held: dict[Any, Hold]) -> None:
    free = merged(world, free=True)
    found = merged(world, free=True, held=held)
    by_instance = {one.instance: said(one) for one in world.records}
    for path, hold in held.items():
        shown = value_at(free.values, path)
        if hold.against_from is None:
            stands = shown is None and hold.against is None
        else:
            own = by_instance.get(hold.against_from)
            stands = own is not None and own.get(path) == hold.against and shown == hold.against
        expected = hold.value if stands else shown
        assert value_at(found.values, path) == expected, (path, hold)
    for path in free.provenance.keys() - held.keys():
        assert value_at(found.values, path) == value_at(free.values, path), "nothing else is held"


@law(worlds(), worlds())
def test_a_rollback_shows_what_was_there_and_nothing_else_changes(one: World, other: World) -> None:
    """Holding every difference against what is said now restores the state before."""
    before, after = merged(one, free=True), merged(other, free=True)
    held = {}
    for path, (was, now) in subject.differences(before.values, after.values).items():
        origin = before.provenance.get(path)
        held[path] = Hold(was, origin, now, after.provenance.get(path), 1.0, 1)
    back = merged(other, free=True, held=held)
    assert subject.differences(before.values, back.values) == {}


@law(record("a"), record("b"), orders)
def test_two_sources_in_turn_come_to_rest(one: SourceRecord, other: SourceRecord, order: Any) -> None:
    """Whoever spoke last, the values are the same: nothing goes back and forth between two servers."""
    states = [merged(World(records, order)).values for records in ([one, other], [other, one], [one, other])]
    assert subject.differences(states[0], states[1]) == {}
    assert subject.differences(states[1], states[2]) == {}
