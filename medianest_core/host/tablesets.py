"""The tables of the plugins that are installed, for those who look after the database as a whole."""

from __future__ import annotations

from collections.abc import Iterable

from medianest_core.base.settings import AppSettings
from medianest_core.host.declarations import Declarations
from medianest_core.host.discovery import discover
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.plugin_rows import Choice
from medianest_core.host.stages import Stages
from medianest_core.sdk.storage import TableSet


def tables_of(declared: Iterable[Declarations]) -> dict[str, TableSet]:
    """Plugin → its tables, of those that have any."""
    return {one.plugin: item for one in declared for item in one.contributions if isinstance(item, TableSet)}


def installed_tables(settings: AppSettings) -> dict[str, TableSet]:
    """The same without a running portal: also of plugins that an admin switched off. Blocking."""
    stages = Stages(settings.data_dir, Hooks())
    discovery = discover(folder=settings.data_dir / "plugins")
    standings = stages.run(discovery, Choice({}, settings.plugins_disabled, settings.safe_mode))
    return tables_of(standing.declared for standing in standings if standing.declared is not None)
