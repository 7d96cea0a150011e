"""The command line: `medianest …`. Each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import os


def main() -> None:
    """Entry point of the `medianest` script."""
    # Else the first of its models has pydantic look for its own plugins in everything that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from medianest_core.cli.app import app

    app()
