"""Which records speak of the same title.

What an admin said of two records decides first: that they are the same, or that they are not. Then external ids do. Where they
do not, equal kind, normalised title and year do, unless ids of one provider disagree. The answer depends only on the set of
records and on what the admin said, never on the order in which either arrived.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
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


def index_in(match_key: str, otherwise: int | None) -> int | None:
    """The number by which a part stands where it does, whatever other numbers its records have (see `child_key`)."""
    if not match_key.startswith("#"):
        return otherwise
    digits = match_key[1:].partition("~")[0]
    return int(digits) if digits.lstrip("-").isdecimal() else otherwise


@dataclass(frozen=True, slots=True)
class Decisions:
    """What an admin said of pairs of records. same: they are one title. apart: (odd, other), they are not; the odd one is the
    record that was taken off the other's title. A pair is in one of the two at most, in one direction."""

    same: frozenset[tuple[Place, Place]] = frozenset()
    apart: frozenset[tuple[Place, Place]] = frozenset()

    def among(self, items: Iterable[Identity]) -> Decisions:
        """Those that concern two of these."""
        here = {one.place for one in items}
        return Decisions(
            frozenset(pair for pair in self.same if here.issuperset(pair)),
            frozenset(pair for pair in self.apart if here.issuperset(pair)),
        )

    def __bool__(self) -> bool:
        return bool(self.same or self.apart)

    def around(self, places: Collection[Place]) -> set[Place]:
        """All places that decisions tie to these, over as many as it takes."""
        ties: dict[Place, list[Place]] = defaultdict(list)
        for one, other in (*self.same, *self.apart):
            ties[one].append(other)
            ties[other].append(one)
        found: set[Place] = set()
        waiting = [place for place in ties if place in places]
        while waiting:
            place = waiting.pop()
            if place not in found:
                found.add(place)
                waiting += ties[place]
        return found


UNDECIDED = Decisions()
Home = tuple[int | None, str]
"""Where a season or an episode stands: the parent title, and its key there."""


def housed(
    natural: Mapping[Place, Home], kinds: Mapping[Place, str], decisions: Decisions
) -> dict[Place, Home]:
    """Where parts of titles stand after what an admin said of them. Records in one home are one part.

    Parts that are the same stand where the first of them does (`Decisions.same` of parts is (first, other)); one that was taken off
    others stands beside them, with a key of its own. kinds: of the same places; they never mix.
    """
    homes = dict(natural)
    groups = _Groups(natural, {pair for pair in decisions.apart if homes.keys() >= set(pair)})
    behind: set[Place] = set()
    for one, other in sorted(decisions.same):
        if homes.keys() >= {one, other} and kinds[one] == kinds[other] and groups.join(one, other):
            behind.add(other)
    members: dict[Place, list[Place]] = defaultdict(list)
    for place in sorted(natural):
        members[groups.root(place)].append(place)
    for group in members.values():
        if len(group) > 1:
            lead = next((place for place in group if place not in behind), group[0])
            homes.update(dict.fromkeys(group, natural[lead]))
    for odd, other in sorted(decisions.apart):
        if odd in homes and homes[odd] == homes.get(other):
            parent, key = homes[odd]
            group = members[groups.root(odd)]
            homes.update(dict.fromkeys(group, (parent, f"{key}~{'|'.join(group[0])}")))
    return homes


def cluster(items: Sequence[Identity], decisions: Decisions = UNDECIDED) -> list[list[Identity]]:
    """Partition into titles. Deterministic for a set of items: groups and members are sorted by place.

    Kinds never mix, not even where an admin says so: a film is not a show.
    """
    decided = decisions.among(items) if decisions else decisions
    alone, rest = _singles(items, decided)
    if not rest:
        return alone
    found = _cluster(rest, decided.among(rest) if decided else decided)
    return sorted([*alone, *found], key=lambda group: group[0].place)


def _singles(items: Sequence[Identity], decided: Decisions) -> tuple[list[list[Identity]], list[Identity]]:
    """Items that share neither a name nor an id with any other, each a title by itself, in order; and all others."""
    first: dict[object, int] = {}
    shared: set[int] = set()
    named = {place for pair in decided.same for place in pair}
    for number, item in enumerate(items):
        if item.place in named:
            shared.add(number)
        for mark in (item.name, *((item.kind, *pair) for pair in item.ids.items())):
            if (other := first.setdefault(mark, number)) != number:
                shared.add(other)
                shared.add(number)
    alone = sorted((item for number, item in enumerate(items) if number not in shared), key=_by_place)
    return [[item] for item in alone], [items[number] for number in sorted(shared)]


def _by_place(item: Identity) -> Place:
    return item.place


def _cluster(items: Sequence[Identity], decided: Decisions) -> list[list[Identity]]:
    groups = _Groups((item.place for item in items), decided.apart)
    kinds = {item.place: item.kind for item in items}
    for one, other in sorted((min(pair), max(pair)) for pair in decided.same):
        if kinds[one] == kinds[other]:
            groups.join(one, other)
    _join_by_ids(groups, items, decided)

    by_name: dict[str, list[Place]] = defaultdict(list)
    ids: dict[Hashable, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for item in items:
        by_name[item.name].append(item.place)
        known = ids[groups.root(item.place)]
        for provider, value in item.ids.items():
            known[provider].add(value)

    for name in sorted(by_name):
        roots = groups.compatible({groups.root(place) for place in by_name[name]})
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


def _join_by_ids(groups: _Groups, items: Sequence[Identity], decided: Decisions) -> None:
    bearers: dict[tuple[str, str, str], list[Place]] = defaultdict(list)
    for item in items:
        for provider, value in item.ids.items():
            bearers[(item.kind, provider, value)].append(item.place)
    if not decided.apart:
        for places in bearers.values():
            for other in places[1:]:
                groups.join(places[0], other)
        return
    odd = {place for place, _ in decided.apart}
    # Records that were taken off a title come last, so that what is new stays with the title they were taken off.
    wanted = {
        (one in odd or other in odd, min(one, other), max(one, other))
        for places in bearers.values()
        for number, one in enumerate(places)
        for other in places[number + 1 :]
    }
    for _, one, other in sorted(wanted):
        groups.join(one, other)


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
    """Union-find over places; the smallest place is the root, so that roots do not depend on order. `apart`: pairs that never
    come together, whoever asks."""

    def __init__(self, places: Iterable[Place], apart: Iterable[tuple[Place, Place]] = ()) -> None:
        self._up: dict[Place, Place] = {place: place for place in places}
        self._foes: dict[Place, set[Place]] = defaultdict(set)
        self._odd: dict[Place, int] = defaultdict(int)
        for odd, other in apart:
            self._foes[odd].add(other)
            self._foes[other].add(odd)
            self._odd[odd] += 1

    def root(self, place: Place) -> Place:
        while (above := self._up[place]) != place:
            self._up[place] = self._up[above]
            place = above
        return place

    def join(self, one: Place, other: Place) -> bool:
        """False where something in them must stay apart."""
        first, second = sorted((self.root(one), self.root(other)))
        if first == second:
            return True
        if self._apart(first, second):
            return False
        self._up[second] = first
        if self._foes and (foes := self._foes.pop(second, None)):
            self._foes[first] |= foes
        if self._odd and (odd := self._odd.pop(second, 0)):
            self._odd[first] += odd
        return True

    def compatible(self, roots: Iterable[Place]) -> list[Place]:
        """Those of these roots of which no two must stay apart, in order; the ones taken off another are left out first."""
        if not self._foes:
            return sorted(roots)
        kept: list[Place] = []
        for root in sorted(roots, key=lambda one: (self._odd.get(one, 0), one)):
            if not any(self._apart(other, root) for other in kept):
                kept.append(root)
        return sorted(kept)

    def _apart(self, one: Place, other: Place) -> bool:
        return any(self.root(foe) == other for foe in self._foes.get(one, ()))
