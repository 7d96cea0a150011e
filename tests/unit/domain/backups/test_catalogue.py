from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.backups.catalogue import (
    SAFETY_KEPT,
    Backup,
    Kind,
    listed,
    named,
    new_name,
    remove,
    superfluous,
)
from medianest_core.domain.backups.service import next_run
from medianest_core.store.backup.files import facts_of

DAY = 86_400.0
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


def backup(made_at: float, kind: Kind = Kind.DAILY, verified: bool = True) -> Backup:
    name = new_name(kind, made_at, encrypted=False)
    return Backup(name, Path(name), kind, made_at, 1, False, made_at if verified else None)


def test_days_and_weeks_are_kept() -> None:
    made = [backup(NOON - day * DAY) for day in range(40)]
    gone = superfluous(made, daily=3, weekly=4)
    kept = [one for one in made if one not in gone]
    # 21 November 2026 is a Saturday: after the three days, the Sundays of the weeks before.
    assert [datetime.fromtimestamp(one.made_at, UTC).day for one in kept] == [21, 20, 19, 15, 8, 1]
    assert [datetime.fromtimestamp(one.made_at, UTC).month for one in kept] == [11] * 6


def test_what_people_made_and_what_was_not_tested_stays() -> None:
    made = [backup(NOON - day * DAY, Kind.MANUAL) for day in range(20)]
    strange = [backup(NOON - day * DAY, verified=False) for day in range(20)]
    safety = [backup(NOON - day * DAY, Kind.SAFETY) for day in range(5)]
    gone = superfluous([*made, *strange, *safety], daily=1, weekly=0)
    assert gone == safety[SAFETY_KEPT:]


@given(st.lists(st.floats(0, 4e9), max_size=40), st.integers(1, 20), st.integers(0, 20))
def test_the_newest_is_never_removed_and_the_rest_is_bounded(
    times: list[float], daily: int, weekly: int
) -> None:
    made = [backup(time) for time in times]
    gone = superfluous(made, daily=daily, weekly=weekly)
    kept = [one for one in made if one not in gone]
    assert len(kept) <= daily + weekly
    if made:
        assert max(one.made_at for one in made) in [one.made_at for one in kept]
    assert superfluous(kept, daily=daily, weekly=weekly) == []


@given(st.integers(0, 23), st.floats(0, 4e9))
def test_the_next_run_is_within_a_day_at_that_hour(hour: int, now: float) -> None:
    found = next_run(hour, now)
    assert now < found <= now + DAY
    assert datetime.fromtimestamp(found, UTC).hour == hour


def test_other_files_are_no_backups(tmp_path: Path) -> None:
    good = tmp_path / new_name(Kind.MANUAL, NOON, encrypted=True)
    good.write_bytes(b"12345")
    facts_of(good).write_text(json.dumps({"size": 5, "verified_at": NOON, "rows": 7, "medianest": "0.1"}))
    for other in ("notes.txt", ".hidden.zip", "medianest-x-manual-0000.zip", good.name + ".part"):
        (tmp_path / other).write_bytes(b"")
    (tmp_path / new_name(Kind.MANUAL, NOON, encrypted=False)).symlink_to("/etc/passwd")
    found = listed(tmp_path)
    assert [one.name for one in found] == [good.name]
    assert (found[0].encrypted, found[0].made_at, found[0].verified_at, found[0].rows) == (
        True,
        NOON,
        NOON,
        7,
    )
    good.write_bytes(b"another file")
    assert named(tmp_path, good.name).verified_at is None
    remove(found[0])
    assert not good.exists() and not facts_of(good).exists()
    assert listed(tmp_path / "none") == []


@pytest.mark.parametrize(
    "name", ["../keys.json", "/etc/passwd", "", ".", "medianest-20261121T120000Z-manual-0000.zip\n", "%2e%2e"]
)
def test_names_that_are_none_find_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(Missing):
        named(tmp_path, name)
