"""`medianest plugins audit`: where plugins stand on the quality scale, rule by rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from medianest_core.cli.store import Folder, Json, settings_for
from medianest_core.sdk.errors import MediaNestError

if TYPE_CHECKING:
    from medianest_core.host.declarations import Declarations
    from medianest_core.host.quality import Quality

_SIGNS = {
    "kept": ("✓", typer.colors.GREEN),
    "exempt": ("–", typer.colors.BLUE),
    "open": ("✗", typer.colors.YELLOW),
}


def audit(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of an installed plugin, or the path of a plugin of one file. Default: all."
        ),
    ] = None,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Show where plugins stand on the quality scale, from bronze to platinum, and what the next level asks for."""
    from medianest_core.host.quality import assess

    try:
        plugins = declared_by(name, settings_for(data_dir).data_dir)
    except MediaNestError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    told = {plugin: assess(declared) for plugin, declared in plugins.items()}
    if as_json:
        typer.echo(json.dumps({plugin: _plain(one) for plugin, one in told.items()}, indent=2))
        return
    for plugin, quality in told.items():
        typer.echo(f"{plugin}: {quality.level.value or 'below bronze'}")
        for answer in quality.answers:
            sign, colour = _SIGNS[answer.state]
            machine = "" if answer.rule.machine else " (claimed)"
            typer.echo(
                f"  {typer.style(sign, fg=colour)} {answer.rule.level:<8} {answer.rule.name}: {answer.rule.title}{machine}"
            )
            if answer.text:
                typer.echo(f"      {answer.text}")


def declared_by(name: str | None, data_dir: object) -> dict[str, Declarations]:
    """Plugin → what it declares. Imports it in this process, once it has passed the test process. Raises MediaNestError."""
    from pathlib import Path

    from medianest_core.cli.author.look import targets
    from medianest_core.host.discovery import Discovery
    from medianest_core.host.hookcaller import Hooks
    from medianest_core.host.plugin_rows import Choice
    from medianest_core.host.stages import Stages

    folder = Path(str(data_dir))
    found, _ = targets(name, folder / "plugins")
    standings = Stages(folder, Hooks()).run(Discovery(found, {}, ()), Choice({}, (), False))
    for one in standings:
        if one.declared is None:
            typer.echo(f"{one.name} does not run: {one.reason}", err=True)
    return {one.name: one.declared for one in sorted(standings, key=lambda one: one.name) if one.declared}


def _plain(quality: Quality) -> dict[str, object]:
    return {
        "level": quality.level.value,
        "rules": [
            {
                "name": one.rule.name,
                "level": one.rule.level.value,
                "machine": one.rule.machine,
                "state": one.state.value,
                "text": one.text,
            }
            for one in quality.answers
        ],
    }
