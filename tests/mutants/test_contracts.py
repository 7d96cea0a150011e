"""Each wrong provider is noticed by the clause that is named for it, by an assertion of the contract; each clause notices one."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medianest_core.testing import contracts
from medianest_core.testing.contracts import Contract, common
from medianest_core.testing.contracts.contract import applies, clauses
from tests.mutants import auth, catalog, downloads, fields, media, notify, requests, status, webhooks
from tests.mutants.wrong import Wrong

KINDS = (auth, catalog, downloads, fields, media, notify, requests, status, webhooks)
MUTANTS = [one for kind in KINDS for one in kind.MUTANTS.found]
FOLDER = str(Path(str(contracts.__file__)).parents[1])


class Bench:
    """A loop, and one opened sound suite for each kind: mutants borrow what it opened."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self._stack = contextlib.AsyncExitStack()
        self._sound: dict[type[Contract[Any]], Contract[Any]] = {}

    def sound(self, suite: type[Contract[Any]]) -> Contract[Any]:
        if suite not in self._sound:
            made = suite()
            self.runner.run(self._stack.enter_async_context(made.opened()))
            self._sound[suite] = made
        return self._sound[suite]

    def judged(self, wrong: Wrong) -> BaseException | None:
        """What the clause says to the wrong provider; None where it finds nothing."""
        sound = self.sound(wrong.suite)
        return self.runner.run(self._judged(wrong, sound))

    async def _judged(self, wrong: Wrong, sound: Contract[Any]) -> BaseException | None:
        case = wrong.case()
        assert applies(case, clauses(case)[wrong.clause]), "the clause is not asked of it"
        made = case()
        vars(made).update(vars(sound))
        before = asyncio.all_tasks()
        async with contextlib.AsyncExitStack() as stack:
            # What cannot be made at all is looked at as a class.
            with contextlib.suppress(TypeError):
                made.subject = await stack.enter_async_context(made.another())
            try:
                await made.keep(clauses(case)[wrong.clause])
            except BaseException as error:
                return error
            finally:
                for task in asyncio.all_tasks() - before:
                    task.cancel()
        return None

    def close(self) -> None:
        self.runner.run(self._stack.aclose())
        self.runner.close()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.mark.parametrize("wrong", MUTANTS, ids=lambda one: f"{one.suite.__name__}: {one.name}")
def test_a_wrong_provider_is_noticed(wrong: Wrong, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "LINGERING", 5)
    noticed = bench.judged(wrong)
    assert isinstance(noticed, AssertionError), f"{wrong.clause} says {noticed!r}"
    frames = traceback.extract_tb(noticed.__traceback__)
    assert frames[-1].filename.startswith(FOLDER), f"not the contract noticed, but {frames[-1]}"
    assert frames[-1].name != "keep", f"the clause did not expect this: {noticed}"


@pytest.mark.parametrize("name", contracts.SUITES)
def test_every_clause_notices_something(name: str) -> None:
    suite = getattr(contracts, name)
    killed = {one.clause for one in MUTANTS if issubclass(one.suite, suite)}
    own = {clause for clause in vars(suite) if clause in clauses(suite)}
    assert sorted(own - killed) == [], "clauses of the kind that none of its mutants breaks"
    shared = clauses(suite).keys() - own
    assert sorted(shared - {one.clause for one in MUTANTS}) == [], (
        "clauses of all kinds that no mutant breaks"
    )
