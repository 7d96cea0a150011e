"""The command line: `medianest …`. Each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations


def main() -> None:
    """Entry point of the `medianest` script."""
    from medianest_core.cli.app import app

    app()
