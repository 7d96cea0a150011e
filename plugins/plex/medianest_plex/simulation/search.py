"""Hub search: a few results for each kind of thing."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from medianest_plex.simulation.entries import entries, tag_id
from medianest_plex.simulation.library import Item, Library, Section

_KINDS = (("movie", "Movies"), ("show", "Shows"), ("episode", "Episodes"), ("collection", "Collections"))


@lru_cache(maxsize=250_000)
def fold(text: str) -> str:
    """Without case and accents."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def matches(library: Library, sections: Sequence[Section], query: str, kind: str) -> list[Item]:
    """Items whose title has a word beginning with each word asked for; titles that begin with the query come first."""
    words = fold(query).split()
    if not words:
        return []
    found: list[Item] = []
    for section in sections:
        for item in library.of_type(section, kind):
            title = " " + fold(item.title)
            if all(f" {word}" in title for word in words):
                found.append(item)
    start = fold(query)
    return sorted(found, key=lambda i: (not fold(i.title).startswith(start), i.key))


def hubs(library: Library, sections: Sequence[Section], query: str, limit: int) -> list[dict[str, object]]:
    """One hub for each kind with results, then the people who match."""
    rows: list[dict[str, object]] = []
    for kind, title in _KINDS:
        found = matches(library, sections, query, kind)
        if found:
            rows.append(
                _hub(kind, title, query, len(found) > limit) | {"Metadata": entries(found[:limit], library)}
            )
            rows[-1]["size"] = min(limit, len(found))
    people = _people(library, sections, query)[:limit]
    if people:
        rows.append(_hub("actor", "Actors", query, False) | {"size": len(people), "Directory": people})
    return rows


def _hub(kind: str, title: str, query: str, more: bool) -> dict[str, object]:
    return {
        "title": title,
        "type": kind,
        "hubIdentifier": kind,
        "context": "hub.search",
        "key": f"/library/search?type={kind}&query={quote(query)}" if more else None,
        "more": more,
        "style": "shelf",
    }


def _people(library: Library, sections: Sequence[Section], query: str) -> list[dict[str, object]]:
    words = fold(query).split()
    counts: dict[tuple[str, int], int] = {}
    if not words:
        return []
    for section in sections:
        for key in section.keys:
            for name, _ in library.items[key].cast:
                if any(part.startswith(words[0]) for part in fold(name).split()) and all(
                    w in fold(name) for w in words
                ):
                    counts[name, section.key] = counts.get((name, section.key), 0) + 1
    return [
        {
            "key": f"/library/sections/{section}/all?actor={tag_id('Role', name)}",
            "librarySectionID": section,
            "type": "tag",
            "tag": name,
            "id": tag_id("Role", name),
            "filter": f"actor={tag_id('Role', name)}",
            "count": count,
        }
        for (name, section), count in sorted(counts.items(), key=lambda pair: -pair[1])
    ]
