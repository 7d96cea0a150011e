"""Reading downloads: always within what the viewer may see. What is not theirs does not exist."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.engine import RowMapping

from medianest_core.domain.downloads.entries import (
    Download,
    DownloadPage,
    File,
    Item,
    Progress,
    ServedFile,
)
from medianest_core.domain.downloads.meter import Meter
from medianest_core.domain.downloads.places import OutsideRoot, Places
from medianest_core.domain.library.service import Library
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.paging import mark, past
from medianest_core.store.tables.downloads import download_files, download_items, downloads
from medianest_core.store.tables.ledger import jobs

MAX_LIMIT = 200


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """The condition that every read and write of downloads carries."""
    if viewer.is_admin:
        return literal(True)
    return downloads.c.user_id == viewer.id


class Reading:
    def __init__(self, db: Database, places: Places, meter: Meter, library: Library) -> None:
        self._db = db
        self._places = places
        self._meter = meter
        self._library = library

    async def page(
        self,
        viewer: Viewer,
        *,
        everyone: bool = False,
        statuses: Sequence[str] = (),
        cursor: str | None = None,
        limit: int = 30,
    ) -> DownloadPage:
        """Newest first. everyone: also other people's, for admins. Raises UserError for a cursor that is not ours."""
        limit = max(1, min(limit, MAX_LIMIT))
        statement = select(downloads).where(visible(viewer))
        if not everyone:
            statement = statement.where(downloads.c.user_id == viewer.id)
        if statuses:
            statement = statement.where(downloads.c.status.in_(statuses))
        if cursor:
            statement = statement.where(past(cursor, downloads.c.created_at, downloads.c.id))
        order = (downloads.c.created_at.desc(), downloads.c.id.desc())
        async with self._db.read(one_moment=False) as tx:
            rows = await tx.all(statement.order_by(*order).limit(limit + 1))
            found = await self._downloads(tx, rows[:limit])
        more = len(rows) > limit
        return DownloadPage(found, mark(found[-1].created_at, found[-1].id) if more else None)

    async def get(self, viewer: Viewer, download_id: str) -> Download | None:
        async with self._db.read() as tx:
            row = await tx.first(select(downloads).where(downloads.c.id == download_id, visible(viewer)))
            return (await self._downloads(tx, [row]))[0] if row is not None else None

    async def items(
        self, viewer: Viewer, download_id: str, *, after: int = 0, limit: int = MAX_LIMIT
    ) -> list[Item] | None:
        """In order; `after`: the number of the last one seen. None where the download does not exist for the viewer."""
        async with self._db.read() as tx:
            owner = await tx.first(
                select(downloads.c.id, downloads.c.target_instance).where(
                    downloads.c.id == download_id, visible(viewer)
                )
            )
            if owner is None:
                return None
            rows = await tx.all(
                select(
                    download_items,
                    jobs.c.done.label("job_done"),
                    jobs.c.total.label("job_total"),
                    jobs.c.message.label("job_stage"),
                    jobs.c.facts.label("job_facts"),
                )
                .outerjoin(jobs, jobs.c.id == download_items.c.job_id)
                .where(download_items.c.download_id == download_id, download_items.c.number > after)
                .order_by(download_items.c.number)
                .limit(limit)
            )
            files = await _files(tx, [row["id"] for row in rows])
        keys = [row["media_key"] for row in rows if row["media_key"]]
        known = await self._library.titles_at(owner["target_instance"] or "", keys) if keys else {}
        return [self._item(row, files[row["id"]], known) for row in rows]

    async def file(self, viewer: Viewer, file_id: str) -> ServedFile | None:
        """A finished file to send. None where it does not exist for the viewer, or no longer on disk."""
        async with self._db.read() as tx:
            row = await tx.first(
                select(download_files)
                .join(download_items, download_items.c.id == download_files.c.item_id)
                .join(downloads, downloads.c.id == download_items.c.download_id)
                .where(download_files.c.id == file_id, visible(viewer))
            )
        if row is None:
            return None
        return await asyncio.to_thread(self._on_disk, row)

    def _on_disk(self, row: RowMapping) -> ServedFile | None:
        try:
            path = self._places.absolute(row["path"])
            if path.is_symlink() or not path.is_file():
                return None
            return ServedFile(path, path.name, path.stat().st_size, row["media_type"])
        except (OSError, OutsideRoot):
            return None

    async def _downloads(self, tx: Tx, rows: Sequence[RowMapping]) -> list[Download]:
        ids = [row["id"] for row in rows]
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        sizes: dict[str, int] = {}
        if ids:
            for download_id, status, count in await tx.execute(
                select(download_items.c.download_id, download_items.c.status, func.count())
                .where(download_items.c.download_id.in_(ids))
                .group_by(download_items.c.download_id, download_items.c.status)
            ):
                counts[download_id][status] = count
            for download_id, size in await tx.execute(
                select(download_items.c.download_id, func.sum(download_files.c.size))
                .join(download_files, download_files.c.item_id == download_items.c.id)
                .where(download_items.c.download_id.in_(ids))
                .group_by(download_items.c.download_id)
            ):
                sizes[download_id] = int(size or 0)
        return [self._download(row, counts[row["id"]], sizes.get(row["id"], 0)) for row in rows]

    def _download(self, row: RowMapping, counts: Mapping[str, int], size: int) -> Download:
        progress = self._meter.whole(row["id"])
        if progress is None:
            total = sum(count for status, count in counts.items() if status not in ("skipped", "cancelled"))
            progress = Progress(counts.get("done", 0) / total if total else None, size)
        values = {name: row[name] for name in Download.__dataclass_fields__ if name in row}
        image = f"download-{row['id']}" if row["thumbnail"] else None
        return Download(**values, counts=dict(counts), bytes=size, progress=progress, image=image)

    def _item(self, row: RowMapping, files: Sequence[File], known: Mapping[str, int]) -> Item:
        values: dict[str, Any] = {name: row[name] for name in Item.__dataclass_fields__ if name in row}
        values |= {
            "linked": bool(row["linked"]),
            "title_id": known.get(row["media_key"] or ""),
            "progress": self._progress(row),
            "files": files,
            "image": f"item-{row['id']}"
            if row["thumbnail"] or any(one.kind == "thumbnail" for one in files)
            else None,
        }
        return Item(**values)

    def _progress(self, row: RowMapping) -> Progress:
        if row["status"] == "done":
            return Progress(1.0, row["size"], row["size"])
        if row["status"] != "running":
            return Progress()
        live = self._meter.item(row["download_id"], row["id"])
        if live is not None:
            return live
        # Another process fetches it: what that process last wrote down.
        facts = row["job_facts"] or {}
        done, total = row["job_done"], row["job_total"]
        return Progress(
            done / total if done is not None and total else None,
            int(done) if done is not None else None,
            int(total) if total else None,
            facts.get("speed"),
            facts.get("eta"),
            row["job_stage"] or "",
        )


async def _files(tx: Tx, item_ids: Sequence[str]) -> dict[str, list[File]]:
    found: dict[str, list[File]] = defaultdict(list)
    if not item_ids:
        return found
    for row in await tx.all(
        select(download_files)
        .where(download_files.c.item_id.in_(item_ids))
        .order_by(download_files.c.kind, download_files.c.path)
    ):
        found[row["item_id"]].append(
            File(
                row["id"],
                row["item_id"],
                PurePosixPath(row["path"]).name,
                row["path"],
                row["kind"],
                row["size"],
                row["media_type"],
            )
        )
    return found
