"""What the content policy of the portal refuses in a plugin's templates, or leaves without effect. Read, not rendered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from medianest_core.base.finding import Finding, ok, problem

_FORBIDDEN = (
    (
        re.compile(r"<script\b(?![^>]*\bsrc=)", re.I),
        "a script of its own",
        "Use htmx attributes and data-live-topic.",
    ),
    (re.compile(r"<style\b", re.I), "a style of its own", "Use the documented classes."),
    (re.compile(r"\sstyle\s*=", re.I), "a style attribute", "Use the documented classes."),
    (re.compile(r"\son[a-z]+\s*=\s*[\"']", re.I), "an inline handler", "Use htmx attributes."),
    (
        re.compile(r"hx-on\b|hx-vals\s*=\s*[\"']js:", re.I),
        "htmx that evaluates text",
        "Send values with the form.",
    ),
    (
        re.compile(r"hx-trigger\s*=\s*[\"'][^\"']*\["),
        "a filter on a trigger, which would always fire",
        "Decide on the server.",
    ),
    (
        re.compile(
            r"(?:src|href|action)\s*=\s*[\"']https?://[^\"']+\.(?:js|css|png|jpe?g|gif|svg|woff2?)", re.I
        ),
        "a file from elsewhere",
        "Only what the portal serves itself is loaded.",
    ),
)


def template_findings(templates: Sequence[Path], home: Path) -> list[Finding]:
    """home: what their names are told from."""
    found: list[Finding] = []
    for file in templates:
        # What a comment shows is not sent.
        text = re.sub(
            r"\{#.*?#\}",
            lambda match: "\n" * match[0].count("\n"),
            file.read_text("utf-8", "replace"),
            flags=re.S,
        )
        for pattern, what, remedy in _FORBIDDEN:
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(problem("templates", f"{file.relative_to(home)}:{line} has {what}.", remedy))
    if templates and not found:
        found.append(ok("templates", f"{len(templates)} keep to the content policy."))
    return found
