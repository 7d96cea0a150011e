"""Locks, holds and what is kept of them, as rows and back; when a hold ends; what an undo asks for."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.document import build, parse
from medianest_core.domain.library.holds import (
    Hold,
    Lock,
    Marks,
    Withheld,
    holds_as_json,
    locks_as_json,
    marks_of,
    same,
)
from medianest_core.domain.library.merge import LOCK, Path, Priorities, ended, merge, value_at
from medianest_core.domain.library.past.undo import Wish, undo
from medianest_core.domain.library.records import SourceRecord
from medianest_core.sdk.media import MediaRecord

_paths: st.SearchStrategy[Path] = st.sampled_from([("summary",), ("captions", "en"), ("assets", "poster")])
_texts = st.sampled_from(["x", "y", "z"])
_maybe = st.one_of(st.none(), _texts)
_sources = st.one_of(st.none(), st.sampled_from("ab"))
_marks = st.builds(
    Marks,
    locks=st.dictionaries(_paths, st.builds(Lock, _maybe, st.floats(0, 9), _sources, _sources)),
    holds=st.dictionaries(
        _paths,
        st.builds(Hold, _maybe, _sources, _maybe, _sources, st.floats(0, 9), st.integers(1, 9)),
    ),
    kept=st.one_of(st.none(), st.floats(0, 9)),
    withheld=st.one_of(
        st.none(), st.builds(Withheld, _texts, st.none(), _texts, st.floats(0, 9), st.integers(1, 9))
    ),
    version=st.integers(0, 9),
)


@given(_marks)
def test_marks_are_kept_without_loss(marks: Marks) -> None:
    locks = orjson.loads(orjson.dumps(locks_as_json(marks)))
    holds = orjson.loads(orjson.dumps(holds_as_json(marks)))
    assert marks_of(locks, holds, marks.version) == marks


def said(instance: str, summary: str, **captions: str) -> SourceRecord:
    fields: dict[str, Any] = {"summary": summary, "captions": captions}
    return SourceRecord(instance, MediaRecord("k", "movie", "Heat", "1", fields=fields))


def test_a_hold_stands_while_its_source_says_the_same_and_another_may_overtake_it() -> None:
    held: dict[Path, Hold] = {("summary",): Hold("old", "a", "bad", "a", 1.0, 1)}
    first = merge([said("a", "bad")], Priorities(), None, held)
    assert (first.values["summary"], first.origin(("summary",))) == ("old", "a")
    ahead = Priorities({"*": {"b": 1}})
    overtaken = [said("a", "bad"), said("b", "better")]
    assert merge(overtaken, ahead, None, held).values["summary"] == "better"
    assert not ended(held, overtaken), "it waits for the other to fall silent"
    assert ended(held, [said("a", "new")]) == {("summary",)} == ended(held, [said("b", "bad")])
    silent: dict[Path, Hold] = {("captions", "en"): Hold("old", "a", None, None, 1.0, 1)}
    assert merge([said("a", "x")], Priorities(), None, silent).values["captions"] == {"en": "old"}
    assert ended(silent, [said("a", "x", en="new")]) == {("captions", "en")}
    assert same((1, 2), [1, 2]) and not same(None, [])


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), _texts, _maybe), min_size=1, max_size=2, unique_by=lambda one: one[0]
    ),
    st.sampled_from([("summary",), ("captions", "en")]),
    _maybe,
    st.sampled_from("abc"),
)
def test_an_undo_gives_just_what_was_wanted(
    records: list[tuple[str, str, str | None]], path: Path, value: str | None, origin: str
) -> None:
    found = [said(one, text, **({"en": code} if code else {})) for one, text, code in records]
    base = merge(found, Priorities())
    marks, _ = undo(Marks(), parse(build(base, found)), base, {path: Wish(value, origin)}, 1.0, 1)
    again = merge(found, Priorities(), marks.locked, marks.holds)
    assert value_at(again.values, path) == value
    assert value is None or again.origin(path) == origin
    assert not ended(marks.holds, found)
    back = Wish(value_at(base.values, path), base.origin(path) if value_at(base.values, path) else None)
    after, _ = undo(marks, parse(build(again, found)), base, {path: back}, 2.0, 2)
    assert not after.holds, "undoing the undo leaves nothing behind"


def test_an_undo_leaves_locks_alone_and_brings_one_back() -> None:
    found = [said("a", "now")]
    base = merge(found, Priorities())
    locked = Marks(locks={("summary",): Lock("mine")})
    shown = merge(found, Priorities(), locked.locked)
    doc = parse(build(shown, found))
    assert undo(locked, doc, base, {("summary",): Wish("old", "a")}, 1.0, 1)[1] == {("summary",): "locked"}
    marks, _ = undo(Marks(), parse(build(base, found)), base, {("summary",): Wish("mine", LOCK)}, 1.0, 1)
    assert marks.locked == {("summary",): "mine"} and not marks.holds
