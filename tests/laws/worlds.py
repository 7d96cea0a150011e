"""What laws of the library are tried on: records of several sources, orders of these, locks and holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from medianest_core.domain.library.holds import Hold
from medianest_core.domain.library.records import SourceRecord
from medianest_core.sdk.media import MediaRecord

INSTANCES = "abcd"
Path = tuple[str, ...]
T = TypeVar("T")
TEXTS = (None, "", "x", "y", "z")
NUMBERS = (None, 0, 1, 2, 3)
_CHOICE = Random(7)


def _some(names: Sequence[str], values: Sequence[Any]) -> Any:
    """None, or a mapping of some of these names."""
    if _CHOICE.random() < 0.1:
        return None
    return {name: _CHOICE.choice(values) for name in names if _CHOICE.random() < 0.5}


def _fields() -> dict[str, Any]:
    made = {
        "summary": _CHOICE.choice(TEXTS),
        "genres": _CHOICE.choice((None, [], ["Drama"], ["War", "Drama"])),
        "rating": _CHOICE.choice(NUMBERS),
        "captions": _some(("en", "de", "fr"), TEXTS),
        "assets": _some(("en", "de", "fr"), TEXTS),
        "media": _some(("width", "bit_depth", "hdr"), (*NUMBERS, *TEXTS)),
        "cast": _CHOICE.choice((None, [], [{"name": "Ann"}])),
    }
    return {name: value for name, value in made.items() if _CHOICE.random() < 0.6}


def _record() -> MediaRecord:
    return MediaRecord(
        key="k",
        kind="movie",
        title=_CHOICE.choice(("Heat", "heat")),
        library="1",
        year=_CHOICE.choice((None, 1990, 1991)),
        ids=_some(("imdb", "tmdb"), ("1", "2", "")) or {},
        fields=_fields(),
        updated_at=_CHOICE.choice((None, 1.0, 2.0, 3.0)),
    )


# Choosing among many that are made once is a tenth of the work of making each anew; the simplest come first, for shrinking.
_RECORDS = sorted((_record() for _ in range(1500)), key=lambda one: len(repr(one)))
_ORDERS: list[dict[str, dict[str, int]]] = sorted(
    (
        {
            group: {instance: _CHOICE.randint(1, 3) for instance in INSTANCES if _CHOICE.random() < 0.6}
            for group in ("*", "text", "captions", "media")
            if _CHOICE.random() < 0.5
        }
        for _ in range(300)
    ),
    key=lambda one: len(repr(one)),
)
_LOCKABLE = (("summary",), ("tagline",), ("captions", "en"), ("assets", "fr"), ("media", "width"))
_LOCKS: list[dict[Path, Any]] = sorted(
    (
        {path: _CHOICE.choice(("mine", 0, {"format": "srt"})) for path in _LOCKABLE if _CHOICE.random() < 0.4}
        for _ in range(200)
    ),
    key=lambda one: len(repr(one)),
)
_WHO = [list(some) for count in range(1, 5) for some in permutations(INSTANCES, count)]


def _of(pool: Sequence[T]) -> st.SearchStrategy[T]:
    """By its number: `sampled_from` looks at all of a long list each time."""
    return st.integers(0, len(pool) - 1).map(pool.__getitem__)


_OF = {
    instance: _of([SourceRecord(instance, replace(one, key=f"k{instance}")) for one in _RECORDS])
    for instance in INSTANCES
}
orders = _of(_ORDERS)
locks = _of(_LOCKS)
_who = {least: _of([some for some in _WHO if len(some) >= least]) for least in (1, 2)}
_off = _of([frozenset(some) for some in ("", "", "", "a", "b", "ab", "cd")])


def record(instance: str) -> st.SearchStrategy[SourceRecord]:
    return _OF[instance]


@dataclass(frozen=True)
class World:
    """One title. order, off: as `Priorities` has them. locks, holds: as `merge` takes them."""

    records: list[SourceRecord]
    order: Mapping[str, Mapping[str, int]]
    locks: Mapping[Path, Any] = field(default_factory=dict)
    off: frozenset[str] = frozenset()


@st.composite
def worlds(draw: st.DrawFn, least: int = 1) -> World:
    """Of at least so many sources."""
    instances = draw(_who[least])
    return World([draw(_OF[one]) for one in instances], draw(orders), draw(locks), draw(_off))


holds = st.builds(
    Hold,
    value=st.sampled_from([None, "before"]),
    origin=st.sampled_from([None, *INSTANCES]),
    against=st.sampled_from([None, "x", "y"]),
    against_from=st.sampled_from([None, *INSTANCES]),
    at=st.just(1.0),
    run=st.just(1),
)


def value_at(values: Any, path: Path) -> Any:
    """Along all of the path, unlike the merge's own, which knows what a leaf is."""
    for part in path:
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def silent(value: object) -> bool:
    """Whether a value says nothing, said here again rather than taken from the code under test."""
    return value is None or value == "" or value == [] or value == {}


LEAFY = ("ids", "captions", "assets", "media")
TOPICS = {
    "title": "text",
    "summary": "text",
    "genres": "text",
    "captions": "captions",
    "media": "media",
    "assets": "artwork",
    "rating": "ratings",
    "cast": "people",
    "year": "dates",
    "ids": "ids",
}


def said(one: SourceRecord) -> dict[Path, Any]:
    """path → value of everything that a record says, leaf by leaf; also this is said again here."""
    tree: dict[str, Any] = {
        **one.record.fields,
        "title": one.record.title,
        "year": one.record.year,
        "ids": one.record.ids,
    }
    found: dict[Path, Any] = {}
    for name, value in tree.items():
        if name in LEAFY:
            found |= {(name, leaf): inner for leaf, inner in (value or {}).items() if not silent(inner)}
        elif not silent(value):
            found[(name,)] = value
    return found
