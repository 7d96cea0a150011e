"""The filters of the library: read from the address, offered with counts, and written into addresses again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

from medianest_core.domain.library.reading.facets import AVAILABILITY, Facets
from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.posters import kinds_label, quality_label
from medianest_core.web.portal.views import Choice, FilterGroup

PAGE = 60
_FILTERS = ("genre", "decade", "year_from", "year_to", "quality", "server", "availability", "q")
_GENRES = 24
K = TypeVar("K", str, int)
Given = Sequence[tuple[str, str]]
"""Names and values of an address, in its order."""


def sorts() -> list[tuple[str, str]]:
    return [
        ("title", _("Title")),
        ("-added", _("Newly added")),
        ("-year", _("Newest first")),
        ("year", _("Oldest first")),
        ("-rating", _("Best rated")),
    ]


def _numbers(values: Sequence[str]) -> tuple[int, ...]:
    found = (whole(value) for value in values)
    return tuple(number for number in found if number is not None and number < 100_000)


def query_of(given: Given) -> LibraryQuery:
    """Filters from the address; what makes no sense is ignored, so that old links still work."""
    values: dict[str, list[str]] = {}
    for name, value in given:
        values.setdefault(name, []).append(value)

    def last(name: str) -> str:
        return values.get(name, [""])[-1]

    order = last("sort") if last("sort") in {value for value, _label in sorts()} else "title"
    where = last("availability")
    return LibraryQuery(
        kinds=tuple(values.get("kind", [])),
        genres=tuple(values.get("genre", [])),
        decades=tuple(ten for ten in _numbers(values.get("decade", [])) if ten < 10_000),
        year_from=_year(last("year_from")),
        year_to=_year(last("year_to")),
        qualities=_numbers(values.get("quality", [])),
        instance_ids=tuple(values.get("server", [])),
        availability=where if where in AVAILABILITY else "",
        text=last("q")[:200],
        sort=order.lstrip("-"),
        descending=order.startswith("-"),
        cursor=values.get("cursor", [None])[-1],
        limit=PAGE,
    )


def _year(text: str) -> int | None:
    year = whole(text)
    return year if year is not None and 0 < year < 10_000 else None


def path_of(given: Given) -> str:
    """The address of the page under these filters."""
    kept = [(name, value) for name, value in given if value and name not in ("cursor", "kind")]
    kept = [
        (name, value) for name, value in kept if (name, value) not in (("sort", "title"), ("density", "cosy"))
    ]
    kind = next((value for name, value in given if name == "kind" and value), "")
    base = f"/library/{quote(kind)}" if kind else "/library"
    return base + ("?" + urlencode(kept) if kept else "")


def kinds(facets: Facets, kind: str, kept: Given) -> tuple[Choice, ...]:
    """The kinds as the page's tabs; the chosen one also where nothing of it is left."""
    counts = dict(facets.kinds)
    if kind:
        counts.setdefault(kind, 0)
    everything = Choice(label=_("All"), value="", path=path_of(kept), current=not kind)
    return (
        everything,
        *(
            Choice(
                label=kinds_label(one),
                value=one,
                path=path_of([*kept, ("kind", one)]),
                current=one == kind,
                count=count,
            )
            for one, count in sorted(counts.items())
        ),
    )


def filters(facets: Facets, query: LibraryQuery, titles: Mapping[str, str]) -> tuple[FilterGroup, ...]:
    """titles: of the instances by id. What is chosen stays, also where nothing of it is left."""
    genres = _counted(facets.genres, query.genres)
    ranked = sorted(genres, key=lambda one: (one not in query.genres, -genres[one], one))[:_GENRES]
    decades = _counted(facets.decades, query.decades)
    qualities = _counted(facets.qualities, query.qualities)
    servers = _counted(facets.instance_ids, query.instance_ids)
    groups = (
        _group(
            "genre",
            _("Genre"),
            [
                Choice(label=one, value=one, current=one in query.genres, count=genres[one])
                for one in sorted(ranked, key=lambda one: (-genres[one], one))
            ],
        ),
        _group(
            "decade",
            _("Decade"),
            [
                Choice(label=decade_label(one), value=str(one), current=one in query.decades, count=count)
                for one, count in sorted(decades.items(), reverse=True)
            ],
        ),
        _group(
            "quality",
            _("Quality"),
            [
                Choice(label=quality_label(one), value=str(one), current=one in query.qualities, count=count)
                for one, count in sorted(qualities.items(), reverse=True)
                if one
            ],
        ),
        _group(
            "server",
            _("Server"),
            [
                Choice(label=titles.get(one, one), value=one, current=one in query.instance_ids, count=count)
                for one, count in servers.items()
            ],
        ),
        _availability(facets, query, len(servers)),
    )
    return tuple(group for group in groups if len(group.choices) > 1 or group.active)


def _counted(counts: Mapping[K, int], chosen: Sequence[K]) -> dict[K, int]:
    return {**dict.fromkeys(chosen, 0), **counts}


def _group(name: str, label: str, choices: Sequence[Choice], *, many: bool = True) -> FilterGroup:
    active = sum(choice.current and bool(choice.value) for choice in choices)
    return FilterGroup(name=name, label=label, choices=tuple(choices), many=many, active=active)


def _availability(facets: Facets, query: LibraryQuery, servers: int) -> FilterGroup:
    """On how many servers is asked only where there are several."""
    words = [one for one in AVAILABILITY if one == "now" or servers > 1 or one == query.availability]
    choices = [Choice(label=_("Any"), value="", current=not query.availability)]
    choices += [
        Choice(
            label=availability_label(one),
            value=one,
            current=one == query.availability,
            count=facets.availability.get(one, 0),
        )
        for one in words
    ]
    return _group("availability", _("Availability"), choices, many=False)


def decade_label(ten: int) -> str:
    return _("%(year)ss") % {"year": ten}


def availability_label(word: str) -> str:
    return {
        "now": _("Can be played now"),
        "several": _("On several servers"),
        "single": _("On one server only"),
    }.get(word, word)


def chips(given: Given, titles: Mapping[str, str]) -> tuple[Choice, ...]:
    """The active filters; each leads to the page without it."""
    found = []
    for name, value in given:
        if name not in _FILTERS:
            continue
        rest = [(n, v) for n, v in given if (n, v) != (name, value) and n != "cursor"]
        found.append(
            Choice(label=_chip_label(name, value, titles), value=value, path=path_of(rest), current=True)
        )
    return tuple(found)


def _chip_label(name: str, value: str, titles: Mapping[str, str]) -> str:
    number = whole(value)
    if name == "decade" and number is not None:
        return decade_label(number)
    if name == "year_from":
        return _("from %(year)s") % {"year": value}
    if name == "year_to":
        return _("until %(year)s") % {"year": value}
    if name == "quality":
        return value if number is None else quality_label(number)
    if name == "server":
        return titles.get(value, value)
    if name == "availability":
        return availability_label(value)
    return f"“{value}”" if name == "q" else value
