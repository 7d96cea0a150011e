"""There is a guide for each kind of plugin that can be begun, and the code in it is the code that works."""

from __future__ import annotations

import re

import pytest

from docs import make_guides
from medianest_core.cli.author.kinds import KINDS

GUIDES = {path.stem: path.read_text(encoding="utf-8") for path in make_guides.FOLDER.glob("*.md")}


def test_each_kind_has_a_guide() -> None:
    assert GUIDES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", sorted(GUIDES))
def test_its_parts_are_those_of_today(kind: str) -> None:
    """The code is what `medianest plugins new` makes, and tests/unit/cli/author runs that and its contract."""
    assert make_guides.filled(GUIDES[kind]) == GUIDES[kind], "run `make reference`"


@pytest.mark.parametrize("kind", sorted(GUIDES))
def test_it_tells_what_an_author_asks(kind: str) -> None:
    text = GUIDES[kind]
    assert f"medianest plugins new sample --kind {kind}" in text
    assert f"<!-- code: {kind} " in text
    for suite in KINDS[kind].suites:
        assert f"<!-- clauses: {suite} -->" in text
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[0] == "Begin" and {"What the contract looks at", "Traps", "Further"} <= set(headings)
    for path in re.findall(r"\]\((\.\./[^)#]+)", text):
        assert (make_guides.FOLDER / path).exists(), path
