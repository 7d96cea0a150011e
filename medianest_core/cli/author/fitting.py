"""Would a distribution that is not installed yet fit here? Its metadata is read; its code runs only in a child process."""

from __future__ import annotations

import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, PathDistribution, version
from os import PathLike
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from medianest_core.base.finding import Finding, ok, problem, warning
from medianest_core.cli.author.look import look_at
from medianest_core.host.compat import refusal
from medianest_core.host.discovery import Discovery, Found, discover
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.markers import ENTRY_POINT_GROUP


@dataclass(frozen=True, slots=True)
class Fit:
    """plugin: its name, empty where the distribution brings none. facts: what it would bring; see `facts_of`."""

    plugin: str
    distribution: str
    version: str
    findings: Sequence[Finding]
    facts: dict[str, Any]


def fits(place: Path) -> list[Fit]:
    """One answer for each plugin of a wheel, or of a folder with a `pyproject.toml`. Raises MediaNestError for anything else."""
    # The child process that runs its code stands elsewhere.
    place = place.absolute()
    if place.is_dir() and (place / "pyproject.toml").is_file():
        return _all(_of_project(place), [str(place)])
    if place.suffix == ".whl" and place.is_file():
        with tempfile.TemporaryDirectory(prefix="medianest-fit-") as folder:
            try:
                with zipfile.ZipFile(place) as wheel:
                    # `extractall` keeps every member below the folder.
                    wheel.extractall(folder)
            except zipfile.BadZipFile as error:
                raise MediaNestError(f"{place} is no wheel: {error}.") from error
            inside = [PathDistribution(path) for path in Path(folder).glob("*.dist-info")]
            return _all(inside, [folder])
    raise MediaNestError(
        f"{place} is neither a wheel nor a folder with a pyproject.toml. Fetch one first: pip download --no-deps NAME"
    )


def _of_project(folder: Path) -> list[Distribution]:
    """The metadata that a build would write, as far as it stands in `pyproject.toml`."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        name, number = str(project["name"]), str(project.get("version", "0"))
        groups = {str(group): dict(points) for group, points in project.get("entry-points", {}).items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MediaNestError(f"{folder}/pyproject.toml cannot be read: {error}.") from error
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}"]
    if "requires-python" in project:
        lines.append(f"Requires-Python: {project['requires-python']}")
    lines += [f"Requires-Dist: {one}" for one in project.get("dependencies", ())]
    points = "\n".join(
        f"[{group}]\n" + "\n".join(f"{key} = {value}" for key, value in members.items())
        for group, members in groups.items()
    )
    return [_Written({"METADATA": "\n".join(lines) + "\n\n", "entry_points.txt": points}, folder)]


class _Written(Distribution):
    def __init__(self, texts: dict[str, str], folder: Path) -> None:
        self._texts = texts
        self._folder = folder

    def read_text(self, filename: str) -> str | None:
        return self._texts.get(filename)

    def locate_file(self, path: str | PathLike[str]) -> Path:
        return self._folder / path


def _all(inside: Sequence[Distribution], path: Sequence[str]) -> list[Fit]:
    here = discover()
    found = discover(inside)
    needs = [one for distribution in inside for one in _requirements(distribution)]
    if not found.found:
        reasons = [one.reason for one in found.unreadable]
        text = reasons[0] if reasons else f"It has no entry point in {ENTRY_POINT_GROUP}."
        name = str(inside[0].metadata["Name"]) if inside else ""
        told = problem("metadata", text, "It brings no plugin.")
        return [Fit("", name, inside[0].version if inside else "", [told, *needs], {})]
    return [_one(one, here, needs, path) for one in found.found]


def _one(found: Found, here: Discovery, needs: Sequence[Finding], path: Sequence[str]) -> Fit:
    findings = list(needs)
    facts: dict[str, Any] = {}
    rival = next((one for one in here.found if one.name == found.name), None)
    if rival is not None and rival.distribution != found.distribution:
        findings.append(
            problem(
                "name",
                f"{rival.distribution} brings a plugin called {found.name} too.",
                "Uninstall it first.",
            )
        )
    elif rival is not None:
        findings.append(ok("name", f"It takes the place of {rival.distribution} {rival.version}."))
    if (reason := refusal(found)) is not None:
        findings.append(problem("API", reason, "Look for another version of it."))
        return Fit(found.name, found.distribution, found.version, findings, facts)
    findings.append(ok("API", f"It is written for plugin API {found.api_major}."))
    seen = look_at(found, thorough=False, path=[*path, *(entry for entry in sys.path if entry)])
    facts = seen.facts
    findings += [one for one in seen.findings if one.remedy or one.check == "declarations"]
    return Fit(found.name, found.distribution, found.version, findings, facts)


def _requirements(distribution: Distribution) -> list[Finding]:
    told: list[Finding] = []
    python = (distribution.metadata.get_all("Requires-Python") or [""])[0]
    running = ".".join(str(part) for part in sys.version_info[:3])
    if python and running not in Requirement(f"python{python}").specifier:
        told.append(
            problem("requirements", f"It needs Python {python}; this is {running}.", "Use another Python.")
        )
    for text in distribution.requires or ():
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            told.append(
                warning("requirements", f"{text} is no requirement that can be read.", "Ask its author.")
            )
            continue
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            have = version(wanted.name)
        except PackageNotFoundError:
            told.append(
                warning(
                    "requirements", f"It needs {wanted}, which is not installed.", "An installer will add it."
                )
            )
            continue
        if not wanted.specifier.contains(have, prereleases=True):
            told.append(
                problem(
                    "requirements",
                    f"It needs {wanted}; {have} runs here.",
                    "Installing it would change what the portal runs on.",
                )
            )
    return told or [ok("requirements", "All it needs is here, in versions that suit it.")]
