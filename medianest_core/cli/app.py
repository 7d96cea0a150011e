"""All commands in one tree."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from medianest_core.cli import (
    backup,
    db,
    demo,
    doctor,
    jobs,
    keys,
    plugins,
    restore,
    serve,
    sim,
    sync,
    sync_rollback,
    sync_verify,
    users,
    worker,
)
from medianest_core.cli.contributed import Commands
from medianest_core.cli.dev import command as dev

app = typer.Typer(
    name="medianest",
    cls=Commands,
    help="One signed-in portal over your media services. Plugins bring commands of their own: medianest PLUGIN --help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"MediaNest {version('medianest')}")
        raise typer.Exit


@app.callback()
def _whole(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version.")
    ] = False,
) -> None:
    """What stands before a command."""


app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("demo")(demo.demo)
app.command("dev")(dev.dev)
app.command("sim")(sim.sim)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.add_typer(db.app, name="db", help="The database as a whole.")
app.add_typer(plugins.app, name="plugins", help="Installed plugins and their state.")
app.add_typer(jobs.app, name="jobs", help="The job ledger.")
sync.app.command("rollback")(sync_rollback.rollback)
sync.app.command("verify")(sync_verify.verify)
app.add_typer(sync.app, name="sync", help="Syncs of the library.")
app.add_typer(keys.app, name="keys", help="The keys that seal secrets in the database.")
app.add_typer(users.app, name="users", help="Accounts, also when everyone is locked out.")
