from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.absence import GUARD_COUNT, Absence, Known, judge


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


@given(st.integers(1, 400), st.sets(st.integers(0, 399)), st.integers(0, 1))
def test_only_absent_records_are_ever_touched(count: int, seen: set[int], missing: int) -> None:
    records = known(count, missing)
    present = {str(n) for n in seen}
    absence = judge(records, present)
    touched = set(absence.mark) | set(absence.remove)
    assert not touched & present
    assert len(touched) <= max(GUARD_COUNT, 0.05 * count)
    assert not (absence.held and touched)
    assert not (set(absence.remove) and missing == 0)
