"""`medianest keys …`: the keys that seal secrets in the database."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from medianest_core.cli.store import database, run_on
from medianest_core.sdk.errors import MediaNestError

if TYPE_CHECKING:
    from medianest_core.base.crypto import Keyring
    from medianest_core.base.settings import AppSettings
    from medianest_core.store.engine import Database
    from medianest_core.store.reseal import Sealed

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True)
Folder = Annotated[Path | None, typer.Option("--data-dir", help="Folder of the portal; default ./data.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@dataclass(frozen=True)
class _Store:
    db: Database
    keyring: Keyring


@app.callback()
def _group() -> None:
    """The keys that seal secrets in the database."""


@app.command("list")
def list_(as_json: Json = False, data_dir: Folder = None) -> None:
    """Show every key and how many secrets it seals."""

    async def work(store: _Store) -> dict[str, Any]:
        from medianest_core.store.reseal import uses

        found = await uses(store.db, store.keyring, everything())
        names = [*store.keyring.names, *sorted(set(found) - set(store.keyring.names))]
        return {
            "current": store.keyring.current,
            "keys": [
                {"id": name, "secrets": found.get(name, 0), "here": name in store.keyring.names}
                for name in names
            ],
        }

    found = _run(data_dir, work)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for key in found["keys"]:
        note = "current" if key["id"] == found["current"] else "" if key["here"] else "missing"
        typer.echo(f"{key['id']:<6}{key['secrets']:>8}  {note}".rstrip())


@app.command()
def rotate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sealed anew.")] = False,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Rows in one transaction.")] = 100,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Make a new key and seal every secret with it. The portal may run; if this is interrupted, run it again."""

    async def work(store: _Store) -> dict[str, Any]:
        from medianest_core.base.failpoints import failpoint
        from medianest_core.store.repos.audit import record
        from medianest_core.store.reseal import reseal, uses

        db, keyring = store.db, store.keyring
        used = await uses(db, keyring, everything())
        # Secrets of an older key are what an interrupted rotation has left: it is finished, not begun again.
        resumed = any(used.get(name, 0) for name in keyring.names if name != keyring.current)
        if dry_run:
            return {
                "dry_run": True,
                "key": keyring.current,
                "resumed": resumed,
                "secrets": dict(used),
                "resealed": 0,
                "unreadable": sum(number for name, number in used.items() if name not in keyring.names),
            }
        key = keyring.current if resumed else keyring.rotate()
        failpoint("keys.made")
        if not resumed:
            async with db.begin() as tx:
                await record(tx, actor=None, action="keys.made", target=key)
        done = await reseal(db, keyring, everything(), batch=batch)
        details = {"key": key, "resumed": resumed, "secrets": done.total, "unreadable": done.unreadable}
        async with db.begin() as tx:
            await record(tx, actor=None, action="keys.rotated", target=key, details=details)
        return {
            "dry_run": False,
            "key": key,
            "resumed": resumed,
            "columns": dict(done.columns),
            "resealed": done.total,
            "unreadable": done.unreadable,
        }

    found = _run(data_dir, work)
    if as_json:
        typer.echo(json.dumps(found))
        return
    if dry_run:
        what = "would finish the rotation to" if found["resumed"] else "would make another key after"
        typer.echo(f"This {what} {found['key']}. Secrets by key: {found['secrets'] or 'none'}.")
        return
    begun = "Finished the rotation to" if found["resumed"] else "Made"
    typer.echo(f"{begun} {found['key']}; {found['resealed']} secrets were sealed anew.")
    if found["unreadable"]:
        typer.echo(f"{found['unreadable']} secrets cannot be opened; enter them again.", err=True)


@app.command()
def drop(
    key: Annotated[str, typer.Argument(help="Its id, as `keys list` shows it.")],
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Forget a key that seals nothing any more. Backups from its time can then no longer be opened."""

    async def work(store: _Store) -> dict[str, Any]:
        from medianest_core.store.repos.audit import record
        from medianest_core.store.reseal import uses

        if key not in store.keyring.names:
            raise MediaNestError(f"There is no key {key}.")
        if key == store.keyring.current:
            raise MediaNestError(f"{key} is the current key. Rotate first.")
        left = (await uses(store.db, store.keyring, everything())).get(key, 0)
        if left:
            raise MediaNestError(f"{key} still seals {left} secrets. Run `medianest keys rotate`.")
        async with store.db.begin() as tx:
            await record(tx, actor=None, action="keys.dropped", target=key)
        store.keyring.drop(key)
        return {"dropped": key}

    found = _run(data_dir, work)
    typer.echo(json.dumps(found) if as_json else f"Forgot {found['dropped']}.")


def everything() -> tuple[Sealed, ...]:
    """Every place in the database where a secret is kept."""
    from medianest_core.domain.accounts import attempts, identities, setup
    from medianest_core.domain.notify import channel
    from medianest_core.domain.webhooks import service as webhooks
    from medianest_core.host import instance_rows

    return (
        *instance_rows.SEALED,
        *identities.SEALED,
        *webhooks.SEALED,
        *setup.SEALED,
        *attempts.SEALED,
        *channel.SEALED,
    )


def _run(data_dir: Path | None, work: Callable[[_Store], Awaitable[T]]) -> T:
    return run_on(data_dir, _open, work)


@contextlib.asynccontextmanager
async def _open(settings: AppSettings) -> AsyncIterator[_Store]:
    """The database and its keys, whether or not the portal runs."""
    from medianest_core.store.migrate import upgrade
    from medianest_core.store.repos.keys import open_keys

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with database(settings.database) as db:
        await upgrade(db)
        yield _Store(db, await open_keys(settings.data_dir / "keys.json", db))
