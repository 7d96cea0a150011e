"""Backups in the portal: made by hand and every day, looked at, kept for a while, and restored in place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.logging import get_logger
from medianest_core.base.settings import AppSettings
from medianest_core.base.texts import N_
from medianest_core.bus.events import SystemAlert
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.backups import catalogue
from medianest_core.domain.backups.catalogue import Backup, Kind
from medianest_core.domain.backups.running import others
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.states import UNFINISHED, JobInfo
from medianest_core.sdk.errors import MediaNestError, UserError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import Job, JobContext, Retry, Schedule
from medianest_core.store.backup.errors import CannotRestore
from medianest_core.store.backup.files import Places
from medianest_core.store.engine import Database
from medianest_core.store.repos import audit, portal_settings
from medianest_core.store.repos.portal_settings import PortalSettings

if TYPE_CHECKING:
    from medianest_core.store.backup.scratch import Plugins

_log = get_logger(__name__)
FAILED = "backup.restore_failed"
"""Action of the audit row of a restore in place that did not happen; its details say the reason."""
MAKE, COMPARE, DUE = "backups.make", "backups.compare", "backups.due"
_DAY = 86_400.0
_ALERT = "backup.failed"
_STAGES = {"reading": N_("Reading"), "checking": N_("Checking it by restoring it")}


class MakeArgs(BaseModel):
    kind: Kind = Kind.MANUAL
    encrypt: bool = False
    with_media: bool = False


class CompareArgs(BaseModel):
    name: str


class DueArgs(BaseModel):
    pass


@dataclass(frozen=True, slots=True)
class Overview:
    """running: the job that makes one now. failed: the newest one, where it failed. next_at: of the daily one; None without."""

    backups: list[Backup]
    running: JobInfo | None
    failed: JobInfo | None
    next_at: float | None
    settings: PortalSettings
    settings_version: int
    can_encrypt: bool


class Backups:
    """Asked by pages and the API. in_place: set by whoever can stop and start the portal; restores a backup by name."""

    def __init__(
        self,
        *,
        db: Database,
        bus: EventBus,
        ledger: Ledger,
        settings: AppSettings,
        tables: Callable[[], Plugins],
        process: str,
        clock: Clock | None = None,
    ) -> None:
        """tables: of the plugins that are active now. process: this one's name in state rows."""
        self._db = db
        self._bus = bus
        self._ledger = ledger
        self._tables = tables
        self._process = process
        self._clock = clock or SystemClock()
        self.places = Places(settings.data_dir.absolute(), settings.downloads)
        secret = settings.backup_passphrase
        self.passphrase = (secret.get_secret_value() or None) if secret is not None else None
        self.in_place: Callable[[Backup, str | None], Awaitable[None]] | None = None

    def jobs(self) -> list[Job[Any]]:
        """The jobs this domain runs."""
        once = Retry(attempts=1)
        return [
            Job(
                MAKE,
                self._make,
                MakeArgs,
                title=N_("Make a backup"),
                limit=1,
                retry=once,
                unique_by=lambda args: args.kind.value,
            ),
            Job(
                COMPARE,
                self._compare,
                CompareArgs,
                title=N_("Try a backup"),
                limit=1,
                retry=once,
                unique_by=lambda args: args.name,
            ),
            Job(DUE, self._due, DueArgs, title=N_("Is a backup due?"), schedule=Schedule(cron="7 * * * *")),
        ]

    async def overview(self) -> Overview:
        """Everything the page shows."""
        found = await asyncio.to_thread(catalogue.listed, self.places.backups)
        settings, version = await portal_settings.load(self._db)
        async with self._db.read() as tx:
            page = await self._ledger.list_jobs(tx, name=MAKE, limit=1)
        newest = page.items[0] if page.items else None
        return Overview(
            backups=found,
            running=newest if newest is not None and newest.state in UNFINISHED else None,
            failed=newest if newest is not None and newest.error else None,
            next_at=next_run(settings.backup_hour, self._clock.now()) if settings.backup_daily else None,
            settings=settings,
            settings_version=version,
            can_encrypt=self.passphrase is not None,
        )

    async def get(self, name: str) -> Backup:
        """Raises Missing."""
        return await asyncio.to_thread(catalogue.named, self.places.backups, name)

    async def ask(self, actor: str | None, *, encrypt: bool, with_media: bool) -> str:
        """Have one made; returns the job's id. Raises UserError."""
        if encrypt and self.passphrase is None:
            raise UserError(N_("Set MEDIANEST_BACKUP_PASSPHRASE to encrypt backups."), "encrypt")
        args = MakeArgs(kind=Kind.MANUAL, encrypt=encrypt, with_media=with_media)
        async with self._db.begin() as tx:
            identifier = await self._ledger.enqueue(tx, MAKE, args, owner=actor)
            await audit.record(
                tx,
                actor=actor,
                action="backup.asked",
                target=identifier,
                details=args.model_dump(mode="json"),
            )
        return identifier

    async def remove(self, name: str, actor: str | None) -> None:
        """Raises Missing."""
        backup = await self.get(name)
        async with self._db.begin() as tx:
            await audit.record(tx, actor=actor, action="backup.removed", target=name)
        await asyncio.to_thread(catalogue.remove, backup)

    async def note_download(self, name: str, actor: str | None) -> Backup:
        """The backup that somebody takes away, which is written down first. Raises Missing."""
        backup = await self.get(name)
        async with self._db.begin() as tx:
            await audit.record(tx, actor=actor, action="backup.downloaded", target=name)
        return backup

    async def compare(self, name: str, actor: str | None) -> str:
        """Have it tried and held beside what is there now; returns the job's id. Raises Missing."""
        await self.get(name)
        async with self._db.begin() as tx:
            return await self._ledger.enqueue(tx, COMPARE, CompareArgs(name=name), owner=actor)

    async def comparison(self, name: str) -> JobInfo | None:
        """The newest job that tried it."""
        async with self._db.read() as tx:
            page = await self._ledger.list_jobs(tx, name=COMPARE, limit=50)
        return next((job for job in page.items if job.args.get("name") == name), None)

    async def why_not(self) -> str:
        """Why a backup cannot be restored in place, as a sentence; "" where it can."""
        if self.in_place is None:
            return N_("This process cannot restart the portal. Use `medianest restore`.")
        if found := await others(self._db, self._process, self._clock):
            return N_(
                "More processes of the portal run ({processes}). Stop all of them and use `medianest restore`."
            ).format(processes=", ".join(found))
        return ""

    async def restore(self, name: str, actor: str | None) -> None:
        """Begin to restore it in place: from then on the portal says so, until it is back. Raises Missing, CannotRestore."""
        backup = await self.get(name)
        if why := await self.why_not():
            raise CannotRestore(why)
        async with self._db.begin() as tx:
            await audit.record(tx, actor=actor, action="backup.restore_asked", target=name)
        assert self.in_place is not None
        await self.in_place(backup, actor)

    def tables(self) -> Plugins:
        """The tables of active plugins."""
        return self._tables()

    async def _make(self, context: JobContext, args: MakeArgs) -> dict[str, Any]:
        # Imported by the first backup, not by every start.
        from medianest_core.store.backup.make import Wanted, make

        encrypt = args.encrypt or (args.kind is Kind.DAILY and self.passphrase is not None)
        name = catalogue.new_name(args.kind, self._clock.now(), encrypted=encrypt)

        async def progress(stage: str, done: float, total: float) -> None:
            # Both take about as long.
            shift = total if stage == "checking" else 0
            await context.progress(done + shift, 2 * total, _STAGES[stage])

        try:
            made = await make(
                self._db,
                self.places,
                self._tables(),
                self.places.backups / name,
                Wanted(self.passphrase if encrypt else None, args.with_media),
                clock=self._clock,
                progress=progress,
                facts={"asked_by": context.owner},
            )
        except MediaNestError as error:
            await self._alert(str(error))
            raise
        settings, _ = await portal_settings.load(self._db)
        await asyncio.to_thread(self._forget_old, settings)
        async with context.begin() as tx:
            await audit.record(
                tx,
                actor=context.owner,
                action="backup.made",
                target=name,
                details={"size": made.size, "sha256": made.sha256, "kind": args.kind.value},
            )
            await self._bus.publish(tx, SystemAlert(key=_ALERT, active=False), Audience.admins())
        return {"name": name, "size": made.size, "rows": made.manifest.rows}

    def _forget_old(self, settings: PortalSettings) -> None:
        found = catalogue.listed(self.places.backups)
        for old in catalogue.superfluous(
            found, daily=settings.backup_keep_daily, weekly=settings.backup_keep_weekly
        ):
            catalogue.remove(old)
            _log.info("an old backup was removed", backup=old.name)

    async def _alert(self, reason: str) -> None:
        async with self._db.begin() as tx:
            alert = SystemAlert(
                key=_ALERT,
                level="error",
                title=N_("No backup was made"),
                message=reason,
                link="/admin/backups",
            )
            await self._bus.publish(tx, alert, Audience.admins())

    async def _compare(self, context: JobContext, args: CompareArgs) -> dict[str, Any]:
        from medianest_core.store.backup.restore import changes, prepared

        backup = await self.get(args.name)
        await context.progress(0, 2, _STAGES["checking"])
        async with prepared(backup.path, self.places, self._tables(), passphrase=self.passphrase) as ready:
            await context.progress(1, 2, N_("Comparing"))
            found = await changes(self._db, ready)
            return {
                "name": args.name,
                "created_at": ready.manifest.created_at,
                "medianest": ready.manifest.medianest,
                "rows": ready.manifest.rows,
                "changes": [asdict(one) for one in found if not one.equal],
            }

    async def _due(self, context: JobContext, args: DueArgs) -> None:
        settings, _ = await portal_settings.load(self._db)
        if not settings.backup_daily:
            return
        now = self._clock.now()
        found = await asyncio.to_thread(catalogue.listed, self.places.backups)
        newest = max((one.made_at for one in found if one.kind is Kind.DAILY), default=0.0)
        # Names tell whole seconds.
        if newest + 1 < next_run(settings.backup_hour, now) - _DAY:
            async with context.begin() as tx:
                await self._ledger.enqueue(tx, MAKE, MakeArgs(kind=Kind.DAILY))


def next_run(hour: int, now: float) -> float:
    """The next moment at which the clock shows `hour` (UTC), later than `now` (epoch seconds)."""
    today = now - now % _DAY + hour * 3600.0
    return today if today > now else today + _DAY
