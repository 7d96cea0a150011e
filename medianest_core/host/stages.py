"""The stages of a plugin up to its validated declarations: discovery, refusal, probe, import, declaration, validation.

Runs in a thread, needs no database, and changes nothing but the hook registrations of the plugins that came through.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from medianest_core.base.redact import redact
from medianest_core.base.texts import N_
from medianest_core.host.bootmark import BootMark
from medianest_core.host.compat import manifest_of, refusal
from medianest_core.host.declarations import Declarations
from medianest_core.host.discovery import Discovery, Found, environment_stamp
from medianest_core.host.errors import Incompatible, Invalid
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.loader import Loaded, TookTooLong, load
from medianest_core.host.plugin_rows import Choice
from medianest_core.host.probe import PER_PLUGIN, ProbeCache, Verdict, probe
from medianest_core.host.stamps import code_stamp, probe_key
from medianest_core.host.states import PluginState
from medianest_core.host.validate import collect


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a plugin came. declared: its declarations, where nothing was wrong with it (state FOUND)."""

    name: str
    state: PluginState
    reason: str = ""
    trace: str = ""
    found: Found | None = None
    distribution: str = ""
    declared: Declarations | None = None


class Stages:
    """per_plugin: seconds a plugin may take in the test process. deadline: seconds for importing all of them here."""

    def __init__(
        self, data_dir: Path, hooks: Hooks, *, per_plugin: float = PER_PLUGIN, deadline: float = 15.0
    ) -> None:
        self._hooks = hooks
        self._cache_path = data_dir / "plugins-probe.json"
        self._per_plugin = per_plugin
        self._deadline = deadline

    def run(
        self,
        discovery: Discovery,
        choice: Choice,
        mark: BootMark | None = None,
        only: Collection[str] | None = None,
    ) -> list[Standing]:
        """Where each plugin stands; those with declarations have their hooks registered. only: look at these alone."""
        standings = [*self._conflicts(discovery), *self._unreadable(discovery)]
        candidates: list[Found] = []
        stamps = {found.name: code_stamp(found) for found in discovery.found if not found.builtin}
        for found in discovery.found:
            if (reason := refusal(found)) is not None:
                standings.append(Standing(found.name, PluginState.INCOMPATIBLE, reason, found=found))
            elif (refused := choice.refusal(found, stamps.get(found.name, ""))) is not None:
                standings.append(Standing(found.name, *refused, found=found))
            else:
                candidates.append(found)
        if only is not None:
            standings = [one for one in standings if one.name in only]
            candidates = [found for found in candidates if found.name in only]
        verdicts = self._probe({found: stamps[found.name] for found in candidates if not found.builtin})
        for found in list(candidates):
            verdict = verdicts.get(found.name)
            if verdict is not None and verdict.reason:
                candidates.remove(found)
                standings.append(_import_failed(found, verdict.reason, verdict.trace))

        def before(found: Found) -> None:
            if mark is not None and not found.builtin:
                mark.starting(found, stamps[found.name])

        # The core's own come first: what they declare is there whatever happens to the others.
        candidates.sort(key=lambda found: (not found.builtin, found.name))
        outcomes = load(candidates, self._work, deadline=self._deadline, before=before)
        return [*standings, *(self._standing(outcome) for outcome in outcomes)]

    def learn(self, discovery: Discovery) -> None:
        """Try in a child process what was never tried, so that the next start need not wait for that."""
        self._probe({found: code_stamp(found) for found in discovery.found if not found.builtin})

    def forget(self, found: Found) -> None:
        """Probe this plugin anew the next time."""
        ProbeCache(self._cache_path).forget(probe_key(code_stamp(found), environment_stamp()))

    def _work(self, found: Found, module: ModuleType) -> Declarations:
        manifest = manifest_of(module, found)
        self._hooks.register(found.name, module)
        try:
            return collect(manifest, module, lambda hook: self._hooks.collect(found.name, hook))
        except BaseException:
            self._hooks.unregister(found.name)
            raise

    def _probe(self, plugins: Mapping[Found, str]) -> dict[str, Verdict]:
        if not plugins:
            return {}
        environment = environment_stamp()
        keys = {found.name: probe_key(stamp, environment) for found, stamp in plugins.items()}
        cache = ProbeCache(self._cache_path)
        known = {name: verdict for name, key in keys.items() if (verdict := cache.get(key)) is not None}
        new = [found for found in plugins if found.name not in known]
        if new:
            learnt = probe(new, per_plugin=self._per_plugin)
            cache.put({keys[name]: verdict for name, verdict in learnt.items()}, list(keys.values()))
            known |= learnt
        return known

    def _standing(self, outcome: Loaded) -> Standing:
        found, error = outcome.found, outcome.error
        if error is None:
            return Standing(found.name, PluginState.FOUND, found=found, declared=outcome.value)
        if isinstance(error, TookTooLong):
            self._hooks.unregister(found.name)
            return _import_failed(found, N_("Importing it and asking what it brings took too long."))
        if isinstance(error, Incompatible):
            return Standing(found.name, PluginState.INCOMPATIBLE, str(error), found=found)
        if isinstance(error, Invalid):
            return Standing(found.name, PluginState.INVALID, redact(str(error)), outcome.trace, found)
        if isinstance(error, SystemExit):
            return _import_failed(
                found, N_("It tried to end the process while it was started."), outcome.trace
            )
        return _import_failed(
            found,
            N_("Importing it failed: {kind}: {message}").format(kind=type(error).__name__, message=error),
            outcome.trace,
        )

    def _conflicts(self, discovery: Discovery) -> list[Standing]:
        return [
            Standing(
                name,
                PluginState.CONFLICT,
                N_("{packages} both bring a plugin called {name}. Uninstall one of them.").format(
                    packages=" and ".join(sorted(found.distribution for found in several)), name=name
                ),
                found=several[0],
            )
            for name, several in discovery.conflicts.items()
        ]

    def _unreadable(self, discovery: Discovery) -> list[Standing]:
        return [
            Standing(one.distribution, PluginState.INVALID, redact(one.reason), distribution=one.distribution)
            for one in discovery.unreadable
        ]


def _import_failed(found: Found, reason: str, trace: str = "") -> Standing:
    sentence = reason if reason.endswith((".", "!", "?")) else f"{reason}."
    # A file that is edited is taken in again without being asked for.
    told = (
        N_("{reason} Correct the file.")
        if found.file
        else N_("{reason} Update it or uninstall it, then retry.")
    )
    return Standing(
        found.name, PluginState.IMPORT_FAILED, told.format(reason=redact(sentence)), redact(trace), found
    )
