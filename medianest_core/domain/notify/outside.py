"""Notifications outside the portal: put together from what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.base.texts import N_
from medianest_core.cache.limits import RateLimiter
from medianest_core.domain.notify.channels import CODE_JOB, Channels, CodeArgs
from medianest_core.domain.notify.choosing import Choosing
from medianest_core.domain.notify.deliveries import Deliveries, TidyArgs
from medianest_core.domain.notify.planning import DIGEST_JOB, SEND_JOB, DigestArgs, Planning, SendArgs
from medianest_core.domain.notify.sending import RETRY, Sending
from medianest_core.domain.notify.topics import TOPICS
from medianest_core.domain.notify.wording import Translate, Wording
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.jobs import Job, Retry, Schedule
from medianest_core.sdk.permissions import OWNER
from medianest_core.store.engine import Database

TIDY_JOB = "notify.tidy"


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """name: as in `wanted` of a channel. title: in the reader's language. admin: only admins are told of it."""

    name: str
    title: str
    admin: bool


class Outside:
    """channels: addresses. choosing: what goes there and when. deliveries: the log. links: whether messages can carry links."""

    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        instances: Instances,
        keyring: Keyring,
        limiter: RateLimiter,
        *,
        clock: Clock | None = None,
        translate: Translate = lambda locale, message: message,
        public_url: str | None = None,
        site: Callable[[], str] = lambda: "MediaNest",
    ) -> None:
        clock = clock or SystemClock()
        wording = Wording(translate, public_url, site)
        self.planning = Planning(ledger, clock)
        self.channels = Channels(db, ledger, instances, keyring, limiter, wording, clock)
        self.choosing = Choosing(db, self.planning)
        self.deliveries = Deliveries(db, self.planning, wording, clock)
        self.links = wording.links
        self._wording = wording
        self._sending = Sending(db, instances, keyring, self.planning, wording, clock)

    def topics(self, locale: str, *, admin: bool) -> Sequence[TopicInfo]:
        """What a person can be told of."""
        return [
            TopicInfo(topic.name, self._wording.words(topic.title, locale), topic.admin)
            for topic in TOPICS
            if admin or not topic.admin
        ]

    def jobs(self) -> list[Job[Any]]:
        """The jobs this domain runs."""
        return [
            Job(
                SEND_JOB,
                self._sending.send,
                SendArgs,
                title=N_("Send a notification"),
                retry=RETRY,
                unique_by=lambda args: args.delivery_id,
                policy=OWNER,
            ),
            Job(
                DIGEST_JOB,
                self._sending.digest,
                DigestArgs,
                title=N_("Send the daily summary"),
                retry=RETRY,
                unique_by=lambda args: args.channel_id,
                policy=OWNER,
            ),
            Job(
                CODE_JOB,
                self.channels.send_code,
                CodeArgs,
                title=N_("Send a confirmation code"),
                retry=Retry(attempts=4, delay=10.0, factor=4.0),
                policy=OWNER,
            ),
            Job(
                TIDY_JOB,
                self.deliveries.tidy,
                TidyArgs,
                title=N_("Tidy up deliveries of notifications"),
                schedule=Schedule(cron="25 * * * *"),
            ),
        ]
