"""`medianest plugins check`: is a plugin what the portal expects of one? Needs no line of code from its author."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from medianest_core.cli.store import Folder, Json, settings_for
from medianest_core.sdk.errors import MediaNestError

if TYPE_CHECKING:
    from medianest_core.base.finding import Finding

SIGNS = {
    "ok": ("✓", typer.colors.GREEN),
    "warning": ("!", typer.colors.YELLOW),
    "problem": ("✗", typer.colors.RED),
}


def check(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of an installed plugin, or the path of a plugin of one file. Default: all of them."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as problems.")] = False,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Look for what the portal would refuse, and for what would disappoint. Ends with 1 when there is a problem."""
    from medianest_core.cli.author.checking import check_plugin, worst
    from medianest_core.cli.author.look import targets

    settings = settings_for(data_dir)
    try:
        plugins, discovery = targets(name, settings.data_dir / "plugins")
    except MediaNestError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    bad = 0
    told: dict[str, list[dict[str, str]]] = {}
    for found in plugins:
        findings, seen = check_plugin(found, discovery)
        problems, warnings = worst(findings)
        bad += problems + (warnings if strict else 0)
        told[found.name] = [asdict(one) for one in findings]
        if not as_json:
            typer.echo(f"{found.name} ({found.distribution} {found.version})".replace(" )", ")"))
            show(findings)
            if seen.trace:
                typer.echo(f"\n{seen.trace}")
    if as_json:
        typer.echo(json.dumps({"sound": not bad, "plugins": told}, indent=2))
    elif plugins:
        typer.echo("All is well." if not bad else f"{bad} to put right.")
    else:
        typer.echo("No plugin is installed.")
    if bad:
        raise typer.Exit(1)


def show(findings: Sequence[Finding]) -> None:
    """One line for each, with what to do below it."""
    for one in findings:
        sign, colour = SIGNS[one.level]
        typer.echo(f"  {typer.style(sign, fg=colour)} {one.check}: {one.text}")
        if one.remedy:
            typer.echo(f"      → {one.remedy}")
