"""Pictures of downloads and of what a link offers, through our own address.

An id names a download or item of the viewer's, or a place in a preview that was shown to them; the address behind it is the one
that the downloader found. Nothing that a browser sends leads anywhere else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from medianest_core.base.ids import new_token
from medianest_core.cache.values import Cache
from medianest_core.domain.downloads.places import OutsideRoot, Places
from medianest_core.domain.downloads.reading import visible
from medianest_core.domain.library.pictures.image_store import ImageStore, ServedImage
from medianest_core.domain.library.pictures.pictures import MAX_BYTES
from medianest_core.host.instances import Instances
from medianest_core.sdk.downloads import DownloadCapability, Downloader
from medianest_core.sdk.errors import EgressDenied, InvalidResponse, NotFound
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.downloads import download_files, download_items, downloads

_STORED = re.compile(r"(download|item)-([0-9A-Za-z-]{1,40})")
_PREVIEWED = re.compile(r"preview-([0-9A-Za-z_-]{16,80})-(\d{1,5})")
_REMEMBER = 3600.0
_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class _Origin:
    """Either a file of ours or an address that the instance found."""

    instance_id: str
    address: str = ""
    file: str = ""
    size: int = 0


class Thumbnails:
    def __init__(
        self,
        db: Database,
        instances: Instances,
        places: Places,
        store: ImageStore,
        cache: Cache,
    ) -> None:
        self._db = db
        self._instances = instances
        self._places = places
        self._store = store
        self._cache = cache
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def preview_ids(
        self, viewer: Viewer, instance_id: str, addresses: Sequence[str | None]
    ) -> list[str | None]:
        """Ids for the pictures of a preview, for this viewer and about an hour; None where there is no picture."""
        if not any(addresses):
            return [None] * len(addresses)
        token = new_token(18)
        content = orjson.dumps({"viewer": viewer.id, "instance": instance_id, "addresses": list(addresses)})
        await self._cache.set(f"thumbnails:{token}", content, _REMEMBER)
        return [f"preview-{token}-{place}" if one else None for place, one in enumerate(addresses)]

    async def serve(self, viewer: Viewer, image_id: str, width: int, accept: str = "") -> ServedImage:
        """Raises NotFound for an id that was never given to this viewer and where there is no picture (any more); other
        ProviderErrors where it cannot be had now."""
        origin = await self._origin(viewer, image_id)
        if origin is None:
            raise NotFound("There is no such picture.")
        key = f"{origin.file}\0{origin.size}" if origin.file else f"{origin.instance_id}\0{origin.address}"

        async def fetch(_: int) -> bytes:
            return await self._fetch(origin)

        return await self._store.serve(f"download\0{key}", width, accept, fetch)

    async def _fetch(self, origin: _Origin) -> bytes:
        if origin.file:
            return await asyncio.to_thread(_read, self._places, origin.file)
        handle = self._instances.get(Downloader, origin.instance_id)  # type: ignore[type-abstract]  # a key, not made
        if not handle.can(DownloadCapability.THUMBNAILS):
            raise NotFound("The service has no such picture.")
        async with self._slots:
            try:
                return (await handle.api.thumbnail(origin.address)).content
            except EgressDenied as error:
                # The site names a host that its downloader does not vouch for: asking again changes nothing.
                raise NotFound("The service has no such picture.") from error

    async def _origin(self, viewer: Viewer, image_id: str) -> _Origin | None:
        if match := _PREVIEWED.fullmatch(image_id):
            return await self._previewed(viewer, match[1], int(match[2]))
        if match := _STORED.fullmatch(image_id):
            async with self._db.read() as tx:
                return await self._stored(tx, viewer, match[1], match[2])
        return None

    async def _previewed(self, viewer: Viewer, token: str, place: int) -> _Origin | None:
        content = await self._cache.get(f"thumbnails:{token}")
        if content is None:
            return None
        known = orjson.loads(content)
        if known["viewer"] != viewer.id or place >= len(known["addresses"]):
            return None
        address = known["addresses"][place]
        return _Origin(known["instance"], str(address)) if address else None

    async def _stored(self, tx: Tx, viewer: Viewer, kind: str, number: str) -> _Origin | None:
        items = (
            select(
                downloads.c.instance_id,
                downloads.c.thumbnail.label("first"),
                download_items.c.thumbnail,
                download_files.c.path,
                download_files.c.size,
            )
            .select_from(downloads)
            .join(download_items, download_items.c.download_id == downloads.c.id)
            .outerjoin(
                download_files,
                (download_files.c.item_id == download_items.c.id) & (download_files.c.kind == "thumbnail"),
            )
            .where(visible(viewer))
            .order_by(download_items.c.number)
            .limit(1)
        )
        if kind == "item":
            row = await tx.first(items.where(download_items.c.id == number))
            return _origin(row, row["thumbnail"]) if row is not None else None
        mine = items.where(downloads.c.id == number)
        row = await tx.first(mine.where(download_files.c.path.is_not(None))) or await tx.first(mine)
        return _origin(row, row["first"]) if row is not None else None


def _origin(row: RowMapping, address: str | None) -> _Origin | None:
    if row["path"]:
        return _Origin(row["instance_id"], file=row["path"], size=row["size"])
    return _Origin(row["instance_id"], address) if address else None


def _read(places: Places, relative: str) -> bytes:
    try:
        path: Path = places.absolute(relative)
        if path.is_symlink() or not path.is_file():
            raise NotFound("The picture is gone.")
        if path.stat().st_size > MAX_BYTES:
            raise InvalidResponse("The picture is too large.")
        return path.read_bytes()
    except (OSError, OutsideRoot) as error:
        raise NotFound("The picture is gone.") from error
