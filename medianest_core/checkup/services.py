"""Plugins that do not run, and configured services that cannot be reached from here."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from medianest_core.base.finding import Finding, clock, ok, problem
from medianest_core.base.settings import AppSettings
from medianest_core.base.texts import N_
from medianest_core.checkup.web import ask
from medianest_core.host.instance_rows import load_rows
from medianest_core.host.states import InstanceState, PluginState

if TYPE_CHECKING:
    from medianest_core.store.engine import Database

_FINE = {
    PluginState.ACTIVE,
    PluginState.NEEDS_SETTINGS,
    PluginState.DISABLED,
    PluginState.FOUND,
    PluginState.STOPPED,
}
_WRONG = {InstanceState.RETRYING, InstanceState.NEEDS_REAUTH, InstanceState.FAILED, InstanceState.SUSPENDED}


async def check(settings: AppSettings, db: Database | None) -> list[Finding]:
    """db: started and with this version's tables, or None."""
    from medianest_core.host.survey import survey

    surveyed = await survey(settings, db)
    found: list[Finding] = []
    running = 0
    for plugin in surveyed.plugins:
        if plugin.state in _FINE:
            running += plugin.state.running
            continue
        found.append(
            problem(
                N_("plugin {name}").format(name=plugin.name),
                N_("It does not run: {reason}").format(reason=plugin.reason or N_("No reason is known.")),
                N_("See Admin → Plugins. To be without it: MEDIANEST_PLUGINS_DISABLED={name}.").format(
                    name=plugin.name
                ),
            )
        )
    found.append(ok(N_("plugins"), N_("{count} can run.").format(count=running)))
    if db is None:
        return found
    told = {one.title: one for one in surveyed.instances}
    asked = await asyncio.gather(
        *(asyncio.to_thread(_service, title, url) for title, url in await addresses(db))
    )
    reached = [finding for findings in asked for finding in findings]
    unreachable = {one.check for one in reached if one.remedy}
    for line in told.values():
        name = N_("service {title}").format(title=line.title)
        if line.state in _WRONG and name not in unreachable:
            reached.append(problem(name, line.reason or line.state, N_("Look at it under Admin → Services.")))
    return [*found, *reached]


def _service(title: str, url: str) -> list[Finding]:
    name = N_("service {title}").format(title=title)
    parts = urlsplit(url)
    answer = ask(f"{parts.scheme}://{parts.netloc}", "/")
    if answer.status == 0:
        return [
            problem(
                name,
                N_("Nothing answers at {address}: {error}.").format(
                    address=f"{parts.scheme}://{parts.netloc}", error=answer.text
                ),
                N_(
                    "Check that it runs and that this machine reaches it; in a container, localhost is the container itself."
                ),
            )
        ]
    found = [ok(name, N_("{address} answers.").format(address=parts.netloc))]
    if answer.date is not None:
        timed = clock(N_("clock of {title}").format(title=title), title, time.time() - answer.date)
        if timed.remedy:
            found.append(timed)
    return found


async def addresses(db: Database) -> list[tuple[str, str]]:
    """(title, address) of the services that are switched on and have one."""
    async with db.read() as tx:
        rows = await load_rows(tx)
    return [
        (row.title, url)
        for row in rows
        if row.enabled
        and isinstance(url := row.stored.get("url"), str)
        and url.startswith(("http://", "https://"))
    ]
