"""Ways in which merging could be wrong: one line of it replaced, and the law that has to notice."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from medianest_core.domain.library import merge


@dataclass(frozen=True, slots=True)
class Mutant:
    """old: stands once in the module. law: name of the test that fails."""

    name: str
    law: str
    old: str
    new: str

    def module(self) -> ModuleType:
        """The broken module, in memory only. ValueError where the line is no more: then it has to be said anew here."""
        path = str(merge.__file__)
        source = Path(path).read_text(encoding="utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {source.count(self.old)} times in {path}")
        made = ModuleType(f"broken_{merge.__name__}")
        made.__file__ = path
        # Dataclasses look for their module by its name.
        sys.modules[made.__name__] = made
        exec(compile(source.replace(self.old, self.new), path, "exec"), made.__dict__)
        return made


MUTANTS = (
    Mutant(
        "higher numbers win",
        "test_a_lower_priority_never_overwrites_a_higher",
        "sorted(said, key=lambda pair: priorities.of(order, pair[0]))",
        "sorted(said, key=lambda pair: -priorities.of(order, pair[0]))",
    ),
    Mutant(
        "a lower source fills in whole leaves that a higher one has",
        "test_a_lower_priority_never_overwrites_a_higher",
        "                        if leaf not in leaves:\n",
        "                        if True:\n",
    ),
    Mutant(
        "nothing is a statement",
        "test_silence_never_wins_and_what_anyone_says_is_there",
        "return {name: value for name, value in values.items() if value or value == 0}",
        "return {**values}",
    ),
    Mutant(
        "nought is none",
        "test_silence_never_wins_and_what_anyone_says_is_there",
        "return {name: value for name, value in values.items() if value or value == 0}",
        "return {name: value for name, value in values.items() if value}",
    ),
    Mutant(
        "ties go to the oldest",
        "test_ties_go_to_the_newest",
        "return -(one.record.updated_at",
        "return (one.record.updated_at",
    ),
    Mutant(
        "ties go to who came first",
        "test_the_order_of_arrival_does_not_matter",
        "for one in sorted(records, key=newest_first)]",
        "for one in records]",
    ),
    Mutant(
        "captions of all languages are one value",
        "test_what_one_source_alone_has_is_kept_beside_the_others",
        'BY_LEAF = frozenset({"ids", "captions", ',
        'BY_LEAF = frozenset({"ids", ',
    ),
    Mutant(
        "whoever wins one fact of the picture gives all of them",
        "test_what_one_source_alone_has_is_kept_beside_the_others",
        '"blurhash", "media"})',
        '"blurhash"})',
    ),
    Mutant(
        "locks only fill gaps",
        "test_locks_stand_above_all",
        "        _put(values, origins, path, value, LOCK)",
        "        value_at(values, path) is None and _put(values, origins, path, value, LOCK)",
    ),
    Mutant(
        "all values come from the newest source",
        "test_every_value_comes_from_who_it_is_said_to_come_from",
        "origins[(name,)] = instance\n                    break",
        "origins[(name,)] = said[0][0]\n                    break",
    ),
    Mutant(
        "the order of a group counts for nothing",
        "test_the_order_of_a_group_goes_before_the_general_one",
        "own, general = self.order.get(group) or {}, ",
        "own, general = {}, ",
    ),
    Mutant(
        "who has no place comes first",
        "test_who_has_a_place_goes_before_who_has_none",
        "DEFAULT_PRIORITY = 1000",
        "DEFAULT_PRIORITY = 0",
    ),
    Mutant(
        "who is switched off counts as others do",
        "test_who_is_switched_off_only_fills_gaps",
        "if instance in self.off else number",
        "if False else number",
    ),
    Mutant(
        "only the highest source is asked",
        "test_a_source_that_goes_hands_its_values_to_the_next",
        "origins[(name,)] = instance\n                    break",
        "origins[(name,)] = instance\n                break",
    ),
    Mutant(
        "holds never end",
        "test_a_hold_stands_until_its_source_says_something_else",
        "if path not in over and same(value_at(values, path), hold.against):",
        "if True:",
    ),
    Mutant(
        "a hold forgets what was there",
        "test_a_rollback_shows_what_was_there_and_nothing_else_changes",
        "_put(values, origins, path, hold.value, hold.origin or sole)",
        "_put(values, origins, path, hold.against, hold.origin or sole)",
    ),
    Mutant(
        "a change within leaves is not seen",
        "test_differences_lead_from_one_to_the_other",
        "                if not same(old.get(leaf), new.get(leaf)):",
        "                if old.get(leaf) is None or new.get(leaf) is None:",
    ),
    Mutant(
        "what was stored is compared by its type",
        "test_the_same_again_changes_nothing",
        "        if old == new or same(old, new):\n            continue\n",
        "        if old is new:\n            continue\n",
    ),
)
