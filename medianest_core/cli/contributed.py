"""`medianest PLUGIN COMMAND …`: commands that plugins contribute.

A plugin is imported only when its name is called, so that `--help` stays quick and a broken plugin is in nobody's way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from typer.core import TyperGroup

from medianest_core.sdk.commands import Command
from medianest_core.sdk.context import PluginCache, PluginContext
from medianest_core.sdk.errors import MediaNestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import structlog
    from pydantic import BaseModel

    from medianest_core.base.settings import AppSettings
    from medianest_core.sdk.events import Audience, Event
    from medianest_core.sdk.jobs import Job
    from medianest_core.sdk.storage import Transaction

T = TypeVar("T")


class Commands(TyperGroup):
    """The core's commands; a name that is none of them is looked for among the plugins."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name) or _group(cmd_name)


def _group(plugin: str) -> Any | None:
    """The commands of a plugin as a group; None where there is no such plugin, or it has none."""
    try:
        commands = commands_of(plugin)
    except MediaNestError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if not commands:
        return None
    app = typer.Typer(no_args_is_help=True, add_completion=False, help=f"Commands of the plugin {plugin}.")

    @app.callback()
    def together() -> None:
        """Keeps a single command one of its own."""

    for command in commands:
        options = {"allow_extra_args": True, "ignore_unknown_options": True}
        made = app.command(command.name, help=command.help, add_help_option=False, context_settings=options)
        made(_runner(plugin, command))
    group = typer.main.get_command(app)
    group.name = plugin
    return group


def _runner(plugin: str, command: Command) -> Callable[[typer.Context], None]:
    def called(ctx: typer.Context) -> None:
        from medianest_core.cli.store import run, settings_for

        raise typer.Exit(run(_awaited(command, Beside(plugin, settings_for(None)), ctx.args)))

    return called


async def _awaited(command: Command, context: PluginContext, arguments: Sequence[str]) -> int:
    return await command.handler(context, arguments)


def commands_of(plugin: str) -> list[Command]:
    """What an installed plugin contributes; none where there is no plugin of that name. Raises MediaNestError where it does not
    work or is switched off."""
    from importlib.metadata import entry_points

    from medianest_core.cli.serve import make_settings
    from medianest_core.sdk.markers import ENTRY_POINT_GROUP

    settings = make_settings()
    folder = settings.data_dir / "plugins"
    installed = any(point.name == plugin for point in entry_points(group=ENTRY_POINT_GROUP))
    if not installed and not (folder / f"{plugin}.py").is_file():
        return []
    import importlib

    from medianest_core.host.compat import manifest_of
    from medianest_core.host.discovery import discover
    from medianest_core.host.hookcaller import Hooks
    from medianest_core.host.plugin_rows import Choice
    from medianest_core.host.validate import collect

    found = next((one for one in discover(folder=folder).found if one.name == plugin), None)
    if found is None:
        return []
    if refused := Choice({}, settings.plugins_disabled, settings.safe_mode).refusal(found, ""):
        raise MediaNestError(f"The plugin {plugin} does not run: {refused[1]}")
    try:
        module = importlib.import_module(found.module)
        hooks = Hooks()
        hooks.register(found.name, module)
        declared = collect(manifest_of(module, found), module, lambda hook: hooks.collect(found.name, hook))
    except Exception as error:
        raise MediaNestError(f"The plugin {plugin} does not run: {error}") from error
    return [item for item in declared.contributions if isinstance(item, Command)]


class Beside(PluginContext):
    """What a command of a plugin may do: it runs beside the portal, on the same database, without services of its own."""

    def __init__(self, plugin: str, settings: AppSettings) -> None:
        self.plugin = plugin
        self._settings = settings

    @cached_property
    def data_dir(self) -> Path:  # type: ignore[override]  # made when it is asked for
        folder = self._settings.data_dir.absolute() / "plugins" / self.plugin
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @cached_property
    def log(self) -> structlog.stdlib.BoundLogger:  # type: ignore[override]  # made when it is asked for
        from medianest_core.base.logging import get_logger

        return get_logger(f"plugin.{self.plugin}").bind(plugin=self.plugin)

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        return self._opened(writing=True)

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        return self._opened(writing=False)

    @asynccontextmanager
    async def _opened(self, *, writing: bool) -> AsyncIterator[Transaction]:
        from medianest_core.cli.store import database

        async with database(self._settings.database) as db, db.begin() if writing else db.read() as tx:
            yield tx

    def instances(self, provider: type[Any]) -> Sequence[Any]:
        """None: services are connected by the portal alone."""
        return ()

    async def enqueue(
        self,
        job: Job[Any] | str,
        args: BaseModel,
        *,
        tx: Transaction | None = None,
        owner: str | None = None,
        delay: float = 0.0,
    ) -> str:
        raise _elsewhere()

    async def emit(self, event: Event, to: Audience, *, tx: Transaction | None = None) -> None:
        raise _elsewhere()

    def gettext(self, message: str) -> str:
        return message

    def cache(self, name: str, kind: type[T], *, fresh: float = 300.0, stale: float = 0.0) -> PluginCache[T]:
        return _Nothing()


class _Nothing(PluginCache[T]):
    """Keeps nothing: a command is over before anything is asked for twice."""

    async def get(self, key: str, make: Callable[[], Awaitable[T]]) -> T:
        return await make()

    async def forget(self, key: str) -> None:
        await asyncio.sleep(0)

    async def clear(self) -> None:
        await asyncio.sleep(0)


def _elsewhere() -> MediaNestError:
    return MediaNestError("A command runs beside the portal; jobs and events are for the portal alone.")
