"""Whose collection is whose: which collections of a media server were made for whose downloads.

People add only to collections that were made for them, admins to any. A name is claimed here before its collection is made, so
of two who want it at once only one gets it, and a crash in between leaves a claim that tells the collection is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, or_, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.sdk.errors import MediaNestError, NotReady
from medianest_core.sdk.media import Collection, MediaSource
from medianest_core.store.engine import Database
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.downloads import download_collections
from medianest_core.store.transaction import alone

LONGEST_TITLE = 200
_PENDING_FOR = 120.0
_OTHER_NAMES = 20
TAKEN = N_(
    "The server has a collection called {title} already, which was not made for one of your downloads. Choose another name, or "
    "ask an admin to file it there."
)


class Taken(MediaNestError):
    """The name belongs to a collection of someone else."""

    def __init__(self, title: str) -> None:
        super().__init__(TAKEN.format(title=title))


class Collections:
    """library: its key at the server, throughout."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def usable(
        self, user_id: str, instance_id: str, library: str, title: str, present: Sequence[Collection]
    ) -> bool:
        """Whether the name is free or that of a collection made for this person. present: what the server has now."""
        claim = await self._claim(instance_id, library, title)
        if claim is not None and claim["user_id"] == user_id:
            return True
        return not (_named(present, title) or (claim is not None and self._holds(claim, present)))

    async def own_name(
        self,
        user_id: str,
        username: str,
        instance_id: str,
        library: str,
        title: str,
        present: Sequence[Collection],
    ) -> str:
        """A usable name for what nobody named: the title, else with the person's name behind it. Raises Taken."""
        for count in range(_OTHER_NAMES):
            mark = "" if not count else f" ({username})" if count == 1 else f" ({username} {count})"
            name = title[: LONGEST_TITLE - len(mark)] + mark
            if await self.usable(user_id, instance_id, library, name, present):
                return name
        raise Taken(title)

    async def keep(self, api: MediaSource, download: RowMapping, title: str, keys: Sequence[str]) -> str:
        """Key of the collection of that title, which then holds all of `keys`. Raises Taken where it is not the owner's to add
        to, and NotReady while another download makes it."""
        library = str(download["target_library"])
        present = await api.collections(library)
        chosen = await self._chosen(api, download, title, keys, present)
        if chosen is None:
            await self._reserve(download, title, present)
            made = (await api.create_collection(library, title, keys)).key
            await self._made(download, title, made)
            return made
        there = set(await api.collection_items(chosen))
        if lacking := [key for key in keys if key not in there]:
            await api.add_to_collection(chosen, lacking)
        return chosen

    async def _chosen(
        self,
        api: MediaSource,
        download: RowMapping,
        title: str,
        keys: Sequence[str],
        present: Sequence[Collection],
    ) -> str | None:
        """Key of the collection to add to; None where it is to be made."""
        there = {one.key for one in present if not one.smart}
        claim = await self._claim(download["target_instance"], download["target_library"], title)
        mine = claim is not None and claim["user_id"] == download["user_id"]
        if claim is not None and mine and claim["key"] in there:
            return str(claim["key"])
        same = _named(present, title)
        if await self._is_admin(download["user_id"]):
            if download["collection_key"] in there:
                return str(download["collection_key"])
            return next((one.key for one in same if not one.smart), None)
        if not same:
            return None
        if claim is not None and mine and claim["key"] is None:
            # Made, but a crash came before it was written down? Then it holds what we put into it and nothing else.
            for one in same:
                if not one.smart and set(await api.collection_items(one.key)) <= set(keys):
                    await self._made(download, title, one.key)
                    return one.key
        raise Taken(title)

    async def _reserve(self, download: RowMapping, title: str, present: Sequence[Collection]) -> None:
        """Claim the name for this download, unless someone else has it now."""
        table, now = download_collections, self._clock.now()
        values = {
            "user_id": download["user_id"],
            "download_id": download["id"],
            "key": None,
            "made_at": now,
        }
        gone = [table.c.key.is_not(None), table.c.key.not_in([one.key for one in present])]
        async with self._db.begin() as tx:
            await alone(tx, "downloads")
            result = await tx.execute(
                tx.insert(table)
                .values(
                    instance_id=download["target_instance"],
                    library=download["target_library"],
                    name=title.casefold(),
                    **values,
                )
                .on_conflict_do_update(
                    index_elements=["instance_id", "library", "name"],
                    set_=values,
                    where=or_(
                        table.c.download_id == download["id"],
                        and_(*gone),
                        and_(table.c.key.is_(None), table.c.made_at < now - _PENDING_FOR),
                    ),
                )
            )
        if result.rowcount == 1:
            return
        claim = await self._claim(download["target_instance"], download["target_library"], title)
        if claim is not None and claim["user_id"] != download["user_id"]:
            raise Taken(title)
        raise NotReady(N_("Another download is making this collection."))

    async def _made(self, download: RowMapping, title: str, key: str) -> None:
        table = download_collections
        async with self._db.begin() as tx:
            await alone(tx, "downloads")
            await tx.execute(
                update(table)
                .where(
                    table.c.instance_id == download["target_instance"],
                    table.c.library == download["target_library"],
                    table.c.name == title.casefold(),
                    table.c.user_id == download["user_id"],
                )
                .values(key=key)
            )

    async def _claim(self, instance_id: str, library: str, title: str) -> RowMapping | None:
        table = download_collections
        async with self._db.read() as tx:
            return await tx.first(
                select(table).where(
                    table.c.instance_id == instance_id,
                    table.c.library == library,
                    table.c.name == title.casefold(),
                )
            )

    async def _is_admin(self, user_id: str) -> bool:
        """Asked when it matters, not when it was submitted: roles change."""
        async with self._db.read() as tx:
            return bool(await tx.scalar(select(users.c.role).where(users.c.id == user_id)) == "admin")

    def _holds(self, claim: RowMapping, present: Sequence[Collection]) -> bool:
        if claim["key"] is None:
            return bool(claim["made_at"] >= self._clock.now() - _PENDING_FOR)
        return any(one.key == claim["key"] for one in present)


def _named(present: Sequence[Collection], title: str) -> list[Collection]:
    return [one for one in present if one.title.strip().casefold() == title.strip().casefold()]
