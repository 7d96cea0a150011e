"""What requests do when a service tells that something changed: it is asked where they stand."""

from __future__ import annotations

from medianest_core.domain.requests.polling import REFRESH_JOB, RefreshArgs
from medianest_core.host.hints import Followers, Told
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.requests import RequestBackend
from medianest_core.sdk.storage import Transaction


def followers(instances: Instances, ledger: Ledger) -> Followers:
    async def named(tx: Transaction, told: Told) -> str:
        """Keys are the service's ids of requests."""
        return await refresh(tx, told.instance_id, tuple(told.keys))

    async def any_of_them(tx: Transaction, told: Told) -> str:
        """Keys are something else: media, or reports of what is wrong with them."""
        return await refresh(tx, told.instance_id, ())

    async def refresh(tx: Transaction, instance_id: str, references: tuple[str, ...]) -> str:
        if not instances.has(RequestBackend, instance_id):
            return ""
        args = RefreshArgs(instance_id=instance_id, references=references)
        unique = "|".join([instance_id, *sorted(references)])
        await ledger.enqueue(tx, REFRESH_JOB, args, unique=unique)
        return REFRESH_JOB

    return {
        "request.changed": named,
        "issue.changed": any_of_them,
        "media.changed": any_of_them,
        "media.removed": any_of_them,
        "library.changed": any_of_them,
    }
