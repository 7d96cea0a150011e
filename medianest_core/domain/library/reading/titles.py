"""One title: everything a page shows of it, with seasons, episodes, servers and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import RowMapping

from medianest_core.domain.library.columns import image_version, quality_of
from medianest_core.domain.library.document import Document, Holding, parse
from medianest_core.domain.library.merge import Path
from medianest_core.domain.library.reading.query import TOP, TitleRow, generation_of, title_row
from medianest_core.domain.library.stored.detail_rows import joined, missing_details
from medianest_core.domain.library.wording import english_first
from medianest_core.sdk.media import EPISODE, SEASON
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import (
    libraries,
    library_sources,
    records,
    sync_changes,
    title_docs,
    title_ids,
    titles,
)

_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Availability:
    """A server that has the title. library: its section's title. quality: nominal height, 0 unknown. size: bytes."""

    instance_id: str
    library_key: str
    library: str
    key: str
    added_at: float | None
    size: int
    quality: int
    media: Mapping[str, Any]
    captions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Season:
    id: int
    index: int | None
    title: str
    year: int
    episodes: int
    poster: str | None


@dataclass(frozen=True, slots=True)
class Episode:
    """still: image id. duration: seconds."""

    id: int
    season_id: int | None
    index: int | None
    title: str
    summary: str
    released_on: str
    duration: float
    quality: int
    hdr: bool
    still: str | None
    availability: Sequence[Availability]


@dataclass(frozen=True, slots=True)
class TitleDetail:
    """values: merged fields, as `MediaRecord.fields` names them. images: asset name → image id; cast members' pictures are in
    `cast` as "image_id". provenance: path → instance id or `merge.LOCK`. parents: show (and season) of an episode, outermost first.
    unread: instance id → keys of its records of which only the listing has been read."""

    row: TitleRow
    values: Mapping[str, Any]
    images: Mapping[str, str]
    cast: Sequence[Mapping[str, Any]]
    availability: Sequence[Availability]
    seasons: Sequence[Season]
    parents: Sequence[TitleRow]
    provenance: Mapping[Path, str]
    ids: Mapping[str, str]
    unread: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A value that a sync changed. rule: "only", "priority", "lock", "cleared" or "removed"."""

    run_id: int
    at: float
    path: Path
    before: Any
    after: Any
    instance_id: str | None
    rule: str


@dataclass(frozen=True, slots=True)
class RecentTitle:
    """A title with something new. episodes: how many new episodes of a show. at: when the newest was added."""

    row: TitleRow
    episodes: int
    at: float


@dataclass(frozen=True, slots=True)
class Glimpse:
    """images: asset name → image id."""

    images: Mapping[str, str]
    summary: str


class Titles:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._recent: dict[tuple[int, tuple[str, ...]], tuple[int, list[RecentTitle]]] = {}

    async def detail(self, title_id: int) -> TitleDetail | None:
        """None where there is no such title."""
        async with self._db.glance(one_moment=True) as tx:
            row = await tx.first(select(titles).where(titles.c.id == title_id))
            data = await tx.scalar(select(title_docs.c.doc).where(title_docs.c.id == title_id))
            if row is None or data is None:
                return None
            doc = parse(data)
            return TitleDetail(
                row=title_row(row),
                values=_shown(doc),
                images=images_of(title_id, doc),
                cast=_cast(title_id, doc),
                availability=_availability(doc.holdings, await _library_titles(tx)),
                seasons=await _seasons(tx, title_id),
                parents=await _parents(tx, row["parent_id"]),
                provenance=doc.provenance(),
                ids=doc.values.get("ids") or {},
                unread=await _unread(tx, title_id),
            )

    async def episodes(self, season_id: int) -> list[Episode]:
        """Of a season, in order; of a show without seasons likewise."""
        statement = (
            select(titles, title_docs.c.doc)
            .join(title_docs, title_docs.c.id == titles.c.id)
            .where(titles.c.parent_id == season_id, titles.c.kind == EPISODE)
            .order_by(titles.c.item_index, titles.c.id)
        )
        async with self._db.read() as tx:
            rows = await tx.all(statement)
            names = await _library_titles(tx)
        return [_episode(row, names) for row in rows]

    async def recent(self, limit: int = 24, kinds: Sequence[str] = ()) -> list[RecentTitle]:
        """Newest first; shows stand where their newest episode does. Kept until the library changes."""
        asked = limit, tuple(kinds)
        async with self._db.glance() as tx:
            generation = await generation_of(tx)
        if (kept := self._recent.get(asked)) is None or kept[0] != generation:
            if len(self._recent) >= _REMEMBERED:
                self._recent.clear()
            kept = self._recent[asked] = generation, await self._find_recent(limit, kinds)
        return list(kept[1])

    async def _find_recent(self, limit: int, kinds: Sequence[str]) -> list[RecentTitle]:
        async with self._db.read() as tx:
            statement = select(titles).where(TOP).order_by(titles.c.added_at.desc()).limit(limit * 2)
            if kinds:
                statement = statement.where(titles.c.kind.in_(kinds))
            found = {
                row["id"]: RecentTitle(title_row(row), 0, row["added_at"]) for row in await tx.all(statement)
            }
            fresh = await _shows_with_new_episodes(tx, limit * 10)
            others = [show_id for show_id, _, _ in fresh if show_id not in found]
            rows = await tx.all(select(titles).where(TOP, titles.c.id.in_(others)))
            shows = {row["id"]: title_row(row) for row in rows if not kinds or row["kind"] in kinds}
            for show_id, count, at in fresh:
                if show_id in found:
                    found[show_id] = RecentTitle(found[show_id].row, count, max(at, found[show_id].at))
                elif show_id in shows:
                    found[show_id] = RecentTitle(shows[show_id], count, at)
        return sorted(found.values(), key=lambda one: (-one.at, one.row.id))[:limit]

    async def glimpses(self, ids: Sequence[int]) -> dict[int, Glimpse]:
        """The little that is shown of a few titles beside their rows; those that are gone are left out."""
        statement = select(title_docs.c.id, title_docs.c.doc).where(title_docs.c.id.in_(ids))
        async with self._db.glance() as tx:
            docs = [(row["id"], parse(row["doc"])) for row in await tx.all(statement)]
        return {
            title_id: Glimpse(images_of(title_id, doc), str(doc.values.get("summary") or ""))
            for title_id, doc in docs
        }

    async def by_external_id(self, kind: str, provider: str, value: str) -> int | None:
        """The title with that id, e.g. ("movie", "tmdb", "603")."""
        async with self._db.read() as tx:
            found = await tx.scalar(
                select(title_ids.c.title_id).where(
                    title_ids.c.kind == kind, title_ids.c.provider == provider, title_ids.c.value == value
                )
            )
        return int(found) if found is not None else None

    async def rows(self, ids: Sequence[int]) -> dict[int, TitleRow]:
        async with self._db.read() as tx:
            return {
                row["id"]: title_row(row) for row in await tx.all(select(titles).where(titles.c.id.in_(ids)))
            }

    async def changes(self, title_id: int, limit: int = 100) -> list[Change]:
        """What syncs changed, newest first."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(sync_changes)
                .where(sync_changes.c.title_id == title_id)
                .order_by(sync_changes.c.id.desc())
                .limit(limit)
            )
        return [
            Change(
                row["run_id"],
                row["at"],
                tuple(row["path"]),
                row["before"],
                row["after"],
                row["instance_id"],
                row["rule"],
            )
            for row in rows
        ]


def images_of(title_id: int, doc: Document) -> dict[str, str]:
    """asset name → image id."""
    found = {}
    for name, reference in (doc.values.get("assets") or {}).items():
        instance = doc.source_of("assets", name)
        if instance and name.isalpha() and isinstance(reference, str):
            found[name] = f"{title_id}-{name}-{image_version(instance, reference)}"
    return found


def _cast(title_id: int, doc: Document) -> list[dict[str, Any]]:
    instance = doc.source_of("cast") or ""
    found = []
    for number, person in enumerate(doc.values.get("cast") or ()):
        shown = {"name": str(person.get("name", "")), "role": str(person.get("role") or ""), "image_id": None}
        if person.get("image"):
            shown["image_id"] = f"{title_id}-cast{number}-{image_version(instance, str(person['image']))}"
        found.append(shown)
    return found


def _shown(doc: Document) -> Mapping[str, Any]:
    """Stored documents have their members by name, so that equal ones are equal bytes; captions are told with English first. A
    placeholder belongs to its picture: what another server says of its own is none of the picture that is shown."""
    values = dict(doc.values)
    if isinstance(captions := values.get("captions"), Mapping):
        values["captions"] = {one: captions[one] for one in sorted(captions, key=english_first)}
    if isinstance(hashes := values.pop("blurhash", None), Mapping):
        mine = {
            asset: said
            for asset, said in hashes.items()
            if doc.source_of("blurhash", asset) == doc.source_of("assets", asset)
        }
        if mine:
            values["blurhash"] = mine
    return values


def _availability(holdings: Sequence[Holding], names: Mapping[tuple[str, str], str]) -> list[Availability]:
    return [
        Availability(
            instance_id=one.instance_id,
            library_key=one.library,
            library=names.get((one.instance_id, one.library), one.library),
            key=one.key,
            added_at=one.added_at,
            size=one.size,
            quality=quality_of(one.media),
            media=one.media,
            captions=sorted(one.captions, key=english_first),
        )
        for one in holdings
    ]


async def _library_titles(tx: Tx) -> dict[tuple[str, str], str]:
    rows = await tx.all(select(libraries.c.instance_id, libraries.c.key, libraries.c.title))
    return {(row["instance_id"], row["key"]): row["title"] for row in rows}


async def _seasons(tx: Tx, title_id: int) -> list[Season]:
    rows = await tx.all(
        select(titles)
        .where(titles.c.parent_id == title_id, titles.c.kind == SEASON)
        .order_by(titles.c.item_index, titles.c.id)
    )
    counted = (
        (
            await tx.execute(
                select(titles.c.parent_id, func.count())
                .where(titles.c.parent_id.in_([row["id"] for row in rows]))
                .group_by(titles.c.parent_id)
            )
        ).all()
        if rows
        else []
    )
    counts = {parent: number for parent, number in counted}  # noqa: C416  # rows are not pairs to the type checker
    found = []
    for row in rows:
        shown = title_row(row)
        found.append(
            Season(shown.id, shown.index, shown.title, shown.year, counts.get(shown.id, 0), shown.poster)
        )
    return found


async def _unread(tx: Tx, title_id: int) -> dict[str, list[str]]:
    rows = await tx.execute(
        select(library_sources.c.instance_id, records.c.key)
        .select_from(joined().join(library_sources, library_sources.c.id == records.c.source))
        .where(records.c.title_id == title_id, missing_details())
        .order_by(library_sources.c.id, records.c.key)
    )
    found: dict[str, list[str]] = {}
    for instance, key in rows.all():
        found.setdefault(instance, []).append(key)
    return found


async def _parents(tx: Tx, parent_id: int | None) -> list[TitleRow]:
    found: list[TitleRow] = []
    while parent_id is not None and len(found) < 3:
        row = await tx.first(select(titles).where(titles.c.id == parent_id))
        if row is None:
            break
        found.insert(0, title_row(row))
        parent_id = row["parent_id"]
    return found


async def _shows_with_new_episodes(tx: Tx, limit: int) -> list[tuple[int, int, float]]:
    season = titles.alias("season")
    newest = (
        select(titles.c.id, titles.c.parent_id, titles.c.added_at)
        .where(titles.c.kind == EPISODE, titles.c.parent_id.is_not(None))
        .order_by(titles.c.added_at.desc())
        .limit(limit)
        .subquery()
    )
    show = func.coalesce(season.c.parent_id, season.c.id)
    rows = await tx.execute(
        select(show, func.count(), func.max(newest.c.added_at))
        .select_from(newest.join(season, season.c.id == newest.c.parent_id))
        .group_by(show)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _episode(row: RowMapping, names: Mapping[tuple[str, str], str]) -> Episode:
    doc = parse(row["doc"])
    shown = title_row(row)
    images = images_of(shown.id, doc)
    return Episode(
        id=shown.id,
        season_id=shown.parent_id,
        index=shown.index,
        title=shown.title,
        summary=str(doc.values.get("summary") or ""),
        released_on=shown.released_on,
        duration=shown.duration,
        quality=shown.quality,
        hdr=shown.hdr,
        still=images.get("thumb") or images.get("poster"),
        availability=_availability(doc.holdings, names),
    )
