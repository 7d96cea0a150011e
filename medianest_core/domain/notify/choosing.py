"""What people choose: which topics go where, and when. Each change also moves what is still waiting to go out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from medianest_core.base.texts import N_
from medianest_core.domain.notify.planning import Planning
from medianest_core.domain.notify.times import DAY, Times
from medianest_core.domain.notify.topics import TOPICS
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database
from medianest_core.store.errors import Stale
from medianest_core.store.tables.notify import channels, choices, times


class Choosing:
    def __init__(self, db: Database, planning: Planning) -> None:
        self._db = db
        self._planning = planning

    async def times(self, user_id: str) -> Times:
        async with self._db.read() as tx:
            return await self._planning.times(tx, user_id)

    async def set_times(
        self,
        user_id: str,
        *,
        quiet_from: int | None,
        quiet_to: int | None,
        digest_hour: int,
        urgent: bool,
        zone: str,
        version: int | None = None,
    ) -> Times:
        """version: as read; None takes whatever is there. zone: counts where the account names none; "" leaves it. Raises UserError, Stale."""
        for name, minute in (("quiet_from", quiet_from), ("quiet_to", quiet_to)):
            if minute is not None and not 0 <= minute < DAY:
                raise UserError(N_("Enter a time such as 22:30."), name)
        if (quiet_from is None) is not (quiet_to is None):
            missing = "quiet_from" if quiet_from is None else "quiet_to"
            raise UserError(N_("Quiet hours need a beginning and an end."), missing)
        if not 0 <= digest_hour < 24:
            raise UserError(N_("Choose an hour of the day."), "digest_hour")
        async with self._db.begin() as tx:
            before = await self._planning.times(tx, user_id)
            if version is not None and version != before.version:
                raise Stale(asdict(before))
            values = {
                "quiet_from": quiet_from,
                "quiet_to": quiet_to,
                "digest_hour": digest_hour,
                "urgent": urgent,
                "zone": (zone or before.zone)[:64],
                "version": before.version + 1,
            }
            await tx.execute(
                tx.insert(times)
                .values(user_id=user_id, **values)
                .on_conflict_do_update(index_elements=[times.c.user_id], set_=values)
            )
            await self._planning.move(tx, user_id)
            return await self._planning.times(tx, user_id)

    async def choose(self, user_id: str, wanted: Mapping[str, Mapping[str, bool]]) -> None:
        """channel id → topic → wanted. Other people's channels and unknown topics are passed over."""
        known = {topic.name for topic in TOPICS}
        async with self._db.begin() as tx:
            mine = set(
                (await tx.execute(select(channels.c.id).where(channels.c.user_id == user_id))).scalars().all()
            )
            for channel_id, topics in wanted.items():
                if channel_id not in mine:
                    continue
                for topic, yes in topics.items():
                    if topic not in known:
                        continue
                    values: dict[str, Any] = {"wanted": yes}
                    await tx.execute(
                        tx.insert(choices)
                        .values(channel_id=channel_id, topic=topic, **values)
                        .on_conflict_do_update(
                            index_elements=[choices.c.channel_id, choices.c.topic], set_=values
                        )
                    )

    async def set_digest(self, user_id: str, digests: Mapping[str, bool]) -> None:
        """channel id → whether it gets one summary a day instead of single messages."""
        async with self._db.begin() as tx:
            for channel_id, digest in digests.items():
                await tx.execute(
                    channels.update()
                    .where(channels.c.id == channel_id, channels.c.user_id == user_id)
                    .values(digest=digest)
                )
            await self._planning.move(tx, user_id)
