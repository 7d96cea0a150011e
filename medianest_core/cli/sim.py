"""`medianest sim NAME`: one plugin's simulator by itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer


def sim(
    name: Annotated[str, typer.Argument(help="Name of the simulator; `medianest sim list` shows them.")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 picks a free one.")] = 0,
    items: Annotated[int, typer.Option(help="How many titles it holds, where that means something.")] = 300,
    seed: Annotated[int, typer.Option(help="Same seed, same content.")] = 7,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where it keeps files; default: a temporary folder.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON line when ready.")] = False,
    option: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of a simulator's own option; may be repeated.")
    ] = None,
    die_with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Start a simulated service on loopback, for demos, benchmarks and plugin authors."""
    from medianest_core.testing.run import main
    from medianest_core.testing.simulators import load_simulators

    if name == "list":
        typer.echo("\n".join(sorted(load_simulators())))
        return
    if name not in load_simulators():
        typer.echo(
            f"There is no simulator {name!r}. Installed: {', '.join(sorted(load_simulators())) or 'none'}.",
            err=True,
        )
        raise typer.Exit(2)
    with tempfile.TemporaryDirectory(prefix=f"medianest-sim-{name}-") as temporary:
        main(
            name,
            port=port,
            items=items,
            seed=seed,
            data_dir=data_dir or Path(temporary),
            json_line=json,
            die_with_parent=die_with_parent,
            options=dict(entry.split("=", 1) for entry in option or () if "=" in entry),
        )
