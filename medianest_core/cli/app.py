"""All commands in one tree."""

from __future__ import annotations

import typer

from medianest_core.cli import demo, jobs, plugins, serve, sim, users

app = typer.Typer(
    name="medianest",
    help="One signed-in portal over your media services.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("sim")(sim.sim)
app.add_typer(plugins.app, name="plugins", help="Installed plugins and their state.")
app.add_typer(jobs.app, name="jobs", help="The job ledger.")
app.add_typer(users.app, name="users", help="Accounts, also when everyone is locked out.")
