"""Everything that `medianest plugins check` looks at in one plugin."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from medianest_core.base.finding import Finding, ok, problem, warning
from medianest_core.cli.author.imports import private_imports
from medianest_core.cli.author.look import Seen, look_at, sources_of
from medianest_core.cli.author.pages import template_findings
from medianest_core.host.compat import refusal
from medianest_core.host.discovery import CORE_DISTRIBUTION, Discovery, Found


def check_plugin(found: Found, discovery: Discovery) -> tuple[list[Finding], Seen]:
    """(all findings, what the child saw). Blocking: imports the plugin in a child process."""
    findings = [*_metadata(found), *_sources(found, discovery), *_templates(found)]
    if (reason := refusal(found)) is not None:
        return [*findings, problem("metadata", reason, "Change what the distribution asks for.")], Seen([])
    seen = look_at(found, thorough=True)
    return [*findings, *seen.findings, *_manifest(seen)], seen


def _metadata(found: Found) -> list[Finding]:
    if found.file or found.builtin:
        return []
    told: list[Finding] = []
    if not re.sub(r"[-_.]+", "-", found.distribution).lower().startswith("medianest-"):
        told.append(
            warning(
                "metadata",
                f"The distribution is called {found.distribution}.",
                f"Call it medianest-{found.name}, so that people find it.",
            )
        )
    core = [one for text in found.requires if (one := _requirement(text)) and _is_core(one)]
    if not core:
        told.append(
            warning(
                "metadata",
                "It does not say which MediaNest it needs.",
                'Add "medianest>=0.1,<1" to its dependencies.',
            )
        )
    elif not any(part.operator in {"<", "<=", "==", "~="} for part in core[0].specifier):
        told.append(
            warning(
                "metadata",
                f"It asks for {core[0]}, without an upper bound.",
                "Add one (“<1”): another major may take names away.",
            )
        )
    return told or [ok("metadata", f"{found.distribution} {found.version} for plugin API {found.api_major}.")]


def _sources(found: Found, discovery: Discovery) -> list[Finding]:
    own = found.module.partition(".")[0]
    others = [one.module.partition(".")[0] for one in discovery.found if not one.builtin and not one.file]
    files, home = sources_of(found)
    if not files:
        return [problem("imports", f"There is no module {found.module}.", "Put right the entry point.")]
    try:
        return private_imports(files, home, [one for one in others if one != own], builtin=found.builtin)
    except (SyntaxError, UnicodeDecodeError) as error:
        return [problem("imports", f"Its source cannot be read: {error}", "Put right the file.")]


def _templates(found: Found) -> list[Finding]:
    files, home = sources_of(found)
    if found.file:
        package = home / found.name
    elif len(files) > 1 and not found.builtin:
        package = home / found.module.partition(".")[0]
    else:
        return []
    return template_findings(sorted((package / "templates").rglob("*.html")), home)


def _manifest(seen: Seen) -> list[Finding]:
    if not seen.facts:
        return []
    bare = [
        f"{service['name']}.{name}"
        for service in seen.facts["services"]
        for name, told in service["fields"].items()
        if not told and name.rpartition(".")[2] != "url"
    ]
    told: list[Finding] = []
    if not seen.facts["description"]:
        told.append(warning("manifest", "It has no description.", "People read it on the plugins page."))
    if bare:
        told.append(
            warning(
                "manifest",
                f"Settings without a word of help: {', '.join(bare)}.",
                "Give the fields a title or a description.",
            )
        )
    return told or [ok("manifest", f"{seen.facts['title']}: {seen.facts['description']}")]


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _is_core(requirement: Requirement) -> bool:
    return canonicalize_name(requirement.name) == CORE_DISTRIBUTION


def worst(findings: Sequence[Finding]) -> tuple[int, int]:
    """(problems, warnings)."""
    levels = [one.level.value for one in findings]
    return levels.count("problem"), levels.count("warning")
