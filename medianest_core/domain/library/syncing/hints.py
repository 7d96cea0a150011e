"""What the library does when a service tells that media changed: it reads those titles again, wherever they are."""

from __future__ import annotations

from typing import cast

from medianest_core.domain.library.enriching.enrich import JOB as ENRICH
from medianest_core.domain.library.enriching.enrich import EnrichArgs
from medianest_core.domain.library.syncing import finding
from medianest_core.domain.library.syncing.elsewhere import about, held_by
from medianest_core.domain.library.syncing.runs import JOB, Runs, SyncArgs
from medianest_core.host.hints import Followers, Told
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.fields import FieldOwner
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Tx
from medianest_core.store.transaction import alone

TOPICS = ("media.changed", "media.removed", "library.changed")


def followers(instances: Instances, ledger: Ledger) -> Followers:
    runs = Runs(ledger.db, ledger, ledger.clock)

    async def sync(tx: Transaction, told: Told) -> str:
        if not instances.has(MediaSource, told.instance_id):
            return await elsewhere(cast(Tx, tx), told)
        ids = (told.instance_id,)
        if told.keys and told.topic != "library.changed":
            args = SyncArgs(instance_ids=ids, keys=tuple(told.keys))
        else:
            args = SyncArgs(instance_ids=ids, recent=told.topic != "media.removed")
        await alone(tx, "library")
        # A run that is under way may have read the title before it changed.
        await runs.request_in(cast(Tx, tx), args, fresh=True)
        return JOB

    async def elsewhere(tx: Tx, told: Told) -> str:
        """Of a service that brings files to media servers: just what it names is read, on each server that has it."""
        meant = about(told.keys)
        if not meant.ids:
            return ""
        await alone(tx, "library")
        done = []
        if instances.has(FieldOwner, told.instance_id):
            # It says itself what changed, and is asked about that alone.
            await ledger.enqueue(tx, ENRICH, EnrichArgs(instance_id=told.instance_id))
            done.append(ENRICH)
        # Files of a show may be renamed, and nobody says which: all of it is read.
        held = await held_by(tx, meant, whole=told.topic == "media.changed")
        servers = {one.instance.id: one for one in instances.any(MediaSource)}  # type: ignore[type-abstract]  # a key, not made
        for instance_id in sorted(held.keys() & servers.keys()):
            args = SyncArgs(instance_ids=(instance_id,), keys=tuple(held[instance_id].keys))
            await runs.request_in(tx, args, fresh=True)
            done.append(JOB)
        unsure = any(
            held[one].lacking if one in held else finding.can_look(handle, meant)
            for one, handle in servers.items()
        )
        if told.topic == "media.changed" and unsure:
            args_of = finding.FindArgs(keys=tuple(told.keys))
            await ledger.enqueue(tx, finding.JOB, args_of, delay=finding.AFTER[0])
            done.append(finding.JOB)
        return ", ".join(dict.fromkeys(done))

    return dict.fromkeys(TOPICS, sync)
