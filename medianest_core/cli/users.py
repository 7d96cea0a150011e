"""`medianest users …`: accounts from the console, also when everyone is locked out."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from medianest_core.cli.store import database, run_on

if TYPE_CHECKING:
    from medianest_core.base.settings import AppSettings
    from medianest_core.domain.accounts.setup import Setup
    from medianest_core.domain.accounts.users import Users

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True)
Folder = Annotated[Path | None, typer.Option("--data-dir", help="Folder of the portal; default ./data.")]


@dataclass(frozen=True)
class _Accounts:
    users: Users
    setup: Setup


@app.callback()
def _group() -> None:
    """Accounts, also when everyone is locked out."""


@app.command("list")
def list_(
    text: Annotated[str, typer.Argument(help="Part of a name or an e-mail address.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
    data_dir: Folder = None,
) -> None:
    """Show accounts, newest first."""

    async def work(accounts: _Accounts) -> list[dict[str, Any]]:
        page = await accounts.users.list(text=text, limit=limit)
        return [
            {
                "id": user.id,
                "username": user.username,
                "role": user.role,
                "status": user.status.value,
                "created_at": user.created_at,
                "last_login_at": user.last_login_at,
            }
            for user in page.users
        ]

    found = _run(data_dir, work)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for user in found:
        typer.echo(f"{user['id']}  {user['role']:<6}  {user['status']:<10}  {user['username']}")


@app.command()
def recover(
    username: Annotated[
        str | None, typer.Argument(help="Whom to let in; default: the first admin, or a new one.")
    ] = None,
    data_dir: Folder = None,
) -> None:
    """Let an admin back in: prints a new password, ends their sessions, offers the password form again."""

    async def work(accounts: _Accounts) -> tuple[str, str]:
        _, login, password = await accounts.setup.recover(username)
        return login, password

    login, password = _run(data_dir, work, renew_keys=True)
    typer.echo(f"User name: {login}")
    typer.echo(f"Password:  {password}")
    typer.echo("Sign in with these, then choose another password on your account page.")


@app.command("create-admin")
def create_admin(
    username: Annotated[str, typer.Argument(help="Name to sign in with.")],
    password: Annotated[
        str | None,
        typer.Option(envvar="MEDIANEST_ADMIN_PASSWORD", help="Default: a random one is made and printed."),
    ] = None,
    data_dir: Folder = None,
) -> None:
    """Make another admin with a password kept here."""
    from medianest_core.domain.accounts.passwords import new_password

    chosen = password or new_password()

    async def work(accounts: _Accounts) -> str:
        return (await accounts.setup.add_admin(username, chosen)).id

    identifier = _run(data_dir, work)
    typer.echo(f"Made the admin {username} ({identifier}).")
    if password is None:
        typer.echo(f"Password: {chosen}")


def _run(data_dir: Path | None, work: Callable[[_Accounts], Awaitable[T]], *, renew_keys: bool = False) -> T:
    return run_on(data_dir, lambda settings: _open(settings, renew_keys), work)


@contextlib.asynccontextmanager
async def _open(settings: AppSettings, renew_keys: bool) -> AsyncIterator[_Accounts]:
    """The accounts on the portal's database, whether or not the portal runs; it notices changes within seconds."""
    from medianest_core.base.clock import SystemClock
    from medianest_core.bus.outbox import EventBus
    from medianest_core.domain.accounts.identities import Identities
    from medianest_core.domain.accounts.passwords import Passwords
    from medianest_core.domain.accounts.roles import Roles
    from medianest_core.domain.accounts.sessions import Sessions
    from medianest_core.domain.accounts.setup import Setup
    from medianest_core.domain.accounts.users import Users
    from medianest_core.store.migrate import upgrade
    from medianest_core.store.repos.events import EventRepo
    from medianest_core.store.repos.keys import open_keys

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    clock = SystemClock()
    async with database(settings.database) as db:
        await upgrade(db)
        keyring = await open_keys(settings.data_dir / "keys.json", db, renew=renew_keys)
        bus = EventBus(EventRepo(db))
        sessions = Sessions(db, bus, keyring, Roles(), clock)
        users = Users(db, bus, sessions, clock)
        passwords = Passwords(db, clock)
        identities = Identities(db, users, sessions, passwords, keyring, clock)
        setup = Setup(db, users, identities, passwords, sessions, keyring, clock)
        yield _Accounts(users, setup)
        await bus.drain()
        await sessions.close()
        await bus.close()
