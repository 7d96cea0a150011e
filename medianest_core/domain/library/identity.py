"""Which records speak of the same title.

External ids decide first. Where they do not, equal kind, normalised title and year do, unless ids of one provider disagree.
The answer depends only on the set of records, never on the order in which they arrived.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from medianest_core.domain.library.wording import match_title
from medianest_core.sdk.media import MediaRecord

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Identity:
    """What counts for matching. place: instance and key, unique. name: from `name_key`."""

    place: Place
    kind: str
    ids: Mapping[str, str]
    name: str


def name_key(kind: str, title: str, year: int | None) -> str:
    """Equal for records that may be one title by name."""
    return f"{kind}|{year or ''}|{match_title(title)}"


def identity_of(instance: str, record: MediaRecord) -> Identity:
    return Identity(
        (instance, record.key), record.kind, record.ids, name_key(record.kind, record.title, record.year)
    )


def child_key(record: MediaRecord) -> str:
    """Within one parent title: the season or episode number, or the title where there is no number."""
    if record.index is not None:
        return f"#{record.index}"
    return f"={match_title(record.title)}"


def cluster(items: Sequence[Identity]) -> list[list[Identity]]:
    """Partition into titles. Deterministic for a set of items: groups and members are sorted by place."""
    alone, rest = _singles(items)
    return sorted([*alone, *_cluster(rest)], key=lambda group: group[0].place) if rest else alone


def _singles(items: Sequence[Identity]) -> tuple[list[list[Identity]], list[Identity]]:
    """Items that share neither a name nor an id with any other, each a title by itself, in order; and all others."""
    first: dict[object, int] = {}
    shared: set[int] = set()
    for number, item in enumerate(items):
        for mark in (item.name, *((item.kind, *pair) for pair in item.ids.items())):
            if (other := first.setdefault(mark, number)) != number:
                shared.add(other)
                shared.add(number)
    alone = sorted((item for number, item in enumerate(items) if number not in shared), key=_by_place)
    return [[item] for item in alone], [items[number] for number in sorted(shared)]


def _by_place(item: Identity) -> Place:
    return item.place


def _cluster(items: Sequence[Identity]) -> list[list[Identity]]:
    groups = _Groups(item.place for item in items)
    by_id: dict[tuple[str, str, str], Place] = {}
    by_name: dict[str, list[Place]] = defaultdict(list)
    for item in items:
        by_name[item.name].append(item.place)
        for provider, value in item.ids.items():
            groups.join(by_id.setdefault((item.kind, provider, value), item.place), item.place)

    ids: dict[Hashable, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for item in items:
        known = ids[groups.root(item.place)]
        for provider, value in item.ids.items():
            known[provider].add(value)

    for name in sorted(by_name):
        roots = sorted({groups.root(place) for place in by_name[name]})
        if len(roots) < 2 or _conflict([ids[root] for root in roots]):
            _join_nameless(groups, roots, ids)
            continue
        for other in roots[1:]:
            merged = {**ids[roots[0]]}
            for provider, values in ids[other].items():
                merged[provider] = merged.get(provider, set()) | values
            groups.join(roots[0], other)
            ids[groups.root(other)] = defaultdict(set, merged)
            roots[0] = groups.root(other)

    members: dict[Place, list[Identity]] = defaultdict(list)
    for item in sorted(items, key=lambda one: one.place):
        members[groups.root(item.place)].append(item)
    return sorted(members.values(), key=lambda group: group[0].place)


def _join_nameless(
    groups: _Groups, roots: Sequence[Place], ids: Mapping[Hashable, Mapping[str, set[str]]]
) -> None:
    """Where ids disagree, records without any id stay one title of their own: nothing says to which they belong."""
    bare = [root for root in roots if not ids[root]]
    for other in bare[1:]:
        groups.join(bare[0], other)


def _conflict(groups: Iterable[Mapping[str, set[str]]]) -> bool:
    seen: dict[str, set[str]] = {}
    for group in groups:
        for provider, values in group.items():
            if provider in seen and not seen[provider] & values:
                return True
            seen[provider] = seen.get(provider, set()) | values
    return False


class _Groups:
    """Union-find over places; the smallest place is the root, so that roots do not depend on order."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._up: dict[Place, Place] = {place: place for place in places}

    def root(self, place: Place) -> Place:
        while (above := self._up[place]) != place:
            self._up[place] = self._up[above]
            place = above
        return place

    def join(self, one: Place, other: Place) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._up[second] = first
