"""What keeps plugins and their services from working, with what to do about it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from medianest_core.base.finding import Finding, ok, problem, warning
from medianest_core.base.settings import AppSettings
from medianest_core.cli.author.look import NOT_INSTALLED
from medianest_core.host.discovery import Discovery, Found, discover
from medianest_core.host.purge import left_behind
from medianest_core.host.registry import PluginInfo
from medianest_core.host.states import InstanceState, PluginState
from medianest_core.host.survey import survey
from medianest_core.sdk.errors import MediaNestError
from medianest_core.store.engine import Database

REMEDIES = {
    PluginState.CONFLICT: "Uninstall one of the two, then restart the portal.",
    PluginState.INCOMPATIBLE: "Install a version that fits: medianest plugins compat tells before it is installed.",
    PluginState.IMPORT_FAILED: "See the traceback with medianest plugins trace {name}; update the plugin.",
    PluginState.INVALID: "This is for its author: medianest plugins check {name}.",
    PluginState.NEEDS_MIGRATION: "See the log, put right what it says, and restart the portal.",
    PluginState.SUSPENDED: "Update it, or press “Try again” on the plugins page.",
}
_ILL = {
    InstanceState.RETRYING: "Check that the service runs and that this machine reaches it.",
    InstanceState.NEEDS_REAUTH: "Sign in again or enter a new key under Admin → Services.",
    InstanceState.FAILED: "Look at it under Admin → Services and test its settings.",
    InstanceState.SUSPENDED: "Change its settings or update the plugin: it failed over and over with these.",
}


async def look(settings: AppSettings, db: Database | None, name: str | None) -> list[Finding]:
    """db: started, or None where there is none yet. Raises MediaNestError for a name that nothing here has."""
    folder = settings.data_dir / "plugins"
    discovery = discover(folder=folder)
    surveyed = await survey(settings, db)
    installed = {one.name for one in surveyed.plugins}
    if name is not None and name not in installed:
        raise MediaNestError(NOT_INSTALLED.format(name=name))
    found: list[Finding] = []
    for info in surveyed.plugins:
        if name in (None, info.name) and not (
            name is None and info.builtin and info.state is PluginState.ACTIVE
        ):
            found += _plugin(info, discovery)
    for line in surveyed.instances:
        if name in (None, line.plugin):
            state = next((one for one in InstanceState if one.value == line.state), None)
            if state in _ILL:
                found.append(problem(f"service {line.title}", line.reason or line.state, _ILL[state]))
            elif line.plugin not in installed:
                text = f"Its plugin {line.plugin} is not installed."
                found.append(problem(f"service {line.title}", text, "Install it, or remove the service."))
    if name is None and db is not None:
        known = {one.name for one in discovery.found} | set(discovery.conflicts)
        found += [
            warning(
                f"plugin {plugin}",
                "It is not installed and has left something behind.",
                f"See what with: medianest plugins purge {plugin}",
            )
            for plugin in await left_behind(db, Path(settings.data_dir), known)
        ]
    return found


def _plugin(info: PluginInfo, discovery: Discovery) -> list[Finding]:
    check = f"plugin {info.name}"
    installed: Found | None = next((one for one in discovery.found if one.name == info.name), None)
    lacking = _lacking(installed) if installed is not None else []
    if info.state is PluginState.DISABLED:
        return [ok(check, info.reason)]
    if info.state.running:
        told = "It runs." if info.state is PluginState.ACTIVE else info.reason
        return [ok(check, told), *lacking]
    remedy = REMEDIES.get(info.state, "See Admin → Plugins.").format(name=info.name)
    return [problem(check, info.reason or info.state.value, remedy), *lacking]


def _lacking(found: Found) -> list[Finding]:
    told: list[Finding] = []
    for text in found.requires:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            have = version(wanted.name)
        except PackageNotFoundError:
            have = ""
        if not have or not wanted.specifier.contains(have, prereleases=True):
            present = f"{have} is installed" if have else "it is not installed"
            told.append(
                problem(f"plugin {found.name}", f"It needs {wanted}; {present}.", f"pip install '{wanted}'")
            )
    return told
