from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.syncing.absence import GUARD_COUNT, KEPT, Absence, Known, judge


def known(count: int, missing: int = 0) -> dict[str, Known]:
    return {str(n): Known("d", "1", None, missing) for n in range(count)}


def test_first_absence_is_only_noted_and_the_second_removes() -> None:
    records = known(10)
    seen = set(records) - {"3"}
    assert judge(records, seen) == Absence(mark=("3",))
    records["3"] = Known("d", "1", None, 1)
    assert judge(records, seen) == Absence(remove=("3",))


def test_an_empty_listing_removes_nothing_however_small_the_library() -> None:
    assert judge(known(3, missing=1), set()) == Absence(held=3)


def test_beyond_the_guard_nothing_goes_until_an_admin_agrees() -> None:
    records = known(1000, missing=1)
    just = set(map(str, range(1000 - GUARD_COUNT)))
    assert len(judge(records, just).remove) == GUARD_COUNT
    fewer = just - {"0"}
    assert judge(records, fewer) == Absence(held=GUARD_COUNT + 1)
    assert len(judge(records, fewer, released=True).remove) == GUARD_COUNT + 1


def test_a_show_with_many_episodes_is_one_absence() -> None:
    records = known(100, missing=1)
    records["show"] = Known("d", "1", None, 1)
    records["season"] = Known("d", "1", "show", 1)
    records |= {f"e{n}": Known("d", "1", "season", 1) for n in range(300)}
    assert len(judge(records, set(map(str, range(100)))).remove) == 302


def test_held_ones_are_marked_once_so_that_it_can_be_told_which_they_are() -> None:
    records = known(3)
    first = judge(records, set())
    assert (set(first.mark), first.remove, first.held) == ({"0", "1", "2"}, (), 3)
    assert judge(known(3, missing=1), set()) == Absence(held=3)


def test_what_goes_missing_after_an_admin_agreed_is_not_agreed_to() -> None:
    records = known(100, missing=1) | {f"new{n}": Known("d", "1", None, 0) for n in range(200)}
    absence = judge(records, set(), released=True)
    assert set(absence.remove) == {str(n) for n in range(100)}
    assert (len(absence.mark), absence.held) == (200, 200)


def test_what_an_admin_keeps_is_not_asked_about_again() -> None:
    records = known(300, missing=KEPT)
    assert judge(records, set()) == Absence()
    records["other"] = Known("d", "1", None, 0)
    assert judge(records, {"other"}) == Absence()
    assert judge(records, set()).held == 1, "all that is left of the library"


@given(st.integers(1, 400), st.sets(st.integers(0, 399)), st.integers(0, 1))
def test_only_absent_records_are_ever_touched(count: int, seen: set[int], missing: int) -> None:
    records = known(count, missing)
    present = {str(n) for n in seen}
    absence = judge(records, present)
    touched = set(absence.mark) | set(absence.remove)
    assert not touched & present
    assert len(absence.remove) <= max(GUARD_COUNT, 0.05 * count)
    assert not (absence.held and absence.remove)
    assert not (set(absence.remove) and missing == 0)
