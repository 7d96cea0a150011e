"""Does a plugin fit this core? What can be known before importing is checked before importing."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from medianest_core.base.texts import N_
from medianest_core.host.discovery import CORE_DISTRIBUTION, Found
from medianest_core.host.errors import Incompatible, Invalid
from medianest_core.sdk.manifest import NAME_PATTERN, Manifest
from medianest_core.sdk.markers import API_MAJOR
from medianest_core.sdk.version import API_VERSION, compatible


def refusal(found: Found) -> str | None:
    """Why the plugin cannot run here, from its metadata alone; None where nothing speaks against it."""
    if found.api_major != API_MAJOR:
        return N_(
            "It is written for plugin API {wanted}; this portal offers {api}. Install a version of {distribution} for API {major}."
        ).format(wanted=found.api_major, api=API_VERSION, distribution=found.distribution, major=API_MAJOR)
    for text in found.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) != CORE_DISTRIBUTION:
            continue
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        have = _core_version()
        if have and not requirement.specifier.contains(have, prereleases=True):
            return N_("It needs MediaNest {wanted}; this is {have}. Update one of them.").format(
                wanted=requirement.specifier, have=have
            )
    return None


def manifest_of(module: ModuleType, found: Found) -> Manifest:
    """The plugin's manifest. Raises Invalid for a wrong one, Incompatible for one that needs another core."""
    manifest = getattr(module, "manifest", None)
    if not isinstance(manifest, Manifest):
        raise Invalid([N_('{module} has no "manifest = Manifest(…)".').format(module=module.__name__)])
    if not isinstance(manifest.api, str):
        raise Invalid(["The manifest's api must be text."])
    if reason := compatible(manifest.api):
        raise Incompatible(reason)
    problems = []
    if manifest.name != found.name:
        problems.append(
            N_('The manifest is called "{given}", the entry point "{name}".').format(
                given=manifest.name, name=found.name
            )
        )
    if not isinstance(manifest.name, str) or not NAME_PATTERN.fullmatch(manifest.name):
        problems.append(N_("Its name must be 2 to 30 lower-case letters, digits and underscores."))
    if not isinstance(manifest.title, str) or not manifest.title.strip():
        problems.append(N_("The manifest has no title."))
    if problems:
        raise Invalid(problems)
    return manifest


def _core_version() -> str | None:
    try:
        return version(CORE_DISTRIBUTION)
    except PackageNotFoundError:
        return None
