"""The database and Redis: do they answer, are they new enough, are the tables ours, is the time the same."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from medianest_core.base.finding import Finding, clock, ok, problem, warning
from medianest_core.base.settings import AppSettings
from medianest_core.base.texts import N_

if TYPE_CHECKING:
    from medianest_core.store.engine import Database

PATIENCE = 5.0
POSTGRES = 13
REDIS = (6, 2)


async def database(settings: AppSettings, db: Database) -> tuple[list[Finding], bool]:
    """(findings, whether it can be read). db: not started yet; it is started when there is something to look at."""
    from medianest_core.host.survey import database_exists
    from medianest_core.store.migrate import Standing, standing

    if not database_exists(settings, db):
        return [ok(N_("database"), N_("There is none yet; the first start makes it."))], False
    try:
        async with asyncio.timeout(PATIENCE * 2):
            await db.start()
            await db.ping()
            found = [*_mode(db), *await _versions(db)]
            tables = await standing(db)
    except Exception as error:
        if db.dialect == "sqlite":
            text = N_("The file does not answer as a database ({kind}).").format(kind=_short(error))
            remedy = N_("Put the newest backup back: `medianest restore FILE`.")
        else:
            text = N_("The server {address} does not answer as a database ({kind}).").format(
                address=f"{db.url.host}:{db.url.port or 5432}", kind=_short(error)
            )
            remedy = N_("Check that it runs, and MEDIANEST_DATABASE_URL with its name, password and host.")
        return [problem(N_("database"), text, remedy)], False
    if tables is Standing.AHEAD:
        found.append(
            problem(
                N_("tables"),
                N_("A newer version of MediaNest has changed the tables."),
                N_("Start that version again, or restore the backup that was made before the upgrade."),
            )
        )
    elif tables is Standing.BEHIND:
        found.append(
            warning(
                N_("tables"),
                N_("They belong to an older version."),
                N_("The next start brings them up to date; make a backup first."),
            )
        )
    elif tables is Standing.CURRENT:
        found.append(ok(N_("tables"), N_("They belong to this version.")))
    keys = settings.data_dir.absolute() / "keys.json"
    if tables is not Standing.NONE and not keys.exists():
        found.append(await _without_keys(db, keys))
    return found, tables is Standing.CURRENT


def _mode(db: Database) -> list[Finding]:
    from medianest_core.store.sqlite import others_read

    path = db.url.database
    # Opening it took it from others, where it is ours.
    if db.dialect != "sqlite" or path is None or not others_read(path):
        return []
    return [
        warning(
            N_("database"),
            N_("{path} can be read by other accounts.").format(path=path),
            N_("Give it to the account that runs the portal: `chown ACCOUNT {path}*`.").format(path=path),
        )
    ]


async def _versions(db: Database) -> list[Finding]:
    async with db.engine.connect() as connection:
        if db.dialect == "sqlite":
            version = (await connection.exec_driver_sql("SELECT sqlite_version()")).scalar()
            whole = (await connection.exec_driver_sql("PRAGMA quick_check(1)")).scalar()
            if whole != "ok":
                return [
                    problem(
                        N_("database"),
                        N_("The file is damaged: {error}.").format(error=whole),
                        N_("Restore the newest backup: `medianest restore FILE`."),
                    )
                ]
            return [
                ok(N_("database"), N_("SQLite {version}, and the file is whole.").format(version=version))
            ]
        version = str((await connection.exec_driver_sql("SHOW server_version")).scalar())
        now = float(
            (await connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())")).scalar() or 0
        )
        skew = clock(N_("clock of the database"), N_("the database server"), time.time() - now)
    if int(version.split(".")[0]) < POSTGRES:
        return [
            problem(
                N_("database"),
                N_("{server} {version} is too old.").format(server="PostgreSQL", version=version),
                N_("Upgrade it to {version} or newer.").format(version=POSTGRES),
            ),
            skew,
        ]
    return [ok(N_("database"), N_("{address} answers.").format(address=f"PostgreSQL {version}")), skew]


async def _without_keys(db: Database, keys: Path) -> Finding:
    from medianest_core.base.crypto import KeyringUnreadable
    from medianest_core.store.repos.keys import in_use

    try:
        if not await in_use(db):
            return ok(N_("keys"), N_("They are made at the first start."))
    except KeyringUnreadable as error:
        return problem(N_("keys"), str(error), N_("Put the file back from a backup."))
    return problem(
        N_("keys"),
        N_("{path} is missing, and the secrets in the database were sealed with it.").format(path=keys),
        N_("Put it back from the backup of this database. If it is lost: `medianest users recover`."),
    )


async def redis(settings: AppSettings) -> list[Finding]:
    if settings.redis_url is None:
        return []
    from redis.asyncio import Redis

    url = settings.redis_url.get_secret_value()
    try:
        async with asyncio.timeout(PATIENCE):
            client = Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)
            try:
                info: dict[str, Any] = await client.info()
                seconds, micro = await client.time()
            finally:
                await client.aclose()
    except Exception as error:
        parts = urlsplit(url)
        return [
            problem(
                "Redis",
                N_("{address} does not answer as Redis ({kind}).").format(
                    address=f"{parts.hostname}:{parts.port or 6379}", kind=_short(error)
                ),
                N_(
                    "Check that it runs, and MEDIANEST_REDIS_URL with its password. Live updates and limits suffer; nothing is lost."
                ),
            )
        ]
    return judge(info, time.time() - (seconds + micro / 1e6))


def judge(info: dict[str, Any], ahead: float) -> list[Finding]:
    """info: Redis's own words about itself. ahead: seconds that our clock is ahead of its."""
    version = str(info.get("redis_version", "0"))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    found = [
        ok("Redis", N_("{address} answers.").format(address=f"Redis {version}"))
        if numbers >= REDIS
        else problem(
            "Redis",
            N_("{server} {version} is too old.").format(server="Redis", version=version),
            N_("Upgrade it to {version} or newer.").format(version=f"{REDIS[0]}.{REDIS[1]}"),
        ),
        clock(N_("clock of Redis"), "Redis", ahead),
    ]
    if not info.get("aof_enabled"):
        found.append(
            warning(
                N_("Redis's memory"),
                N_("It keeps no append-only file."),
                N_(
                    "Set `appendonly yes`. Work is kept in the database, but limits start over when Redis is restarted."
                ),
            )
        )
    policy = info.get("maxmemory_policy", "noeviction")
    if info.get("maxmemory") and policy != "noeviction":
        found.append(
            warning(
                N_("Redis's memory"),
                N_("When it is full, it forgets ({policy}).").format(policy=policy),
                N_("Set `maxmemory-policy noeviction`."),
            )
        )
    return found


def _short(error: Exception) -> str:
    """The kind of error alone: messages of drivers may hold the address with its password."""
    return type(error.__cause__ or error).__name__
