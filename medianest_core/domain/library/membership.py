"""Decides which title each record of a batch belongs to, and which titles that touches.

Top-level records are matched by `identity.cluster` over everything that shares an id or a name with them, so the outcome
does not depend on which source came first. Seasons and episodes follow their parent's title.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from medianest_core.domain.library.bulk import select_rows
from medianest_core.domain.library.columns import level_of
from medianest_core.domain.library.identity import Identity, child_key, cluster, identity_of
from medianest_core.domain.library.records import SourceRecord, decode
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import record_data, records, title_ids, titles

Place = tuple[str, str]


@dataclass(slots=True)
class Incoming:
    """A new or changed record. data: the encoded record."""

    instance: str
    record: MediaRecord
    digest: str
    data: bytes

    @property
    def place(self) -> Place:
        return self.instance, self.record.key


@dataclass(slots=True)
class Slot:
    """Where a title hangs: under which parent title, and by which key it is matched there."""

    parent_id: int | None
    match_key: str


@dataclass(slots=True)
class Membership:
    """assigned: place → title id, for every record looked at. members: title id → its records, for touched titles that
    were loaded or are new. slots: of the titles in `members`. fresh: ids made now. touched: titles to merge again."""

    assigned: dict[Place, int] = field(default_factory=dict)
    members: dict[int, dict[Place, SourceRecord]] = field(default_factory=lambda: defaultdict(dict))
    slots: dict[int, Slot] = field(default_factory=dict)
    fresh: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    moved: dict[Place, int] = field(default_factory=dict)
    """Stored records, not incoming, that change their title."""
    known: set[Place] = field(default_factory=set)
    """Which of the batch's records were stored before."""


class Placement:
    """One batch. `sources`: instance id → number. `next_title`: first free title id, counted on."""

    def __init__(self, tx: Tx, sources: dict[str, int], next_title: int) -> None:
        self.tx = tx
        self.sources = sources
        self.instances = {number: instance for instance, number in sources.items()}
        self.next_title = next_title
        self.result = Membership()
        self._was: dict[Place, int] = {}
        self._loaded: set[int] = set()

    async def place(self, incoming: Sequence[Incoming], gone: Collection[Place]) -> Membership:
        """Places all records; `gone` ones leave their titles."""
        await self._remember([one.place for one in incoming] + list(gone))
        self.result.known = set(self._was)
        levels: dict[int, dict[Place, SourceRecord]] = defaultdict(dict)
        for one in incoming:
            levels[level_of(one.record.kind)][one.place] = SourceRecord(one.instance, one.record)
        self._gone = frozenset(gone)
        lost = {title for place in gone if (title := self._was.get(place)) is not None}
        self.result.touched |= lost
        moved = await self._place_tops(levels[0], lost)
        for level in (1, 2):
            batch = levels[level]
            for child in await self._children_of(moved):
                batch.setdefault(child.place, child)
            moved = moved | await self._place_children(batch)
        await self._load(self.result.touched - self.result.fresh)
        return self.result

    async def _remember(self, places: Sequence[Place]) -> None:
        by_source: dict[int, list[str]] = defaultdict(list)
        for instance, key in places:
            by_source[self.sources[instance]].append(key)
        for source, keys in by_source.items():
            statement = select(records.c.key, records.c.title_id).where(records.c.source == source)
            for key, title in await select_rows(self.tx, statement, records.c.key, keys):
                self._was[(self.instances[source], key)] = title

    async def _load(self, wanted: Iterable[int]) -> None:
        """Bring the stored records of these titles into `members`, unless the batch has newer ones."""
        missing = set(wanted) - self._loaded
        self._loaded |= missing
        statement = select(records.c.source, records.c.title_id, record_data.c.data).join(
            record_data, (records.c.source == record_data.c.source) & (records.c.key == record_data.c.key)
        )
        for source, title, data in await select_rows(self.tx, statement, records.c.title_id, missing):
            one = SourceRecord(self.instances[source], decode(data))
            self._was[one.place] = title
            if one.place in self._gone or self.result.assigned.get(one.place, title) != title:
                continue
            self.result.members[title].setdefault(one.place, one)

    async def _place_tops(self, batch: dict[Place, SourceRecord], lost: set[int]) -> set[Place]:
        if not batch and not lost:
            return set()
        identities = {place: identity_of(*place_of(one)) for place, one in batch.items()}
        reached = {self._was[place] for place in batch if place in self._was} | await self._tops_among(lost)
        asked: set[tuple[str, str, str]] = set()
        frontier = list(identities.values())
        while True:
            reached |= await self._titles_sharing(frontier, asked)
            fresh = reached - self._loaded
            if not fresh:
                break
            await self._load(fresh)
            frontier = []
            for title in fresh:
                for place, one in self.result.members[title].items():
                    if place not in identities:
                        identities[place] = identity_of(*place_of(one))
                        frontier.append(identities[place])
        stored = {
            place: one
            for title in reached
            for place, one in self.result.members[title].items()
            if place not in batch
        }
        moved: set[Place] = set()
        claims = sorted(
            (self._claim(group) for group in cluster(list(identities.values()))),
            key=lambda claim: (-claim[0], claim[1][0].place),
        )
        taken: set[int] = set()
        for _, group, wishes in claims:
            title = next((wish for wish in wishes if wish not in taken), None) or self._new_title()
            taken.add(title)
            self.result.slots[title] = Slot(None, min(one.name for one in group))
            for identity in group:
                place = identity.place
                if self._assign(place, title, batch.get(place) or stored[place], incoming=place in batch):
                    moved.add(place)
        return moved

    def _claim(self, group: list[Identity]) -> tuple[int, list[Identity], list[int]]:
        """How strongly a group holds on to present titles, and which ones, best first."""
        held = Counter(self._was[one.place] for one in group if one.place in self._was)
        wishes = sorted(held, key=lambda title: (-held[title], title))
        return (held[wishes[0]] if wishes else 0), group, wishes

    async def _titles_sharing(
        self, identities: Iterable[Identity], asked: set[tuple[str, str, str]]
    ) -> set[int]:
        wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one in identities:
            for provider, value in [("name", one.name), *one.ids.items()]:
                if (one.kind, provider, value) not in asked:
                    asked.add((one.kind, provider, value))
                    wanted[(one.kind, provider)].add(value)
        found: set[int] = set()
        for (kind, provider), values in wanted.items():
            statement = select(title_ids.c.title_id).where(
                title_ids.c.kind == kind, title_ids.c.provider == provider
            )
            found |= {row[0] for row in await select_rows(self.tx, statement, title_ids.c.value, values)}
            if provider == "name":
                by_name = select(titles.c.id).where(titles.c.level == 0)
                found |= {row[0] for row in await select_rows(self.tx, by_name, titles.c.match_key, values)}
        return found

    async def _tops_among(self, wanted: Collection[int]) -> set[int]:
        statement = select(titles.c.id).where(titles.c.level == 0)
        return {row[0] for row in await select_rows(self.tx, statement, titles.c.id, wanted)}

    async def _children_of(self, moved: Collection[Place]) -> list[SourceRecord]:
        """Stored records whose parent record went to another title."""
        by_source: dict[str, list[str]] = defaultdict(list)
        for instance, key in moved:
            if (instance, key) in self._was:
                by_source[instance].append(key)
        found: list[SourceRecord] = []
        for instance, keys in by_source.items():
            source = self.sources[instance]
            statement = (
                select(records.c.title_id, record_data.c.data)
                .join(
                    record_data,
                    (records.c.source == record_data.c.source) & (records.c.key == record_data.c.key),
                )
                .where(records.c.source == source)
            )
            for title, data in await select_rows(self.tx, statement, records.c.parent, keys):
                one = SourceRecord(instance, decode(data))
                self._was[one.place] = title
                if one.place not in self._gone:
                    found.append(one)
        return found

    async def _place_children(self, batch: dict[Place, SourceRecord]) -> set[Place]:
        if not batch:
            return set()
        parents = await self._titles_of(
            {(one.instance, one.record.parent) for one in batch.values() if one.record.parent}
        )
        wanted: dict[Place, Slot] = {}
        for place, one in batch.items():
            parent = parents.get((one.instance, one.record.parent or ""))
            slot = child_key(one.record) if parent is not None else f"?{one.instance}|{one.record.key}"
            wanted[place] = Slot(parent, slot)
        present: dict[tuple[int | None, str], int] = {}
        known = [title for title in set(parents.values()) if title not in self.result.fresh]
        statement = select(titles.c.id, titles.c.parent_id, titles.c.match_key)
        for stored, parent_id, key in await select_rows(self.tx, statement, titles.c.parent_id, known):
            present[(parent_id, key)] = stored
        for fresh in self.result.fresh:
            made = self.result.slots[fresh]
            present[(made.parent_id, made.match_key)] = fresh
        moved: set[Place] = set()
        for place in sorted(batch):
            where = wanted[place]
            title = present.get((where.parent_id, where.match_key)) or self._orphaned(place, where)
            if title is None:
                title = self._new_title()
                present[(where.parent_id, where.match_key)] = title
            self.result.slots[title] = where
            if self._assign(place, title, batch[place], incoming=True):
                moved.add(place)
        return moved

    def _orphaned(self, place: Place, where: Slot) -> int | None:
        """An orphan keeps its title, so that it is not made anew each time."""
        return self._was.get(place) if where.parent_id is None else None

    async def _titles_of(self, places: set[Place]) -> dict[Place, int]:
        found = {place: title for place in places if (title := self.result.assigned.get(place)) is not None}
        by_source: dict[str, list[str]] = defaultdict(list)
        for instance, key in places - found.keys():
            by_source[instance].append(key)
        for instance, keys in by_source.items():
            statement = select(records.c.key, records.c.title_id).where(
                records.c.source == self.sources[instance]
            )
            for key, title in await select_rows(self.tx, statement, records.c.key, keys):
                found[(instance, key)] = title
        return found

    def _new_title(self) -> int:
        title, self.next_title = self.next_title, self.next_title + 1
        self.result.fresh.add(title)
        return title

    def _assign(self, place: Place, title: int, one: SourceRecord, *, incoming: bool) -> bool:
        """True where the record was in another title before."""
        result = self.result
        before = self._was.get(place)
        result.assigned[place] = title
        result.members[title][place] = one
        if incoming or before != title:
            result.touched.add(title)
        if before is None or before == title:
            return False
        result.touched.add(before)
        result.members[before].pop(place, None)
        result.moved[place] = title
        return True


def place_of(one: SourceRecord) -> tuple[str, MediaRecord]:
    return one.instance, one.record
