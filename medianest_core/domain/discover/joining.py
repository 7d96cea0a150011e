"""Makes one list of what several catalogs answered: a title that two of them name is one entry. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from medianest_core.domain.discover.entries import Entry, key_of
from medianest_core.domain.library.identity import Identity, cluster, name_key
from medianest_core.domain.library.wording import match_title
from medianest_core.sdk.catalog import CatalogEntry

T = TypeVar("T")
_DAMPING = 20.0
_EXACT, _BEGINS = 0.06, 0.02
Picture = Callable[[str, str], str]
"""Instance id and reference → what stands below "/img/"."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one catalog said of a title, at which place of its list (from 0)."""

    instance_id: str
    place: int
    entry: CatalogEntry


def usable(entry: CatalogEntry) -> bool:
    """Nothing can be done with an entry that has no name or no id."""
    return bool(entry.kind and entry.title and any(entry.ids.values()))


def groups(told: Sequence[Told]) -> list[list[Told]]:
    """Which of them speak of the same title; within a group in the order of `told`."""
    by_place = {(one.instance_id, str(number)): one for number, one in enumerate(told)}
    order = {place: number for number, place in enumerate(by_place)}
    items = [
        Identity(
            place,
            one.entry.kind,
            {name: value for name, value in one.entry.ids.items() if value},
            name_key(one.entry.kind, one.entry.title, one.entry.year),
        )
        for place, one in by_place.items()
    ]
    return [
        [by_place[item.place] for item in sorted(group, key=lambda item: order[item.place])]
        for group in cluster(items)
    ]


def joined(told: Sequence[Told], picture: Picture, text: str = "") -> list[Entry]:
    """The entries, best first: what stands high in several lists before what stands high in one; for a search what bears
    the name that was asked for before what only resembles it."""
    wanted = match_title(text) if text else ""
    made = [(_score(group, wanted), entry_of(group, picture)) for group in groups(told)]
    made.sort(key=lambda pair: (-pair[0], -pair[1].popularity, pair[1].key))
    return [entry for _, entry in made]


def entry_of(group: Sequence[Told], picture: Picture) -> Entry:
    """One entry of what several catalogs say; the first that says a thing is believed."""
    ids: dict[str, str] = {}
    for one in group:
        for provider, value in one.entry.ids.items():
            if value:
                ids.setdefault(provider, value)
    first = group[0].entry
    return Entry(
        key=key_of(first.kind, ids),
        kind=first.kind,
        ids=ids,
        title=first.title,
        year=_first(group, lambda entry: entry.year),
        summary=_first(group, lambda entry: entry.summary) or "",
        original_title=_first(group, lambda entry: entry.original_title) or "",
        released=_first(group, lambda entry: entry.released),
        rating=_first(group, lambda entry: entry.rating),
        popularity=max(one.entry.popularity for one in group),
        runtime=_first(group, lambda entry: entry.runtime),
        genres=_first(group, lambda entry: tuple(entry.genres)) or (),
        image=_picture(group, lambda entry: entry.image, picture),
        backdrop=_picture(group, lambda entry: entry.backdrop, picture),
        sources=tuple(dict.fromkeys(one.instance_id for one in group)),
    )


def same(entry: CatalogEntry, kind: str, ids: Mapping[str, str]) -> bool:
    """Whether a catalog's details are of the title that was asked for."""
    return entry.kind == kind and not any(
        value and ids.get(provider) and ids[provider] != value for provider, value in entry.ids.items()
    )


def _score(group: Sequence[Told], wanted: str) -> float:
    best: dict[str, int] = {}
    for one in group:
        best[one.instance_id] = min(one.place, best.get(one.instance_id, one.place))
    score = sum(1.0 / (_DAMPING + place) for place in best.values())
    if wanted:
        names = {
            match_title(name) for one in group for name in (one.entry.title, one.entry.original_title) if name
        }
        if wanted in names:
            score += _EXACT
        elif any(name.startswith(f"{wanted} ") for name in names):
            score += _BEGINS
    return score


def _first(group: Sequence[Told], value: Callable[[CatalogEntry], T | None]) -> T | None:
    # Many times for each title of a page: without a generator it takes half as long.
    for one in group:
        if found := value(one.entry):
            return found
    return None


def _picture(
    group: Sequence[Told], reference: Callable[[CatalogEntry], str | None], picture: Picture
) -> str | None:
    for one in group:
        if found := reference(one.entry):
            return picture(one.instance_id, found)
    return None
