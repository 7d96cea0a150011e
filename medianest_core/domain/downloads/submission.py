"""Looking at an address and submitting it: what can be had, what is had already, and how many submissions are left."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import delete, func, select

from medianest_core.base.clock import Clock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.cache.cached import UPSTREAM, Caches
from medianest_core.domain.downloads.collections import LONGEST_TITLE, Collections, Taken
from medianest_core.domain.downloads.entries import (
    Preview,
    PreviewItem,
    Quota,
    Target,
    TooManySubmissions,
)
from medianest_core.domain.downloads.names import safe_name, user_folder
from medianest_core.domain.downloads.places import Places, server_folder
from medianest_core.domain.downloads.queue import Queue
from medianest_core.domain.downloads.thumbnails import Thumbnails
from medianest_core.domain.library.service import Library
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.downloads import (
    Availability,
    DownloadCapability,
    Downloader,
    FoundItem,
    Inspection,
    Options,
)
from medianest_core.sdk.errors import NotReady, ProviderError, UserError
from medianest_core.sdk.media import MediaCapability, MediaSource
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.downloads import (
    download_archive,
    download_items,
    download_queues,
    download_submissions,
    downloads,
)
from medianest_core.store.transaction import alone

HOUR = 3600.0
_MAX_URL = 2000
_MAX_SUBTITLES = 20
_REASONS = {
    Availability.PRIVATE: N_("It is private."),
    Availability.REMOVED: N_("It was removed."),
    Availability.LIVE: N_("It is live; only finished videos can be downloaded."),
    Availability.UPCOMING: N_("It has not been published yet."),
    Availability.RESTRICTED: N_("The site does not show it to everyone."),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person chose. items: keys of the chosen items; None for all. library: (instance id, library key) to file into.
    collection: its name there, free or of one made for the same person (admins: any); None for the playlist's title, "" for none.
    server_folder: the downloads folder as the media server sees it, where the guess is wrong; for admins only. subscription: id of the
    one that asks. dates: key → epoch seconds, where the site does not say when an item was published and the subscription guesses."""

    quality: str = ""
    container: str = ""
    subtitles: Sequence[str] = ()
    items: Sequence[str] | None = None
    library: tuple[str, str] | None = None
    collection: str | None = None
    server_folder: str | None = None
    subscription: str | None = None
    dates: Mapping[str, float] = field(default_factory=dict)


class Submission:
    def __init__(
        self,
        db: Database,
        queue: Queue,
        instances: Instances,
        library: Library,
        places: Places,
        thumbnails: Thumbnails,
        clock: Clock,
        caches: Caches,
    ) -> None:
        self._db = db
        self._queue = queue
        self._instances = instances
        self._library = library
        self._places = places
        self._clock = clock
        self._thumbnails = thumbnails
        self._collections = Collections(db, clock)
        self._seen = caches.add("inspections", Inspection, fresh=UPSTREAM)

    async def inspect(self, viewer: Viewer, url: str, instance_id: str | None = None) -> Preview:
        """What is behind the address. Raises UserError for one that nobody understands, NotReady and other ProviderErrors."""
        handle, url = self._for(url, instance_id)
        found = await self._look(handle, url)
        async with self._db.read() as tx:
            have = await self._had(tx, viewer.id, handle.instance.plugin, [one.key for one in found.items])
            quota = await self._quota(tx, viewer.id, handle.instance.id)
        pictures = [one.thumbnail for one in found.items]
        images = await self._thumbnails.preview_ids(viewer, handle.instance.id, pictures)
        return Preview(
            instance_id=handle.instance.id,
            url=url,
            kind=found.kind,
            title=found.title,
            channel=found.channel,
            items=[
                PreviewItem(one, one.key in have, image)
                for one, image in zip(found.items, images, strict=True)
            ],
            total=found.total,
            warnings=found.warnings,
            options=self._options(handle),
            targets=await self.targets(),
            quota=quota,
            image=next((one for one in images if one), None),
        )

    async def look(
        self, url: str, instance_id: str | None = None, *, anew: bool = False
    ) -> tuple[str, Inspection]:
        """(instance id, what is behind the address). anew: not what was seen some minutes ago. Raises as `inspect`."""
        handle, url = self._for(url, instance_id)
        if anew:
            await self._seen.forget(f"{handle.instance.id} {url}")
        return handle.instance.id, await self._look(handle, url)

    def check(self, instance_id: str, wish: Wish) -> None:
        """Raises UserError for a quality or format that is not offered."""
        for handle in self._instances.ready(Downloader):  # type: ignore[type-abstract]  # a key, not made
            if handle.instance.id == instance_id:
                self._choice(handle, wish)

    async def submit(
        self, viewer: Viewer, url: str, wish: Wish, instance_id: str | None = None
    ) -> str | None:
        """Id of the new download; None where all that a subscription asks for is part of one by now. Raises TooManySubmissions, UserError,
        ProviderErrors."""
        handle, url = self._for(url, instance_id)
        quality, container = self._choice(handle, wish)
        target = await self._target(viewer, wish)
        quota = await self.quota(viewer, handle.instance.id)
        if not quota.left and quota.next_at is not None:
            # Said before a slow look at the site; counted again below, where it is exact.
            raise TooManySubmissions(quota.limit, quota.next_at)
        found = await self._look(handle, url)
        chosen = _chosen(found, wish.items)
        collection = await self._collection(viewer, target, wish, found) if target else None
        download_id = new_id()
        now = self._clock.now()
        folder = user_folder(viewer.username, viewer.id)
        if found.kind != "video":
            folder = f"{folder}/{safe_name(found.title)}"
        async with self._db.begin() as tx:
            await alone(tx, "downloads")
            if wish.subscription is not None:
                chosen = await self._not_yet(tx, viewer.id, chosen)
                if not chosen:
                    return None
            await self._count(tx, viewer.id, handle.instance.id, quota.limit)
            await tx.execute(
                downloads.insert().values(
                    id=download_id,
                    user_id=viewer.id,
                    instance_id=handle.instance.id,
                    url=url,
                    kind=found.kind,
                    title=found.title[:500] or url,
                    channel=found.channel[:300],
                    thumbnail=next((one.thumbnail for one in found.items if one.thumbnail), None),
                    quality=quality,
                    container=container,
                    subtitles=list(wish.subtitles),
                    folder=folder,
                    status="queued",
                    reason="",
                    position=now,
                    target_instance=target.instance_id if target else None,
                    target_library=target.library if target else None,
                    server_folder=(wish.server_folder or target.folder) if target else None,
                    collection=collection,
                    subscription_id=wish.subscription,
                    filing={},
                    version=1,
                    created_at=now,
                )
            )
            await tx.execute(
                download_items.insert(),
                [
                    {
                        **_item_row(
                            download_id, viewer.id, handle.instance.id, number, one, _form(container), now
                        ),
                        "published_at": wish.dates.get(one.key, one.published_at),
                    }
                    for number, one in enumerate(chosen, start=1)
                ],
            )
            row = await tx.one(select(downloads).where(downloads.c.id == download_id))
            await self._queue.tell(tx, row, "queued", "")
            await self._queue.settle(tx, download_id)
            await self._queue.fill(tx, handle.instance.id)
            failpoint("downloads.before_commit")
        failpoint("downloads.submitted")
        return download_id

    async def _not_yet(self, tx: Tx, user_id: str, chosen: list[FoundItem]) -> list[FoundItem]:
        """Without what two looks at one subscription, at the same time, have both found to be new."""
        mine = select(download_items.c.key).where(
            download_items.c.user_id == user_id, download_items.c.key.in_([one.key for one in chosen])
        )
        there = {row[0] for row in await tx.execute(mine)}
        return [one for one in chosen if one.key not in there]

    async def quota(self, viewer: Viewer, instance_id: str) -> Quota:
        async with self._db.read() as tx:
            return await self._quota(tx, viewer.id, instance_id)

    async def targets(self) -> list[Target]:
        """Libraries of ready servers that can be told to look at a folder."""
        found = []
        for handle in self._instances.ready(MediaSource):  # type: ignore[type-abstract]  # a key, not made
            if not handle.can(MediaCapability.RESCAN):
                continue
            for section in await self._library.sections(handle.instance.id):
                if section.listed:
                    folder = server_folder(self._places.root, section.locations)
                    found.append(
                        Target(
                            handle.instance.id,
                            handle.instance.title,
                            section.key,
                            section.title,
                            section.kind,
                            folder,
                        )
                    )
        # A library that reads the downloads folder itself is what people most likely mean.
        own = str(self._places.root)
        return sorted(found, key=lambda one: (one.folder != own, one.instance, one.title))

    def _for(self, url: str, instance_id: str | None) -> tuple[Handle[Downloader], str]:
        url = url.strip()
        if not url or len(url) > _MAX_URL or not url.isprintable():
            raise UserError("Paste the address of a video, playlist or channel.", "url")
        handles = [
            one
            for one in self._instances.any(Downloader)  # type: ignore[type-abstract]  # a key, not made
            if instance_id is None or one.instance.id == instance_id
        ]
        ready = [one for one in handles if one.instance.ready]
        for handle in ready:
            if handle.api.accepts(url):
                return handle, url
        if ready:
            raise UserError("This address is not one that can be downloaded from here.", "url")
        if handles:
            raise NotReady(handles[0].instance.reason or "The downloader is not available.")
        raise NotReady("No downloader is set up yet.")

    async def _look(self, handle: Handle[Downloader], url: str) -> Inspection:
        """The inspection, remembered for some minutes; those who ask at the same time share one."""
        return await self._seen.get(f"{handle.instance.id} {url}", partial(handle.api.inspect, url))

    def _options(self, handle: Handle[Downloader]) -> Options | None:
        return handle.api.options() if handle.can(DownloadCapability.FORMATS) else None

    def _choice(self, handle: Handle[Downloader], wish: Wish) -> tuple[str, str]:
        options = self._options(handle)
        if len(wish.subtitles) > _MAX_SUBTITLES:
            raise UserError("Choose fewer subtitle languages.", "subtitles")
        if options is None:
            return wish.quality, wish.container
        quality = wish.quality or options.qualities[0].value
        container = wish.container or options.containers[0].value
        if quality not in {one.value for one in options.qualities}:
            raise UserError("Choose one of the qualities offered.", "quality")
        if container not in {one.value for one in options.containers}:
            raise UserError("Choose one of the formats offered.", "container")
        return quality, container

    async def _collection(self, viewer: Viewer, target: Target, wish: Wish, found: Inspection) -> str | None:
        """The collection's title. Only admins add to collections that are not their own; a name that the person did not choose
        gives way to one that is there. Decided again when it is filed."""
        wanted = wish.collection if wish.collection is not None else _collection(found)
        title = " ".join(wanted.split())[:LONGEST_TITLE]
        if not title or viewer.is_admin:
            return title or None
        handle = self._instances.get(MediaSource, target.instance_id)  # type: ignore[type-abstract]  # a key, not made
        try:
            present = (
                await handle.api.collections(target.library)
                if handle.can(MediaCapability.COLLECTIONS)
                else []
            )
        except ProviderError:
            # Filing looks again.
            present = []
        place = (target.instance_id, target.library)
        if wish.collection is None:
            return await self._collections.own_name(viewer.id, viewer.username, *place, title, present)
        if not await self._collections.usable(viewer.id, *place, title, present):
            raise UserError(str(Taken(title)), "collection")
        return title

    async def _target(self, viewer: Viewer, wish: Wish) -> Target | None:
        if wish.server_folder and not viewer.is_admin:
            raise UserError(
                N_("Only an admin can say which folder of the server holds the downloads."), "server_folder"
            )
        if wish.library is None:
            return None
        for target in await self.targets():
            if (target.instance_id, target.library) == wish.library:
                if not (wish.server_folder or target.folder):
                    if not viewer.is_admin:
                        raise UserError(
                            N_(
                                "The portal does not know how that server reaches the downloads. Ask an admin to file it there."
                            ),
                            "library",
                        )
                    raise UserError(
                        N_("Say which folder of the server holds the downloads."), "server_folder"
                    )
                return target
        raise UserError("This library is not available for new files.", "library")

    async def _had(self, tx: Tx, user_id: str, downloader: str, keys: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(keys), 500):
            rows = await tx.execute(
                select(download_archive.c.key).where(
                    download_archive.c.user_id == user_id,
                    download_archive.c.downloader == downloader,
                    download_archive.c.key.in_(keys[start : start + 500]),
                )
            )
            found |= {row[0] for row in rows}
        return found

    async def _quota(self, tx: Tx, user_id: str, instance_id: str) -> Quota:
        limits = self._queue.limits(instance_id)
        limit = limits.submissions_per_hour if limits else 0
        used, oldest = await self._used(tx, user_id, instance_id)
        left = max(0, limit - used)
        return Quota(left, limit, oldest + HOUR if not left and oldest is not None else None)

    async def _used(self, tx: Tx, user_id: str, instance_id: str) -> tuple[int, float | None]:
        row = (
            await tx.execute(
                select(func.count(), func.min(download_submissions.c.at)).where(
                    download_submissions.c.user_id == user_id,
                    download_submissions.c.instance_id == instance_id,
                    download_submissions.c.at > self._clock.now() - HOUR,
                )
            )
        ).one()
        return int(row[0]), row[1]

    async def _count(self, tx: Tx, user_id: str, instance_id: str, limit: int) -> None:
        """Counts one more; the locked row makes simultaneous submissions come one after the other."""
        await tx.execute(
            tx.insert(download_queues)
            .values(instance_id=instance_id, turn=1)
            .on_conflict_do_update(index_elements=["instance_id"], set_={"turn": download_queues.c.turn + 1})
        )
        used, oldest = await self._used(tx, user_id, instance_id)
        now = self._clock.now()
        if used >= limit:
            raise TooManySubmissions(limit, (oldest if oldest is not None else now) + HOUR)
        await tx.execute(
            delete(download_submissions).where(
                download_submissions.c.user_id == user_id, download_submissions.c.at <= now - HOUR
            )
        )
        await tx.execute(
            download_submissions.insert().values(user_id=user_id, instance_id=instance_id, at=now)
        )


def _chosen(found: Inspection, keys: Sequence[str] | None) -> list[FoundItem]:
    wanted = list({one.key: one for one in found.items}.values())
    if keys is not None:
        wanted = [one for one in wanted if one.key in set(keys)]
    if not wanted:
        raise UserError("Choose at least one item.", "items")
    if all(one.availability is not Availability.OK for one in wanted):
        first = wanted[0]
        raise UserError(first.note or _REASONS.get(first.availability, N_("It cannot be had.")), "url")
    return wanted


def _collection(found: Inspection) -> str:
    return found.title if found.kind != "video" else ""


def _form(container: str) -> str:
    guessed = mimetypes.guess_type(f"file.{container}")[0] or ""
    return "audio" if guessed.startswith("audio/") else "video"


def _item_row(
    download_id: str, user_id: str, instance_id: str, number: int, one: FoundItem, form: str, now: float
) -> dict[str, object]:
    can = one.availability is Availability.OK
    return {
        "id": new_id(),
        "download_id": download_id,
        "user_id": user_id,
        "instance_id": instance_id,
        "key": one.key[:190],
        "form": form,
        "url": one.url,
        "title": one.title[:500] or one.key,
        "number": number,
        "duration": one.duration,
        "size": one.size,
        "thumbnail": one.thumbnail,
        "status": "queued" if can else "skipped",
        "reason": "" if can else one.note or _REASONS.get(one.availability, N_("It cannot be had.")),
        "tries": 0,
        "due_at": 0.0,
        "linked": False,
        "facts": {},
        "finished_at": None if can else now,
    }
