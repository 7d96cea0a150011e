"""`medianest plugins compat`: would this distribution fit here, and what would it bring? Asked before it is installed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from medianest_core.cli.plugins_check import show
from medianest_core.cli.store import Json
from medianest_core.sdk.errors import MediaNestError


def compat(
    place: Annotated[
        Path, typer.Argument(help="A wheel, or a folder with a pyproject.toml.", metavar="DIST")
    ],
    as_json: Json = False,
) -> None:
    """Compare what a distribution asks for with what runs here, and list what it would bring. Ends with 1 where it does not fit."""
    from medianest_core.base.finding import Level
    from medianest_core.cli.author.fitting import fits

    try:
        answers = fits(place)
    except MediaNestError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    bad = any(one.level is Level.PROBLEM for answer in answers for one in answer.findings)
    if as_json:
        typer.echo(json.dumps({"fits": not bad, "plugins": [asdict(one) for one in answers]}, indent=2))
    else:
        for one in answers:
            typer.echo(f"{one.plugin or 'no plugin'} ({one.distribution} {one.version})")
            show(one.findings)
            for line in brings(one.facts):
                typer.echo(f"  {line}")
        typer.echo("It fits." if not bad else "It does not fit.")
    if bad:
        raise typer.Exit(1)


def brings(facts: dict[str, Any]) -> list[str]:
    """What an admin wants to know before installing it."""
    if not facts:
        return []
    hosts = sorted({host for service in facts["services"] for host in service["hosts"]})
    services = [service["name"] for service in facts["services"]]
    return [
        f"API          {facts['api']}",
        f"providers    {', '.join(facts['providers']) or 'none'}",
        f"services     {', '.join(services) or 'none'}",
        f"tables       {', '.join(facts['tables']) or 'none'}",
        f"permissions  {', '.join(facts['permissions']) or 'none'}",
        f"hosts        {', '.join([*hosts, 'those that an admin types']) if services else 'none'}",
        f"brings       {', '.join(f'{count} × {kind}' for kind, count in facts['contributions'].items()) or 'nothing else'}",
    ]
