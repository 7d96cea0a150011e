"""Decides which title each record of a batch belongs to, and which titles that touches.

Top-level records are matched by `identity.cluster` over everything that shares an id or a name with them, so the outcome
does not depend on which source came first. Seasons and episodes follow their parent's title.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from medianest_core.domain.library.columns import level_of
from medianest_core.domain.library.detail import overlaid
from medianest_core.domain.library.identity import (
    UNDECIDED,
    Decisions,
    Identity,
    child_key,
    cluster,
    housed,
    identity_of,
)
from medianest_core.domain.library.records import SourceRecord, decode
from medianest_core.domain.library.stored.bulk import select_rows
from medianest_core.domain.library.stored.decisions import load_decisions
from medianest_core.domain.library.stored.marks import load_marks
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import (
    record_data,
    record_details,
    records,
    title_ids,
    titles,
)

Place = tuple[str, str]


@dataclass(slots=True)
class Incoming:
    """A new or changed record. data: the encoded record."""

    instance: str
    record: MediaRecord
    digest: str
    data: bytes
    place: Place = field(init=False)

    def __post_init__(self) -> None:
        self.place = (self.instance, self.record.key)


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
    went: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Title id → the titles that records left it for."""
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
        self._bearers: dict[tuple[str, str, str], set[int]] = defaultdict(set)
        self._decisions: Decisions = UNDECIDED
        self._told_decisions = False
        self._gone: Collection[Place] = ()
        self.prefer: dict[Place, int] = {}
        """Title ids that records would rather have than new ones, as long as no title has them."""
        self.leading: int | None = None
        """The title that stays where several become one."""

    async def place(
        self, incoming: Sequence[Incoming], gone: Collection[Place], again: Collection[int] = ()
    ) -> Membership:
        """Places all records; `gone` ones leave their titles. again: titles whose records are placed anew, because what decides
        it has changed."""
        await self._remember([one.place for one in incoming] + list(gone))
        self.result.known = set(self._was)
        details = await self._details()
        levels: dict[int, dict[Place, SourceRecord]] = defaultdict(dict)
        for one in incoming:
            levels[level_of(one.record.kind)][one.place] = SourceRecord(
                one.instance, overlaid(one.record, details.get(one.place))
            )
        self._gone = frozenset(gone)
        lost = {title for place in gone if (title := self._was.get(place)) is not None} | set(again)
        self.result.touched |= lost
        moved = await self._place_tops(levels[0], lost)
        for level in (1, 2):
            batch = levels[level]
            for child in [*await self._children_of(moved), *await self._parts_among(again, level)]:
                batch.setdefault(child.place, child)
            for other in await self._tied(batch, level):
                batch.setdefault(other.place, other)
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

    async def _details(self) -> dict[Place, bytes]:
        """What is stored beyond the listings of those records of the batch that were stored before."""
        by_source: dict[int, list[str]] = defaultdict(list)
        for instance, key in self._was:
            by_source[self.sources[instance]].append(key)
        found: dict[Place, bytes] = {}
        for source, keys in by_source.items():
            statement = select(record_details.c.key, record_details.c.data).where(
                record_details.c.source == source
            )
            for key, data in await select_rows(self.tx, statement, record_details.c.key, keys):
                found[(self.instances[source], key)] = data
        return found

    async def _load(self, wanted: Iterable[int]) -> None:
        """Bring the stored records of these titles into `members`, unless the batch has newer ones."""
        missing = set(wanted) - self._loaded
        self._loaded |= missing
        statement = _told(records.c.source, records.c.title_id)
        for source, title, data, details in await select_rows(
            self.tx, statement, records.c.title_id, missing
        ):
            one = SourceRecord(self.instances[source], overlaid(decode(data), details))
            self._was[one.place] = title
            if one.place in self._gone or self.result.assigned.get(one.place, title) != title:
                continue
            self.result.members[title].setdefault(one.place, one)

    async def _place_tops(self, batch: dict[Place, SourceRecord], lost: set[int]) -> set[Place]:
        if not batch and not lost:
            return set()
        await self._load_decisions()
        identities = {place: identity_of(*place_of(one)) for place, one in batch.items()}
        reached = {self._was[place] for place in batch if place in self._was} | await self._tops_among(lost)
        asked: set[tuple[str, str, str]] = set()
        frontier = list(identities.values())
        while True:
            reached |= await self._titles_sharing(frontier, asked)
            reached |= await self._titles_declared_same(identities)
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
            (self._claim(group) for group in cluster(list(identities.values()), self._decisions)),
            key=lambda claim: (-claim[0], claim[1][0].place),
        )
        taken: set[int] = set()
        for _, group, wishes in claims:
            wish = next((wish for wish in wishes if wish not in taken), None)
            title = (
                wish
                or await self._vacant(group, taken)
                or await self._former(group, taken)
                or self._new_title()
            )
            taken.add(title)
            self.result.slots[title] = Slot(None, min(one.name for one in group))
            for identity in group:
                place = identity.place
                if self._assign(place, title, batch.get(place) or stored[place], incoming=place in batch):
                    moved.add(place)
        return moved

    def _claim(self, group: list[Identity]) -> tuple[int, list[Identity], list[int]]:
        """How strongly a group holds on to present titles, and which ones, best first."""
        held = Counter([self._was[one.place] for one in group if one.place in self._was])
        if not held:
            return 0, group, []
        wishes = sorted(held, key=lambda title: (title != self.leading, -held[title], title))
        return (held[wishes[0]] if wishes else 0), group, wishes

    async def _vacant(self, group: list[Identity], taken: set[int]) -> int | None:
        """A title that no server has, kept until one has it again: it bears an id or the name of these records."""
        if not self._bearers:
            return None
        borne = {
            title
            for one in group
            for provider, value in [("name", one.name), *one.ids.items()]
            for title in self._bearers.get((one.kind, provider, value), ())
        }
        empty = [one for one in borne - taken if not self.result.members.get(one)]
        if not empty:
            return None
        marks = await load_marks(self.tx, empty)
        return min((one for one in empty if one in marks and marks[one].kept is not None), default=None)

    async def _former(self, group: list[Identity], taken: set[int]) -> int | None:
        """An id that one of these records had before and nobody has now."""
        for one in group if self.prefer else ():
            wish = self.prefer.get(one.place)
            if wish is None or wish in taken or wish >= self.next_title:
                continue
            if await self.tx.scalar(select(titles.c.id).where(titles.c.id == wish)) is None:
                self.result.fresh.add(wish)
                return wish
        return None

    async def _titles_declared_same(self, present: Collection[Place]) -> set[int]:
        """Titles of records of which an admin said that they are one with these, whatever their ids and names."""
        partners = {
            other
            for pair in self._decisions.same
            for one, other in (pair, pair[::-1])
            if one in present and other not in present and other[0] in self.sources
        }
        return set((await self._titles_of(partners)).values()) if partners else set()

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
            statement = select(title_ids.c.value, title_ids.c.title_id).where(
                title_ids.c.kind == kind, title_ids.c.provider == provider
            )
            rows = await select_rows(self.tx, statement, title_ids.c.value, values)
            if provider == "name":
                by_name = select(titles.c.match_key, titles.c.id).where(titles.c.level == 0)
                rows += await select_rows(self.tx, by_name, titles.c.match_key, values)
            for value, title in rows:
                found.add(title)
                self._bearers[(kind, provider, value)].add(title)
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
            statement = _told(records.c.title_id).where(records.c.source == source)
            for title, data, details in await select_rows(self.tx, statement, records.c.parent, keys):
                one = SourceRecord(instance, overlaid(decode(data), details))
                self._was[one.place] = title
                if one.place not in self._gone:
                    found.append(one)
        return found

    async def _load_decisions(self) -> None:
        if not self._told_decisions:
            self._decisions, self._told_decisions = await load_decisions(self.tx), True

    async def _parts_among(self, wanted: Collection[int], level: int) -> list[SourceRecord]:
        """The records of those titles that stand at this level below others."""
        statement = select(titles.c.id).where(titles.c.level == level)
        parts = [row[0] for row in await select_rows(self.tx, statement, titles.c.id, wanted)]
        await self._load(parts)
        return [one for title in parts for one in self.result.members[title].values()]

    async def _tied(self, batch: Collection[Place], level: int) -> list[SourceRecord]:
        """Stored records of this level of which an admin said something together with these, or with some that are gone."""
        if not batch and not self._gone:
            return []
        await self._load_decisions()
        if not self._decisions:
            return []
        by_source: dict[str, list[str]] = defaultdict(list)
        for instance, key in self._decisions.around({*batch, *self._gone}):
            if (
                (instance, key) not in batch
                and (instance, key) not in self._gone
                and instance in self.sources
            ):
                by_source[instance].append(key)
        found: list[SourceRecord] = []
        for instance, keys in by_source.items():
            statement = _told(records.c.title_id, records.c.kind).where(
                records.c.source == self.sources[instance]
            )
            for title, kind, data, details in await select_rows(self.tx, statement, records.c.key, keys):
                if level_of(kind) == level:
                    one = SourceRecord(instance, overlaid(decode(data), details))
                    self._was[one.place] = title
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
        if decided := self._decisions.around(batch):
            natural = {
                one: (wanted[one].parent_id, wanted[one].match_key) for one in decided if one in wanted
            }
            kinds = {one: batch[one].record.kind for one in natural}
            for place, home in housed(natural, kinds, self._decisions).items():
                wanted[place] = Slot(*home)
        present: dict[tuple[int | None, str], int] = {}
        above = {one.parent_id for one in wanted.values() if one.parent_id is not None}
        known = [title for title in above if title not in self.result.fresh]
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
                title = await self._former_part(place) or self._new_title()
                present[(where.parent_id, where.match_key)] = title
            self.result.slots[title] = where
            if self._assign(place, title, batch[place], incoming=True):
                moved.add(place)
        return moved

    async def _former_part(self, place: Place) -> int | None:
        """The id that the record had before it was joined, where nobody has that now."""
        wish = self.prefer.get(place)
        if wish is None or wish >= self.next_title or wish in self.result.assigned.values():
            return None
        if await self.tx.scalar(select(titles.c.id).where(titles.c.id == wish)) is not None:
            return None
        self.result.fresh.add(wish)
        return wish

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
        result.went[before].append(title)
        result.members[before].pop(place, None)
        result.moved[place] = title
        return True


def _told(*columns: ColumnElement[Any]) -> Select[Any]:
    """Rows of `columns`, the stored record's bytes, and the bytes of its details or None."""
    return (
        select(*columns, record_data.c.data, record_details.c.data)
        .join(record_data, (records.c.source == record_data.c.source) & (records.c.key == record_data.c.key))
        .outerjoin(
            record_details,
            (records.c.source == record_details.c.source) & (records.c.key == record_details.c.key),
        )
    )


def place_of(one: SourceRecord) -> tuple[str, MediaRecord]:
    return one.instance, one.record
