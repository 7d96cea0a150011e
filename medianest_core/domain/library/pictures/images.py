"""Pictures of titles through our own address, fetched from the source once.

Image ids are minted from what a sync stored and name a title, an asset and a version; there is no way to ask for anything else.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select

from medianest_core.domain.library.columns import image_version
from medianest_core.domain.library.document import parse
from medianest_core.domain.library.merge import LOCK
from medianest_core.domain.library.merge import Path as FieldPath
from medianest_core.domain.library.pictures.image_store import ImageStore, ServedImage
from medianest_core.domain.library.stored.marks import load_marks
from medianest_core.domain.library.stored.offers import offers_of
from medianest_core.host.instances import Instances
from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.errors import NotFound
from medianest_core.sdk.media import MediaSource
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import collections, title_docs

_TITLE_IMAGE = re.compile(r"(\d{1,12})-([a-z_]{1,20})(\d{0,3})-([0-9a-f]{12})")
_COLLECTION_IMAGE = re.compile(r"collection-([0-9a-f]{12})")
_KNOWN = 20_000
_TALL = frozenset({"poster", "cast"})


@dataclass(frozen=True, slots=True)
class _Origin:
    instance_id: str
    reference: str
    asset: str
    current: bool


def _key(origin: _Origin) -> str:
    return f"{origin.instance_id}\0{origin.reference}"


def collection_image_id(instance_id: str, reference: str) -> str:
    return f"collection-{image_version(instance_id, reference)}"


class Images:
    """folder: of the cache. capacity: bytes on disk."""

    def __init__(
        self, db: Database, instances: Instances, folder: Path, *, capacity: int = 1024 * 1024 * 1024
    ) -> None:
        self._db = db
        self._instances = instances
        self.store = ImageStore(folder, capacity=capacity)
        self._origins: OrderedDict[str, _Origin] = OrderedDict()

    async def serve(self, image_id: str, width: int, accept: str = "") -> ServedImage:
        """The picture at the stored width next to `width`, in the best format that `accept` names.

        Raises NotFound for an id that was never given out; NotReady and other ProviderErrors where the source cannot send it
        now and there is no stored copy; InvalidResponse where it sent no picture.
        """
        origin = await self._origin(image_id)

        async def fetch(size: int) -> bytes:
            height = size * 3 // 2 if origin.asset in _TALL else size * 9 // 16
            return (await self._sender(origin.instance_id).image(origin.reference, size, height)).content

        served = await self.store.serve(_key(origin), width, accept, fetch)
        return replace(served, current=origin.current)

    async def small(self, image_id: str, width: int) -> bytes:
        """A copy that is kept already, however large; else the picture at that width. Raises like `serve`."""
        kept = await self.store.stored(_key(await self._origin(image_id)))
        return kept if kept is not None else (await self.serve(image_id, width, "image/webp")).content

    def _sender(self, instance_id: str) -> MediaSource | Catalog:
        """Who has the pictures: the server itself; for a service that only adds to titles, its catalog."""
        if self._instances.has(Catalog, instance_id) and not self._instances.has(MediaSource, instance_id):
            return self._instances.get(Catalog, instance_id).api  # type: ignore[type-abstract]  # a key, not made
        return self._instances.get(MediaSource, instance_id).api  # type: ignore[type-abstract]  # a key, not made

    async def _origin(self, image_id: str) -> _Origin:
        if (known := self._origins.get(image_id)) is not None:
            self._origins.move_to_end(image_id)
            return known
        if match := _TITLE_IMAGE.fullmatch(image_id):
            origin = await self._title_image(int(match[1]), match[2], match[3], match[4])
        elif match := _COLLECTION_IMAGE.fullmatch(image_id):
            origin = await self._collection_image(match[1])
        else:
            origin = None
        if origin is None:
            raise NotFound("There is no such picture.")
        if origin.current:
            self._origins[image_id] = origin
            while len(self._origins) > _KNOWN:
                self._origins.popitem(last=False)
        return origin

    async def _title_image(self, title_id: int, asset: str, number: str, version: str) -> _Origin | None:
        async with self._db.read() as tx:
            data = await tx.scalar(select(title_docs.c.doc).where(title_docs.c.id == title_id))
        if data is None:
            return None
        doc = parse(data)
        if number:
            people = doc.values.get("cast") or []
            reference = people[int(number)].get("image") if int(number) < len(people) else None
            instance = doc.source_of("cast")
        else:
            reference = (doc.values.get("assets") or {}).get(asset)
            instance = doc.source_of("assets", asset)
        current = bool(reference and instance) and image_version(str(instance), str(reference)) == version
        if not current and not number and (other := await self._offered(title_id, asset, version)):
            return other
        if not reference or not instance:
            return None
        if instance == LOCK:
            path: FieldPath = ("cast",) if number else ("assets", asset)
            instance = await self._locked_from(title_id, path)
        return _Origin(instance, str(reference), asset, current) if instance else None

    async def _locked_from(self, title_id: int, path: FieldPath) -> str | None:
        """Who had offered a value that an admin locked."""
        async with self._db.read() as tx:
            marks = await load_marks(tx, [title_id])
        lock = marks[title_id].locks.get(path) if title_id in marks else None
        return lock.origin if lock is not None else None

    async def _offered(self, title_id: int, asset: str, version: str) -> _Origin | None:
        """A picture that another source has for the title, as pages show it where sources are compared."""
        async with self._db.read() as tx:
            offers = (await offers_of(tx, [title_id]))[title_id]
        for one in offers:
            reference = (one.record.fields.get("assets") or {}).get(asset)
            if isinstance(reference, str) and image_version(one.instance, reference) == version:
                return _Origin(one.instance, reference, asset, True)
        return None

    async def _collection_image(self, version: str) -> _Origin | None:
        async with self._db.read() as tx:
            rows = await tx.all(
                select(collections.c.instance_id, collections.c.image).where(collections.c.image.is_not(None))
            )
        for row in rows:
            if image_version(row["instance_id"], row["image"]) == version:
                return _Origin(row["instance_id"], row["image"], "poster", True)
        return None

    async def close(self) -> None:
        await self.store.close()
