"""What the source of a plugin imports: of MediaNest only the SDK, and nothing of other plugins. Read, not run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medianest_core import sdk
from medianest_core.base.finding import Finding, ok, problem, warning

_CORE = "medianest_core"
_SDK = f"{_CORE}.sdk"
_TESTING = f"{_CORE}.testing"
_STANDS_IN = ("simulat", "stand_in", "tests", "testing")
"""Parts of the names of files that are not the plugin itself, and may use what is for tests."""


@dataclass(frozen=True, slots=True)
class Imported:
    """module: as written, absolute. name: what is taken from it, or "". place: file and line."""

    module: str
    name: str
    place: str
    file: Path


def imports_of(files: Sequence[Path], home: Path) -> Iterator[Imported]:
    """Every absolute import of these files. home: what their names are told from. Raises SyntaxError."""
    for file in files:
        shown = file.relative_to(home) if file.is_relative_to(home) else file
        for node in ast.walk(ast.parse(file.read_text("utf-8"), str(file))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Imported(alias.name, "", f"{shown}:{node.lineno}", file)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    yield Imported(node.module, alias.name, f"{shown}:{node.lineno}", file)
            elif isinstance(node, ast.Call) and _is_import_call(node):
                argument = node.args[0] if node.args else None
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield Imported(argument.value, "", f"{shown}:{node.lineno}", file)


def private_imports(
    files: Sequence[Path], home: Path, others: Sequence[str], *, builtin: bool = False
) -> list[Finding]:
    """others: packages of the other plugins. builtin: the plugin is a part of the core itself and may import its own package."""
    found: list[Finding] = []
    count = 0
    for one in imports_of(files, home):
        count += 1
        top = one.module.partition(".")[0]
        whole = f"{one.module}.{one.name}" if one.name else one.module
        if top in others:
            found.append(
                problem(
                    "imports",
                    f"{one.place} imports {one.module}, which belongs to another plugin.",
                    "Plugins do not know each other: listen to its events, or let both use a library.",
                )
            )
        elif top != _CORE or (builtin and whole.startswith(f"{_CORE}.builtin.")):
            continue
        elif _below(whole, _TESTING):
            if not any(part in one.file.as_posix().lower() for part in _STANDS_IN):
                found.append(
                    warning(
                        "imports",
                        f"{one.place} imports {one.module}, which is for tests and simulators.",
                        "Move what needs it into simulator.py.",
                    )
                )
        elif not _below(whole, _SDK):
            found.append(
                problem(
                    "imports",
                    f"{one.place} imports {one.module}, which is private to the core and may change any day.",
                    "Import from medianest_core.sdk; what is missing there, ask for.",
                )
            )
        elif one.name and one.name.startswith("_"):
            found.append(
                problem("imports", f"{one.place} imports {whole}, which is private.", "Use public names.")
            )
        elif one.module == _SDK and one.name not in dir(sdk) and one.name != "*":
            found.append(
                problem(
                    "imports",
                    f"{one.place} imports {one.name}, which the SDK does not have.",
                    "See docs/reference/sdk.md.",
                )
            )
    return found or [
        ok("imports", f"Of the core only the SDK is imported ({count} imports in {len(files)} files).")
    ]


def _below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _is_import_call(node: ast.Call) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in {"import_module", "__import__"}
