"""What downloads leave behind that nobody holds: half files, and finished files of items that were cancelled just then."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from medianest_core.domain.downloads.names import stem_of
from medianest_core.domain.downloads.places import WORK, OutsideRoot, Places
from medianest_core.store.engine import Database
from medianest_core.store.tables.downloads import download_files, download_items, downloads

_OPEN = ("queued", "running")
_KEPT = (*_OPEN, "failed")
_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class _Ended:
    """An item that nobody fetches any more: where its finished files would lie, and since when they could."""

    folder: str
    stem: str
    since_at: float


class Sweeper:
    def __init__(self, db: Database, places: Places) -> None:
        self._db = db
        self._places = places

    async def sweep(self) -> int:
        """Delete the half files of items that have ended, and what of them was moved into place without being written down; returns
        how many items that were. Failed ones keep theirs for another try."""
        found = await asyncio.to_thread(self._unfinished)
        if not found:
            return 0
        gone: list[str] = []
        ended: list[_Ended] = []
        for start in range(0, len(found), _AT_ONCE):
            part = found[start : start + _AT_ONCE]
            async with self._db.read() as tx:
                rows = {
                    row["id"]: row
                    for row in await tx.all(
                        select(download_items, downloads.c.folder, downloads.c.created_at)
                        .join(downloads, downloads.c.id == download_items.c.download_id)
                        .where(download_items.c.id.in_(part))
                    )
                }
                again = {
                    (row["user_id"], row["key"])
                    for row in await tx.all(
                        select(download_items.c.user_id, download_items.c.key).where(
                            download_items.c.status.in_(_OPEN),
                            download_items.c.key.in_({row["key"] for row in rows.values()}),
                        )
                    )
                }
            for name in part:
                if (row := rows.get(name)) is None:
                    gone.append(name)
                elif row["status"] not in _KEPT and (row["user_id"], row["key"]) not in again:
                    # The same title on its way once more writes files of the same names: that one goes first.
                    gone.append(name)
                    stem = stem_of(row["title"], row["key"])
                    ended.append(_Ended(row["folder"], stem, row["created_at"]))
        # First what is to be moved, then what was: nothing can come between.
        await asyncio.to_thread(self._drop, gone)
        for start in range(0, len(ended), _AT_ONCE):
            await self._delete_unheld(ended[start : start + _AT_ONCE])
        return len(gone)

    async def _delete_unheld(self, ended: list[_Ended]) -> None:
        paths = await asyncio.to_thread(lambda: [path for one in ended for path in self._moved(one)])
        for start in range(0, len(paths), _AT_ONCE):
            part = paths[start : start + _AT_ONCE]
            async with self._db.read() as tx:
                held = {
                    row["path"]
                    for row in await tx.all(
                        select(download_files.c.path).where(download_files.c.path.in_(part))
                    )
                }
            await asyncio.to_thread(remove_files, self._places, set(part) - held)

    def _unfinished(self) -> list[str]:
        folder = self._places.root / WORK
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def _drop(self, names: list[str]) -> None:
        for name in names:
            self._places.drop_work(name)

    def _moved(self, one: _Ended) -> list[str]:
        folder = Path(self._places.root, one.folder)
        if not folder.is_dir():
            return []
        return [
            f"{one.folder}/{path.name}"
            for path in folder.iterdir()
            if path.name.startswith(f"{one.stem}.")
            and path.is_file()
            and not path.is_symlink()
            # Older ones are what somebody kept of a download that is forgotten.
            and path.stat().st_ctime >= one.since_at
        ]


def remove_files(places: Places, paths: set[str]) -> None:
    """Delete stored files, and the folders that are empty then. What cannot be deleted stays."""
    for path in paths:
        with contextlib.suppress(OSError, OutsideRoot):
            found = places.absolute(path)
            found.unlink(missing_ok=True)
            # A folder that still holds something stays.
            found.parent.rmdir()
