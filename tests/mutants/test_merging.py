"""Each break of merging is noticed by the law that is named for it, and by an assertion of that law."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.laws.law import QUICK, Law
from tests.mutants.merging import MUTANTS, Mutant
from tests.unit.domain.library import test_laws as laws


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_break_of_merging_is_noticed(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    law: Law = getattr(laws, mutant.law).law
    # The same examples each time, as many as the quick suite tries, and not made simpler: that it fails is what is wanted.
    tried = settings(
        max_examples=QUICK,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )(given(*law.strategies)(law.check))
    monkeypatch.setattr(laws, "subject", mutant.module())
    with pytest.raises(AssertionError) as caught:
        tried()
    places = [frame.filename for frame in traceback.extract_tb(caught.tb)]
    assert places[-1] == laws.__file__, "the law itself noticed, not something on the way"
    monkeypatch.undo()
    tried()
