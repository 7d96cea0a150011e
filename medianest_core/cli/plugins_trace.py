"""`medianest plugins trace`: how a plugin comes to life, step by step, with what each step took."""

from __future__ import annotations

from typing import Annotated

import typer

from medianest_core.cli.store import Folder, settings_for
from medianest_core.sdk.errors import MediaNestError


def trace(
    name: Annotated[
        str, typer.Argument(help="Name of an installed plugin, or the path of a plugin of one file.")
    ],
    data_dir: Folder = None,
) -> None:
    """Show discovery, import and every hook call with its time and its answers, in a process of its own.

    In a running portal MEDIANEST_TRACE_HOOKS=1 logs every hook call.
    """
    from medianest_core.cli.author.look import look_at, targets
    from medianest_core.host.compat import refusal

    settings = settings_for(data_dir)
    try:
        (found, *_), _discovery = targets(name, settings.data_dir / "plugins")
    except MediaNestError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    place = f"file {found.file}" if found.file else f"{found.distribution} {found.version}, {found.location}"
    typer.echo(f"discovered   {found.name} = {found.module} ({place})")
    if (reason := refusal(found)) is not None:
        typer.echo(f"refused      {reason}")
        raise typer.Exit(1)
    seen = look_at(found, thorough=False)
    if seen.import_seconds:
        typer.echo(f"imported     {seen.import_seconds * 1000:.1f} ms of one core, with the hooks")
    for hook, seconds, names in seen.calls:
        typer.echo(f"asked        {hook} ({seconds * 1000:.1f} ms)")
        for one in names:
            typer.echo(f"               {one}")
    for finding in seen.findings:
        if finding.remedy:
            typer.echo(f"{finding.level.value:<12} {finding.check}: {finding.text}")
    if seen.trace:
        typer.echo(f"\n{seen.trace}")
    if not seen.facts:
        raise typer.Exit(1)
    typer.echo(
        "declared     " + ", ".join([*seen.facts["providers"], *_counted(seen.facts["contributions"])])
    )


def _counted(counts: dict[str, int]) -> list[str]:
    return [f"{count} × {kind}" for kind, count in counts.items()]
