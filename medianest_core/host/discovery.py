"""Which plugins are here, learnt from distribution metadata and from the names of files alone: nothing is imported."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from medianest_core.base.texts import N_
from medianest_core.host import onefile
from medianest_core.sdk.manifest import NAME_PATTERN
from medianest_core.sdk.markers import API_MAJOR

PLUGIN_GROUP = re.compile(r"medianest\.plugins\.v(\d+)")
BUILTIN_GROUP = "medianest.builtin.v1"
CORE_DISTRIBUTION = "medianest"


@dataclass(frozen=True, slots=True)
class Found:
    """One entry point.

    module: what it names. api_major: from the group's name. location: folder it was found in. requires: as in its metadata.
    """

    name: str
    module: str
    distribution: str
    version: str
    api_major: int
    builtin: bool
    location: str
    requires: tuple[str, ...] = ()
    record: str = ""
    """Text of the distribution's list of installed files; tells builds of one version apart."""
    file: str = ""
    """Path of a plugin that is one file of the data directory; its `distribution` is then the file's name there."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A distribution that seems to bring plugins but whose metadata cannot be read."""

    distribution: str
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """found: unique names. conflicts: name → all that claim it. unreadable: what could not be looked at."""

    found: Sequence[Found]
    conflicts: dict[str, Sequence[Found]]
    unreadable: Sequence[Unreadable]


def discover(installed: Iterable[Distribution] | None = None, *, folder: Path | None = None) -> Discovery:
    """Look at each distribution by itself, so that a damaged one hides no other.

    installed: for tests; default: everything on `sys.path`. folder: where plugins of one file are looked for, too.
    """
    claims: dict[str, list[Found]] = {}
    unreadable: list[Unreadable] = []
    seen: set[str] = set()
    for distribution in distributions() if installed is None else installed:
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except (OSError, UnicodeDecodeError):
            continue
        if "medianest." not in text:
            continue
        name = _name(distribution)
        # The first on the path is the one that would be imported; a second copy of the same distribution is no rival.
        if _normal(name) in seen:
            continue
        seen.add(_normal(name))
        try:
            for found in _claims(distribution, name):
                claims.setdefault(found.name, []).append(found)
        except Exception as error:
            if PLUGIN_GROUP.search(text):
                unreadable.append(
                    Unreadable(
                        name,
                        N_("Its metadata cannot be read: {reason}. Install it again.").format(reason=error),
                    )
                )
    if folder is not None:
        _add_files(folder, claims, unreadable)
    ordered = sorted(claims.items())
    return Discovery(
        found=[several[0] for _, several in ordered if len(several) == 1],
        conflicts={name: several for name, several in ordered if len(several) > 1},
        unreadable=sorted(unreadable, key=lambda one: one.distribution),
    )


def _add_files(folder: Path, claims: dict[str, list[Found]], unreadable: list[Unreadable]) -> None:
    try:
        paths = onefile.files(folder)
    except OSError as error:
        unreadable.append(Unreadable(f"{folder.name}/", _folder_reason(error)))
        return
    if paths:
        onefile.install(str(folder.absolute()))
    for path in paths:
        label = onefile.label_of(path)
        if not NAME_PATTERN.fullmatch(path.stem):
            unreadable.append(
                Unreadable(
                    label,
                    N_(
                        "The file's name must be 2 to 30 lower-case letters, digits and underscores, and .py."
                    ),
                )
            )
            continue
        try:
            version = onefile.version_in(path)
        except (OSError, UnicodeDecodeError) as error:
            unreadable.append(Unreadable(label, _folder_reason(error)))
            continue
        module = f"{onefile.package_of(folder)}.{path.stem}"
        found = Found(
            path.stem, module, label, version, API_MAJOR, False, str(folder), file=str(path.absolute())
        )
        claims.setdefault(found.name, []).append(found)


def _folder_reason(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return N_("It cannot be read: {reason}.").format(reason=reason)


def _claims(distribution: Distribution, name: str) -> Iterable[Found]:
    version = distribution.version
    location = str(distribution.locate_file(""))
    requires = tuple(distribution.requires or ())
    record = distribution.read_text("RECORD") or ""
    for entry in distribution.entry_points:
        plugin = PLUGIN_GROUP.fullmatch(entry.group)
        builtin = entry.group == BUILTIN_GROUP and _normal(name) == CORE_DISTRIBUTION
        if plugin or builtin:
            major = int(plugin[1]) if plugin else API_MAJOR
            yield Found(entry.name, entry.value, name, version, major, builtin, location, requires, record)


def _name(distribution: Distribution) -> str:
    try:
        return distribution.metadata["Name"] or "unknown"
    except Exception:
        folder = Path(str(getattr(distribution, "_path", "unknown")))
        return folder.stem.partition("-")[0]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def environment_stamp() -> str:
    """Names and versions of everything installed: a changed dependency can break a plugin that has not changed."""
    names: set[str] = set()
    for folder in sys.path:
        try:
            names.update(
                entry.name for entry in Path(folder or ".").iterdir() if entry.suffix == ".dist-info"
            )
        except OSError:
            continue
    return "\n".join(sorted(names))
