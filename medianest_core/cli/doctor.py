"""`medianest doctor`: looks at everything that is usually wrong when something does not work, and says what to do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

_SIGNS = {
    "ok": ("✓", typer.colors.GREEN),
    "warning": ("!", typer.colors.YELLOW),
    "problem": ("✗", typer.colors.RED),
}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the portal; default ./data.")] = None,
) -> None:
    """Explain what is misconfigured and what to do about it. Ends with 1 when there is a problem; changes nothing."""
    from medianest_core.base.finding import Level
    from medianest_core.base.logging import configure
    from medianest_core.checkup.examine import examine
    from medianest_core.cli.serve import make_settings

    settings = make_settings(data_dir=data_dir).model_copy(update={"log_level": "critical"})
    configure(settings, to_file=False)
    found = asyncio.run(examine(settings))
    problems = sum(one.level is Level.PROBLEM for one in found)
    if as_json:
        typer.echo(
            json.dumps({"healthy": not problems, "findings": [asdict(one) for one in found]}, indent=2)
        )
    else:
        for one in found:
            sign, colour = _SIGNS[one.level]
            typer.echo(f"{typer.style(sign, fg=colour)} {one.check}: {one.text}")
            if one.remedy:
                typer.echo(f"    → {one.remedy}")
        typer.echo("All is well." if not problems else f"{problems} to put right.")
    if problems:
        raise typer.Exit(1)
