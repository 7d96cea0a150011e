"""Requests as pages and the API use them. Everything is scoped by the viewer: what is not theirs answers None."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from medianest_core.base.clock import Clock
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.accounts.identities import Identities
from medianest_core.domain.library.service import Library
from medianest_core.domain.requests.backends import Backends, Deciders, item_of
from medianest_core.domain.requests.blocklist import Blocklist
from medianest_core.domain.requests.choices import Choices
from medianest_core.domain.requests.editing import Editing
from medianest_core.domain.requests.entries import (
    Allowance,
    Block,
    IssuePage,
    IssueReport,
    Outcome,
    Policy,
    Profile,
    Request,
    RequestDetail,
    RequestPage,
    Taker,
    Wanted,
)
from medianest_core.domain.requests.following import Following
from medianest_core.domain.requests.imports import Imports
from medianest_core.domain.requests.issue_imports import IssueImports
from medianest_core.domain.requests.issues import Complaint, Issues
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.domain.requests.lookup import PATIENCE, Lookup
from medianest_core.domain.requests.moves import Moves
from medianest_core.domain.requests.offers import Offers
from medianest_core.domain.requests.people import People
from medianest_core.domain.requests.policies import Policies
from medianest_core.domain.requests.polling import (
    EVERY,
    REFRESH_JOB,
    Polling,
    RefreshArgs,
)
from medianest_core.domain.requests.profiles import Profiles
from medianest_core.domain.requests.quotas import Quotas, usual_settings
from medianest_core.domain.requests.reactions import Reactions
from medianest_core.domain.requests.reading import Reading
from medianest_core.domain.requests.sending import (
    AWAY,
    SETTLE,
    Sending,
)
from medianest_core.domain.requests.steering import Steering
from medianest_core.domain.requests.submission import Submission
from medianest_core.domain.requests.watchlists import (
    WATCHLISTS_JOB,
    Watching,
    WatchlistArgs,
    Watchlists,
)
from medianest_core.domain.requests.wishes import Wish
from medianest_core.domain.requests.work import jobs_of
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.pipeline import MediaType, QuotaMeter, Tracked
from medianest_core.sdk.requests import RequestOption
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database
from medianest_core.store.repos.portal_settings import PortalSettings
from medianest_core.store.tables.requests import requests


class Requests:
    """Facade; `jobs()` go into the job registry, `start()` and `stop()` frame the process's life.

    deciders: plugins that are asked. media_types, meters: contributions of plugins.
    """

    def __init__(
        self,
        *,
        db: Database,
        bus: EventBus,
        ledger: Ledger,
        instances: Instances,
        library: Library,
        deciders: Deciders,
        clock: Clock,
        media_types: Callable[[], Iterable[MediaType]] = lambda: (),
        meters: Callable[[], Iterable[QuotaMeter]] = lambda: (),
        settings: Callable[[], Awaitable[PortalSettings]] = usual_settings,
        picture: Callable[[str, str], str] | None = None,
        accounts: Identities | None = None,
        settle: float = SETTLE,
        away: float = AWAY,
        every: float = EVERY,
        patience: float = PATIENCE,
    ) -> None:
        """settings: the portal's. picture: see `lookup`. accounts: who people are at services. settle, away, every, patience: seconds; see `sending`, `polling` and `lookup`."""
        self._db = db
        self._ledger = ledger
        self._every = every
        self.types = MediaTypes(media_types)
        self.backends = Backends(db, instances, deciders, clock)
        self.people = People(db, instances, self.backends, accounts)
        self.policies = Policies(db, self.types)
        self.profiles = Profiles(db, instances)
        self.offers = Offers(self.backends, self.types)
        self.blocklist = Blocklist(db, clock)
        self.quotas = Quotas(clock, meters, settings)
        moves = Moves(bus, clock)
        following = Following(db, moves, self.backends, clock)
        self._sending = Sending(db, ledger, moves, self.backends, following, clock, settle=settle, away=away)
        lookup = Lookup(instances, patience, picture)
        self._issues = Issues(db, ledger, bus, self.backends, self.types, clock)
        self._polling = Polling(
            db,
            ledger,
            self.backends,
            following,
            self._sending,
            Imports(db, moves, self.backends, following, self.types, lookup, self.quotas, clock),
            IssueImports(db, self._issues, self.backends, self.types, lookup, clock),
            clock,
        )
        self._submission = Submission(
            db,
            ledger,
            moves,
            self.types,
            self.policies,
            self.profiles,
            self.quotas,
            self.blocklist,
            lookup,
            deciders,
            clock,
        )
        self._watchlists = Watchlists(
            db, instances, accounts, self._submission, self.policies, self.types, clock
        )
        self._steering = Steering(db, ledger, bus, moves, self.profiles, self.quotas, clock)
        self._editing = Editing(
            db, moves, self.types, self.policies, self.profiles, self.quotas, self._steering, clock
        )
        self._reading = Reading(db)
        self._choices = Choices(db, self.backends, self.types, self.policies, self.profiles, self.quotas)
        self._reactions = Reactions(db, bus, ledger, instances, library, following, self._sending)

    def jobs(self) -> list[Job[Any]]:
        return jobs_of(self._sending, self._polling, self._watchlists, self._issues, self._every)

    async def start(self) -> None:
        self._reactions.start()

    async def stop(self) -> None:
        self._reactions.stop()

    # Asking

    async def submit(self, viewer: Viewer, wish: Wish) -> Outcome:
        """Ask for a title. Raises UserError, Denied, Blocked, QuotaUsed, TooManyRequests, NotReady."""
        done = await self._submission.submit(viewer, wish)
        found = await self.get(viewer, done.request_id) if done.request_id else None
        return Outcome(done.result, found, done.also, done.title_id)

    async def options(
        self, kind: str, variant: str = "", instance_id: str | None = None
    ) -> Mapping[str, Sequence[RequestOption]]:
        """instance id → what can be chosen there for such a request, of the backends that answer (or of one). Raises ProviderErrors only for
        a single one."""
        return await self._choices.options(kind, variant, instance_id)

    async def allowances(self, viewer: Viewer, user_id: str | None = None) -> Sequence[Allowance]:
        """What one may ask for: a row per kind of title and variant; user_id: of someone else, for admins (nothing for an unknown one)."""
        return await self._choices.allowances(viewer, user_id)

    # Reading

    async def list(
        self,
        viewer: Viewer,
        *,
        everyone: bool = False,
        states: Sequence[str] = (),
        kinds: Sequence[str] = (),
        user_id: str | None = None,
        undecided: bool = False,
        cursor: str | None = None,
        limit: int = 30,
    ) -> RequestPage:
        """Newest first: those that the viewer follows; `everyone` and `user_id` have effect for admins only. undecided: those that wait
        for an admin."""
        return await self._reading.page(
            viewer,
            everyone=everyone,
            states=states,
            kinds=kinds,
            user_id=user_id,
            undecided=undecided,
            cursor=cursor,
            limit=limit,
        )

    async def counts(self, viewer: Viewer, *, everyone: bool = False) -> Mapping[str, int]:
        """state → how many, and "undecided"."""
        return await self._reading.counts(viewer, everyone=everyone)

    async def get(self, viewer: Viewer, request_id: str) -> Request | None:
        return await self._reading.get(viewer, request_id)

    async def detail(self, viewer: Viewer, request_id: str) -> RequestDetail | None:
        """With people, thread and timeline."""
        return await self._reading.detail(viewer, request_id)

    async def wanted(
        self, viewer: Viewer, titles: Sequence[tuple[str, Mapping[str, str]]]
    ) -> Sequence[Sequence[Wanted]]:
        """For each (kind, external ids) of a page of titles: the household's wishes for it, newest first. One query for a page."""
        return await self._reading.wanted(viewer, [(self.types.root(kind), ids) for kind, ids in titles])

    async def tracked(self, request_ids: Sequence[str]) -> Sequence[Tracked]:
        """Requests as pipeline stages are shown them; of all people, for views that have checked who looks."""
        async with self._db.read() as tx:
            rows = await tx.all(select(requests).where(requests.c.id.in_(request_ids)))
        return [
            Tracked(row["id"], item_of(row), row["instance_id"] or "", row["reference"] or "") for row in rows
        ]

    # Steering; each answers the request as it is then, None where it does not exist for the viewer

    async def approve(
        self,
        viewer: Viewer,
        request_id: str,
        *,
        version: int | None = None,
        profile_id: str | None = None,
        instance_id: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Request | None:
        """For admins. Raises Denied, Stale, NotPossible, UserError."""
        done = await self._steering.approve(
            viewer,
            request_id,
            version=version,
            profile_id=profile_id,
            instance_id=instance_id,
            options=options,
        )
        return await self.get(viewer, request_id) if done else None

    async def decline(
        self, viewer: Viewer, request_id: str, reason: str = "", *, version: int | None = None
    ) -> Request | None:
        """For admins. Raises Denied, Stale, NotPossible, UserError."""
        done = await self._steering.decline(viewer, request_id, reason, version=version)
        return await self.get(viewer, request_id) if done else None

    async def cancel(
        self, viewer: Viewer, request_id: str, reason: str = "", *, version: int | None = None
    ) -> Request | None:
        """Withdraw it; someone who is no admin leaves it to the others where others follow it, and gets None then."""
        done = await self._steering.cancel(viewer, request_id, reason, version=version)
        return await self.get(viewer, request_id) if done else None

    async def retry(
        self,
        viewer: Viewer,
        request_id: str,
        *,
        version: int | None = None,
        profile_id: str | None = None,
        instance_id: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Request | None:
        """For admins: what failed or waits for a service is sent again. Raises Denied, Stale, NotPossible, UserError."""
        done = await self._steering.retry(
            viewer,
            request_id,
            version=version,
            profile_id=profile_id,
            instance_id=instance_id,
            options=options,
        )
        return await self.get(viewer, request_id) if done else None

    async def edit(
        self,
        viewer: Viewer,
        request_id: str,
        *,
        version: int | None = None,
        seasons: Sequence[int] | None = None,
        profile_id: str | None = None,
        comment: str = "",
    ) -> Request | None:
        """For whose it is and for admins, while nobody has decided. seasons: none of them means all; profile_id: "" is the usual one; None
        leaves either as it is. comment: added to the thread. Raises Denied, Stale, NotPossible, QuotaUsed, UserError."""
        done = await self._editing.edit(
            viewer, request_id, version=version, seasons=seasons, profile_id=profile_id
        )
        if done and comment.strip():
            await self._steering.comment(viewer, request_id, comment)
        return await self.get(viewer, request_id) if done else None

    async def remove(self, viewer: Viewer, request_id: str, *, version: int | None = None) -> bool:
        """For admins: forget it, and withdraw it where it is on its way. False where there is none."""
        return await self._steering.remove(viewer, request_id, version=version)

    async def follow(self, viewer: Viewer, request_id: str, user_id: str | None = None) -> Request | None:
        """Follow one that the viewer sees; admins may add others. To join one that they do not see, people submit the same wish."""
        done = await self._steering.follow(viewer, request_id, user_id)
        return await self.get(viewer, request_id) if done else None

    async def unfollow(self, viewer: Viewer, request_id: str, user_id: str | None = None) -> bool:
        """False where it does not exist for the viewer. Raises NotPossible for the last one of an open request."""
        return await self._steering.unfollow(viewer, request_id, user_id)

    async def comment(self, viewer: Viewer, request_id: str, text: str) -> RequestDetail | None:
        done = await self._steering.comment(viewer, request_id, text)
        return await self.detail(viewer, request_id) if done else None

    async def remove_comment(self, viewer: Viewer, request_id: str, comment_id: str) -> bool:
        """One's own; admins any."""
        return await self._steering.remove_comment(viewer, request_id, comment_id)

    # Lists at services

    async def watching(self, viewer: Viewer) -> Watching:
        """Whether this person's list at a service is read, and what became of what stands there."""
        return await self._watchlists.of(viewer)

    async def watch(self, viewer: Viewer, enabled: bool, *, version: int | None = None) -> Watching:
        """Begin, and read it now; or end. Raises Stale."""
        async with self._db.begin() as tx:
            await self._watchlists.switch(tx, viewer, enabled, version)
            if enabled:
                await self._ledger.enqueue(
                    tx, WATCHLISTS_JOB, WatchlistArgs(user_id=viewer.id), unique=viewer.id
                )
        return await self._watchlists.of(viewer)

    # Issues

    async def report(self, viewer: Viewer, complaint: Complaint) -> IssueReport:
        """Report something wrong with a title of the library. Raises UserError."""
        found = await self._issues.get(viewer, await self._issues.report(viewer, complaint))
        assert found is not None
        return found

    async def issues(
        self,
        viewer: Viewer,
        *,
        everyone: bool = False,
        state: str | None = None,
        cursor: str | None = None,
        limit: int = 30,
    ) -> IssuePage:
        """Newest first; everyone: for admins. state: "open" or "resolved"."""
        return await self._issues.page(viewer, everyone=everyone, state=state, cursor=cursor, limit=limit)

    async def issue(self, viewer: Viewer, issue_id: str) -> IssueReport | None:
        return await self._issues.get(viewer, issue_id)

    async def reports_about(self, viewer: Viewer, title_id: int) -> Sequence[IssueReport]:
        """The open ones about a title of the library: the viewer's, and for admins everyone's after them."""
        return await self._issues.open_about(viewer, title_id)

    async def resolve(
        self,
        viewer: Viewer,
        issue_id: str,
        answer: str = "",
        *,
        version: int | None = None,
        again: bool = False,
    ) -> IssueReport | None:
        """again: open it once more. Raises Denied, Stale."""
        done = await self._issues.resolve(viewer, issue_id, answer, version=version, again=again)
        return await self._issues.get(viewer, issue_id) if done else None

    # Rules, for admins (the caller has checked that)

    async def takers(self) -> Sequence[Taker]:
        """Where requests go by themselves: a row for each kind and quality."""
        return await self._choices.takers()

    async def list_policies(self) -> Sequence[Policy]:
        return await self.policies.all()

    async def put_policy(self, policy: Policy, actor: str) -> Policy:
        """Raises UserError, Stale, Missing."""
        return await self.policies.put(policy, actor)

    async def remove_policy(self, policy_id: str, actor: str) -> None:
        await self.policies.remove(policy_id, actor)

    async def list_blocked(self) -> Sequence[Block]:
        return await self.blocklist.all()

    async def block(
        self, kind: str, ids: Mapping[str, str], title: str, year: int | None, reason: str, actor: str
    ) -> Block:
        """Raises UserError."""
        return await self.blocklist.add(self.types.root(kind), ids, title, year, reason, actor)

    async def unblock(self, block_id: str, actor: str) -> None:
        """Raises Missing."""
        await self.blocklist.remove(block_id, actor)

    async def list_profiles(self, viewer: Viewer) -> Sequence[Profile]:
        """Those that the viewer may choose."""
        return [one for one in await self.profiles.all() if viewer.is_admin or not one.admins_only]

    async def put_profile(self, profile: Profile, actor: str) -> Profile:
        """Raises UserError, Stale, Missing."""
        return await self.profiles.put(profile, actor)

    async def remove_profile(self, profile_id: str, actor: str) -> None:
        await self.profiles.remove(profile_id, actor)

    async def refresh(self, instance_id: str, references: Sequence[str] = ()) -> str:
        """Ask a backend where these requests stand; returns the job's id."""
        async with self._db.begin() as tx:
            return await self._ledger.enqueue(
                tx, REFRESH_JOB, RefreshArgs(instance_id=instance_id, references=tuple(references))
            )
