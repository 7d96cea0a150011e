"""Command: a contribution to the command line, `medianest <plugin> <name>`. Provisional."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medianest_core.sdk.context import PluginContext


@dataclass(frozen=True)
class Command:
    """handler(context, arguments) → exit code; it prints for itself."""

    name: str
    handler: Callable[[PluginContext, Sequence[str]], Awaitable[int]]
    help: str = ""
