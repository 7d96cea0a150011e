"""What is shown of a plugin, from how far it came and from what it declared."""

from __future__ import annotations

from typing import Any

from medianest_core.host.declarations import Declarations
from medianest_core.host.registry import PluginInfo, contribution_counts, kind_names
from medianest_core.host.stages import Standing
from medianest_core.host.states import PluginState


def plain_info(standing: Standing, since: float) -> PluginInfo:
    """What is known before, or without, its declarations."""
    found = standing.found
    return PluginInfo(
        name=standing.name,
        title=standing.name,
        distribution=found.distribution if found else standing.distribution,
        version=found.version if found else "",
        api=str(found.api_major) if found else "",
        state=standing.state,
        reason=standing.reason,
        since=since,
        builtin=bool(found and found.builtin),
        enabled=standing.state is not PluginState.DISABLED,
        trace=standing.trace,
    )


def declared_facts(declared: Declarations) -> dict[str, Any]:
    """Fields of `PluginInfo` that only declarations tell."""
    manifest = declared.manifest
    return {
        "title": manifest.title,
        "description": manifest.description,
        "homepage": manifest.homepage,
        "icon": manifest.icon,
        "api": manifest.api,
        "providers": tuple(kind_names(declared.providers)),
        "services": tuple(declared.services),
        "contributions": contribution_counts(declared),
    }
