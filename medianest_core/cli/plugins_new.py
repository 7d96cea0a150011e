"""`medianest plugins new`: a plugin of one's own, complete from the first minute."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from medianest_core.sdk.errors import MediaNestError

_KINDS = "status, media, auth, fields, downloader, requests, catalog, notifier, webhook or page"


def new(
    name: Annotated[str, typer.Argument(help="What it shall be called, e.g. pihole.")],
    kind: Annotated[str, typer.Option("--kind", help=f"What it shall bring: {_KINDS}.")] = "status",
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where its folder is made; default: here.")
    ] = None,
    title: Annotated[str, typer.Option(help="How people call the service.")] = "",
    homepage: Annotated[str, typer.Option(help="Address of the service's project.")] = "",
) -> None:
    """Begin a plugin: a small distribution with settings, a stand-in of the service and its contract as tests."""
    from medianest_core.cli.author.scaffold import new_plugin

    try:
        files = new_plugin(name, kind, title, homepage)
    except MediaNestError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    distribution = f"medianest-{name.strip().lower().removeprefix('medianest-').replace('_', '-')}"
    target = (folder or Path()) / distribution
    if target.exists() and any(target.iterdir()):
        typer.echo(f"{target} is there already and not empty.", err=True)
        raise typer.Exit(2)
    for path, text in files.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text, "utf-8")
    typer.echo(f"{target}: {len(files)} files.")
    # uv leaves pip out of its environments; another one's would install elsewhere.
    pip = "pip" if importlib.util.find_spec("pip") else "uv pip"
    steps = [
        (f"cd {target}", ""),
        (f"{pip} install -e '.[dev]'", ""),
        ("pytest", "the contract of its kind"),
        ("medianest dev", "a portal with it, that follows each file you save"),
        (f"medianest plugins check {name_of(distribution)}", "what the portal would refuse"),
    ]
    typer.echo("")
    for command, told in steps:
        typer.echo(f"  {command:<40}  # {told}" if told else f"  {command}")


def name_of(distribution: str) -> str:
    """Of the plugin in it."""
    return distribution.removeprefix("medianest-").replace("-", "_")
