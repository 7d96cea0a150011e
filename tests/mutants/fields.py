"""FieldOwners that are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from medianest_core.sdk import FieldCapability, FieldReport
from tests.kitchen_sink.fields import FIELDS, SinkFields
from tests.kitchen_sink.test_contracts import TestFields
from tests.mutants.anything import add_all, add_hidden
from tests.mutants.wrong import Collection, Then, says, then

MUTANTS = Collection(TestFields)
_add = MUTANTS.add
add_all(MUTANTS, "report", FieldReport({}, frozenset(), True))
add_hidden(MUTANTS, "write_back", FieldCapability.WRITE_BACK)


def _values(**changed: Any) -> dict[str, Any]:
    """Reports in which every title says this too."""
    return {
        "report": then(
            lambda said: replace(said, values={key: {**one, **changed} for key, one in said.values.items()})
        )
    }


class Asking:
    """Fields that depend on what was asked before."""

    @staticmethod
    def fields(self: Any) -> Mapping[str, Any]:
        return {"movie": FIELDS if not hasattr(self.http, "asked") else FIELDS[:1]}


async def numbered(self: Any, since: float) -> Any:
    async for one in SinkFields.changes(self, since):
        yield {"imdb": int(one["imdb"][2:])}


async def always(self: Any, since: float) -> Any:
    async for one in SinkFields.changes(self, 0.0):
        yield one


def _first(said: FieldReport, self: Any, keys: Any) -> FieldReport:
    """Everyone is told what is known of the first."""
    one = said.values.get(keys[0].id, {}) if keys else {}
    return replace(said, values=dict.fromkeys(said.values, one))


_add("test_it_names_its_fields_by_kind", "one text for names", fields=lambda self: {"movie": "rating"})
_add(
    "test_it_names_its_fields_without_asking", "fewer fields while the service is away", fields=Asking.fields
)
_add("test_it_knows_something", "never knows anything", report=then(lambda said: replace(said, values={})))
_add(
    "test_it_looks_only_at_what_is_asked",
    "has looked at others",
    report=then(lambda said: replace(said, probed=said.probed | {"another"})),
)
_add(
    "test_it_says_nothing_of_what_it_did_not_look_at",
    "speaks without looking",
    report=then(lambda said: replace(said, probed=frozenset())),
)
_add(
    "test_complete_means_all_were_looked_at",
    "complete though it looked at half",
    report=Then(lambda said, self, keys: replace(said, probed=frozenset(one.id for one in keys[1:]))),
)
_add("test_it_says_only_what_it_declares", "says more than it declares", **_values(studio="Sink"))
_add("test_values_have_their_shapes", "a rating in percent", **_values(rating=75))
_add(
    "test_asked_for_nothing_it_says_nothing",
    "speaks unasked",
    report=says(FieldReport({"t1": {"rating": 1.0}}, frozenset({"t1"}), True)),
)
_add(
    "test_of_an_unknown_title_it_says_nothing",
    "guesses",
    report=Then(lambda said, self, keys: replace(said, values={one.id: {"rating": 5.0} for one in keys})),
)
_add("test_titles_are_not_mixed_up", "tells all what is known of the first", report=Then(_first))
_add(
    "test_the_order_of_the_question_does_not_matter",
    "tells all what is known of the first",
    report=Then(_first),
)
_add("test_changes_are_external_ids", "numbers for ids", changes=numbered)
_add("test_nothing_has_changed_since_tomorrow", "everything always changes", changes=always)
_add("test_what_is_written_is_read", "does not write", write_back=says(None))
