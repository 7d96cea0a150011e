"""The job `library.find`: looks for titles that another service just brought, on the media servers that do not have them yet.

A server needs a while until it has seen a new file, so what is not there yet is looked for a few times more, ever less often. What is
found is synced by its key there, and nothing else is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, cast

from pydantic import BaseModel, ConfigDict

from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.domain.library.records import decoded
from medianest_core.domain.library.syncing.elsewhere import About, about, held_by
from medianest_core.domain.library.syncing.runs import Runs
from medianest_core.domain.library.syncing.scope import SyncArgs
from medianest_core.domain.library.wording import match_title
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.errors import ProviderError
from medianest_core.sdk.jobs import Job, JobContext, Retry
from medianest_core.sdk.media import EPISODE, SEASON, MediaCapability, MediaRecord, MediaSource, RawRecord
from medianest_core.store.engine import Database, Tx
from medianest_core.store.transaction import alone

JOB = "library.find"
AFTER = (10.0, 45.0, 180.0, 600.0)
"""Seconds before each look: a scan takes from seconds to minutes."""
_HITS = 20
_READ = 4
_log = get_logger(__name__)


class FindArgs(BaseModel):
    """keys: as in `elsewhere.about`. look: which of `AFTER` this is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: tuple[str, ...]
    look: int = 0


class Finding:
    def __init__(self, db: Database, instances: Instances, runs: Runs) -> None:
        self._db = db
        self._instances = instances
        self._runs = runs

    def jobs(self) -> list[Job[Any]]:
        return [
            Job(
                JOB,
                self.run,
                FindArgs,
                title=N_("Look for what was just imported"),
                limit=2,
                retry=Retry(attempts=1),
                unique_by=lambda args: _mark(args.keys),
            )
        ]

    async def run(self, ctx: JobContext, args: FindArgs) -> dict[str, Any]:
        """Returns {"found": servers that have something of it to be read, "lacking": those that do not have all of it}."""
        meant = about(args.keys)
        async with self._db.read() as tx:
            held = await held_by(tx, meant)
        found: dict[str, Sequence[str]] = {}
        lacking = 0
        for handle in self._instances.ready(MediaSource):  # type: ignore[type-abstract]  # a key, not made
            mine = held.get(handle.instance.id)
            if not (mine.lacking if mine is not None else can_look(handle, meant)):
                continue
            lacking += 1
            keys = mine.keys if mine is not None else await _search(handle, meant)
            if keys:
                found[handle.instance.id] = keys
            ctx.check_cancelled()
        async with ctx.begin() as transaction:
            await alone(transaction, "library")
            for instance_id, keys in found.items():
                wanted = SyncArgs(instance_ids=(instance_id,), keys=tuple(keys))
                await self._runs.request_in(cast(Tx, transaction), wanted, fresh=True)
            if lacking and args.look + 1 < len(AFTER):
                again = args.model_copy(update={"look": args.look + 1})
                await ctx.enqueue(transaction, JOB, again, delay=AFTER[again.look])
        return {"found": len(found), "lacking": lacking}


def _mark(keys: Sequence[str]) -> str:
    """Equal for the same keys, and short: a whole series may have been imported, and an index has little room."""
    return hashlib.blake2b("\n".join(sorted(keys)).encode(), digest_size=16).hexdigest()


def can_look(handle: Handle[MediaSource], meant: About) -> bool:
    """Whether the server can be searched for it."""
    return bool(meant.name) and handle.can(MediaCapability.SEARCH)


async def _search(handle: Handle[MediaSource], meant: About) -> list[str]:
    """Keys of what the server finds under that name and has one of the ids."""
    try:
        hits = [
            one for raw in await handle.api.search(meant.name, _HITS) if (one := _decoded(raw)) is not None
        ]
        found = [one.key for one in hits if _is(one, meant)]
        if found:
            return found
        # Some servers tell of ids only where a title is read by itself.
        name = match_title(meant.name)
        likely = [one.key for one in hits if not one.ids and match_title(one.title) == name][:_READ]
        read = [await handle.api.record(key) for key in likely]
    except ProviderError as error:
        _log.info("a server cannot be searched now", instance=handle.instance.id, reason=str(error))
        return []
    return [one.key for raw in read if raw is not None and (one := _decoded(raw)) and _is(one, meant)]


def _decoded(raw: RawRecord) -> MediaRecord | None:
    try:
        return decoded(raw)
    except Exception:
        return None


def _is(record: MediaRecord, meant: About) -> bool:
    return record.kind not in (SEASON, EPISODE) and not meant.ids.isdisjoint(record.ids.items())
