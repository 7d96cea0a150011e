"""Plex's list queries: filters with their operators, sorting, and the window asked for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from medianest_plex.simulation.entries import tag_id
from medianest_plex.simulation.library import TYPE_NAMES, Item, Library, Section

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "mon": 2592000, "y": 31536000}
_RELATIVE = re.compile(r"^-(\d+)(mon|[smhdwy])$")
_NUMBERS: dict[str, Callable[[Item], float | None]] = {
    "year": lambda i: i.year,
    "addedAt": lambda i: i.added_at,
    "updatedAt": lambda i: i.updated_at,
    "lastViewedAt": lambda i: i.last_viewed_at,
    "viewCount": lambda i: i.view_count,
    "rating": lambda i: i.rating,
    "audienceRating": lambda i: i.audience_rating,
    "duration": lambda i: i.duration,
    "index": lambda i: i.index,
    "id": lambda i: i.key,
}
_TEXTS: dict[str, Callable[[Item], str]] = {
    "title": lambda i: i.title,
    "titleSort": lambda i: i.title_sort or i.title,
    "summary": lambda i: i.summary,
    "tagline": lambda i: i.tagline,
    "originalTitle": lambda i: i.original_title or "",
    "originallyAvailableAt": lambda i: i.available_at or "",
    "file": lambda i: i.file or "",
}
_TAGS: dict[str, tuple[str, Callable[[Item], tuple[str, ...]]]] = {
    "genre": ("Genre", lambda i: i.genres),
    "director": ("Director", lambda i: i.directors),
    "writer": ("Writer", lambda i: i.writers),
    "actor": ("Role", lambda i: tuple(name for name, _ in i.cast)),
    "country": ("Country", lambda i: i.countries),
    "contentRating": ("ContentRating", lambda i: (i.content_rating,) if i.content_rating else ()),
    "studio": ("Studio", lambda i: (i.studio,) if i.studio else ()),
    "resolution": ("Resolution", lambda i: (i.shape.resolution,) if i.shape else ()),
}
TAG_FIELDS = tuple(_TAGS)
_BY_VALUE = ("contentRating", "studio", "resolution")
Test = Callable[[Item], bool]


class Window(NamedTuple):
    """The part of a listing asked for; `size` None is all of it, `asked` tells whether paging was requested at all."""

    start: int
    size: int | None
    asked: bool


def window(headers: Mapping[str, str], query: Mapping[str, str]) -> Window:
    """From headers, else from the query; what is not a number is ignored."""
    values = []
    for name in ("X-Plex-Container-Start", "X-Plex-Container-Size"):
        raw = headers.get(name) or query.get(name) or ""
        values.append(int(raw) if raw.isdecimal() else None)
    return Window(values[0] or 0, values[1], values != [None, None])


class Listings:
    """Answers list queries, remembering the last few results until the library changes."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._cache: dict[tuple[int, str, str], list[Item]] = {}
        self._version = -1

    def find(
        self, section: Section, query: str, *, kind: str | None = None, sort: str | None = None
    ) -> list[Item]:
        """Items of a section for a raw query string; `kind` and `sort` apply where the query names none."""
        if self._version != self._library.version:
            self._cache.clear()
            self._version = self._library.version
        pairs = [
            (k, v)
            for k, v in parse_qsl(query, keep_blank_values=True)
            if not k.startswith(("X-Plex", "include"))
        ]
        key = (section.key, f"{kind}/{sort}", repr(pairs))
        if key not in self._cache:
            if len(self._cache) > 32:
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = self._find(section, pairs, kind, sort)
        return self._cache[key]

    def _find(
        self, section: Section, pairs: Sequence[tuple[str, str]], kind: str | None, sort: str | None
    ) -> list[Item]:
        wanted = kind or section.type
        limit: int | None = None
        tests: list[Test] = []
        for name, value in pairs:
            if name == "type":
                wanted = TYPE_NAMES.get(int(value), "none") if value.isdecimal() else value
            elif name == "sort":
                sort = value
            elif name == "limit" and value.isdecimal():
                limit = int(value)
            elif (test := self._test(name, value, section)) is not None:
                tests.append(test)
        found = [i for i in self._library.of_type(section, wanted) if all(test(i) for test in tests)]
        return ordered(found, sort or "titleSort")[:limit]

    def _test(self, name: str, value: str, section: Section) -> Test | None:
        match = re.match(r"^(?:\w+\.)?(\w+?)(!?[<>]{0,2}!?)$", name)
        if match is None:
            return None
        field, operator = match.groups()
        if field in _NUMBERS:
            return number_test(_NUMBERS[field], operator, value)
        if field in _TEXTS:
            return text_test(_TEXTS[field], operator, value)
        if field in _TAGS:
            return tag_test(field, operator, value)
        if field == "unwatched":
            return lambda i: (i.view_count == 0) == (value == "1")
        if field == "collection":
            return self._member_test(value, section)
        return None

    def _member_test(self, value: str, section: Section) -> Test:
        wanted = value.split(",")
        keys: set[int] = set()
        for collection in self._library.collections(section.key):
            if str(collection.key) in wanted or collection.title in wanted:
                keys.update(self._library.children[collection.key])
        return lambda i: i.key in keys


def ordered(items: list[Item], sort: str) -> list[Item]:
    """By Plex's sort expression, `field:desc,other:nullsLast`; unknown fields are ignored, ties go by key."""
    result = sorted(items, key=lambda i: i.key)
    for part in reversed(sort.split(",")):
        field, _, how = part.partition(":")
        field = field.rpartition(".")[2]
        reverse = "desc" in how
        if field in _NUMBERS:
            number = _NUMBERS[field]
            result.sort(key=lambda i: float("-inf") if (v := number(i)) is None else v, reverse=reverse)
            if "nullsLast" in how:
                result.sort(key=lambda i: number(i) is None)
        elif field in _TEXTS:
            text = _TEXTS[field]
            result.sort(key=lambda i: text(i).casefold(), reverse=reverse)
    return result


def moment(value: str) -> float:
    """A number, or a time relative to now such as `-30d`; ValueError otherwise."""
    relative = _RELATIVE.match(value)
    if relative is not None:
        return time.time() - int(relative[1]) * _UNITS[relative[2]]
    return float(value)


def number_test(get: Callable[[Item], float | None], operator: str, value: str) -> Test:
    """`` is, `!` is not, `>>` above, `<<` below, `>` from, `<` up to; a value that is no number matches nothing."""
    try:
        values = [moment(part) for part in value.split(",")]
    except ValueError:
        return lambda i: False
    first = values[0]
    if operator == "!":
        return lambda i: get(i) not in values
    if operator in ("", "="):
        return lambda i: get(i) in values
    comparisons: dict[str, Callable[[float], bool]] = {
        ">>": lambda n: n > first,
        "<<": lambda n: n < first,
        ">": lambda n: n >= first,
        "<": lambda n: n <= first,
    }
    compare = comparisons.get(operator)
    if compare is None:
        return lambda i: False
    return lambda i: (n := get(i)) is not None and compare(n)


def text_test(get: Callable[[Item], str], operator: str, value: str) -> Test:
    """`` contains, `=` exactly, `<` begins, `>` ends, `!` lacks, `!=` differs; case does not matter."""
    exact = value.startswith("=")
    wanted = value.removeprefix("=").casefold()
    if operator in (">>", "<<"):
        return lambda i: bool(text := get(i)) and ((text > wanted) if operator == ">>" else (text < wanted))
    tests: dict[tuple[str, bool], Callable[[str], bool]] = {
        ("", False): lambda text: wanted in text,
        ("", True): lambda text: wanted == text,
        ("!", False): lambda text: wanted not in text,
        ("!", True): lambda text: wanted != text,
        ("<", False): lambda text: text.startswith(wanted),
        (">", False): lambda text: text.endswith(wanted),
    }
    test = tests.get((operator, exact))
    if test is None:
        return lambda i: False
    return lambda i: test(get(i).casefold())


def tag_test(field: str, operator: str, value: str) -> Test:
    """Any of the comma-separated ids or names; `!` none of them."""
    kind, get = _TAGS[field]
    wanted = set(value.split(","))

    def has(item: Item) -> bool:
        return any(name in wanted or str(tag_id(kind, name)) in wanted for name in get(item))

    return (lambda i: not has(i)) if operator == "!" else has


def choices(field: str, items: Sequence[Item]) -> list[tuple[str, str]]:
    """The (key, title) pairs one may filter `field` by."""
    kind, get = _TAGS[field]
    found = sorted({name for item in items for name in get(item)})
    return [(name if field in _BY_VALUE else str(tag_id(kind, name)), name) for name in found]
