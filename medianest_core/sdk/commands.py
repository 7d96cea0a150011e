"""Command: a contribution to the command line, `medianest <plugin> <name>`.

It runs beside the portal, in a process of its own: its context has the plugin's folder, log and the database, but no connected
services, and jobs and events are left to the portal (`MediaNestError`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medianest_core.sdk.context import PluginContext


@dataclass(frozen=True)
class Command:
    """handler(context, arguments) → exit code; it parses its arguments, `--help` among them, and prints for itself."""

    name: str
    handler: Callable[[PluginContext, Sequence[str]], Awaitable[int]]
    help: str = ""
