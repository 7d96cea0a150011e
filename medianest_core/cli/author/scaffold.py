"""Makes the files of a new plugin: a small distribution that is complete from the first minute."""

from __future__ import annotations

import ast
import importlib.util
import keyword
import sys
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from packaging.version import Version

from medianest_core.cli.author.kinds import KINDS, Kind
from medianest_core.host.discovery import CORE_DISTRIBUTION
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.manifest import NAME_PATTERN
from medianest_core.sdk.markers import API_MAJOR
from medianest_core.sdk.version import API_VERSION

_TEMPLATES = Path(__file__).parent / "scaffold"


def new_plugin(name: str, kind: str, title: str = "", homepage: str = "") -> dict[str, str]:
    """Path in the new distribution → text. name: as the plugin shall be called. Raises MediaNestError."""
    plain = name.strip().lower().removeprefix("medianest-").replace("-", "_")
    if not NAME_PATTERN.fullmatch(plain) or keyword.iskeyword(plain):
        raise MediaNestError("A plugin's name has 2 to 30 lower-case letters, digits and dashes.")
    if plain in {"core", "files"} or _taken(f"medianest_{plain}"):
        raise MediaNestError(f"There is a package medianest_{plain} here already; take another name.")
    if kind not in KINDS:
        raise MediaNestError(f"There is no kind {kind}; take one of {', '.join(KINDS)}.")
    chosen, package = KINDS[kind], f"medianest_{plain}"
    core = Version(version(CORE_DISTRIBUTION))
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # it writes Python and TOML, nothing that a browser reads
    )
    values = {
        "name": plain,
        "distribution": f"medianest-{plain.replace('_', '-')}",
        "package": package,
        "cls": "".join(part.capitalize() for part in plain.split("_")),
        "const": plain.upper(),
        "title": title.strip() or plain.replace("_", " ").capitalize(),
        "homepage": homepage,
        "kind": chosen,
        "api": API_VERSION,
        "api_major": API_MAJOR,
        "core": f"{core.major}.{core.minor}",
        "next_major": core.major + 1,
    }
    if '"' in str(values["title"]) or "\\" in str(values["title"]) or '"' in homepage:
        raise MediaNestError("A title has no quotation marks and no backslashes.")
    return {
        path: _tidy(environment.get_template(template).render(values), package, path)
        for path, template in _files(chosen, plain, package).items()
    }


def _files(kind: Kind, name: str, package: str) -> dict[str, str]:
    own, shared = f"kinds/{kind.folder}", "common"
    found = {
        "pyproject.toml": f"{shared}/pyproject.toml.jinja",
        "README.md": f"{shared}/README.md.jinja",
        ".gitignore": f"{shared}/gitignore.jinja",
        ".github/workflows/check.yml": f"{shared}/workflow.yml.jinja",
        f"{package}/__init__.py": f"{shared}/package/__init__.py.jinja",
        f"{package}/plugin.py": f"{shared}/package/plugin.py.jinja",
        f"{package}/quality.toml": f"{shared}/package/quality.toml.jinja",
        f"{package}/py.typed": f"{shared}/package/py.typed.jinja",
        f"{package}/settings.py": f"{shared}/package/settings.py.jinja",
        f"{package}/service.py": f"{shared}/package/service.py.jinja",
        "tests/test_plugin.py": f"{shared}/trials/test_plugin.py.jinja",
    }
    if kind.client:
        found |= {f"{package}/{one}.py": f"{shared}/package/{one}.py.jinja" for one in ("client", "models")}
    simulator = f"{shared}/package" if kind.simulator else own
    found[f"{package}/simulator.py"] = f"{simulator}/simulator.py.jinja"
    if kind.folder == "page":
        found |= {
            f"{package}/pages.py": f"{own}/pages.py.jinja",
            f"{package}/status.py": "kinds/status/provider.py.jinja",
            f"{package}/templates/{name}/page.html": f"{own}/page.html.jinja",
            f"{package}/templates/{name}/card.html": f"{own}/card.html.jinja",
        }
    else:
        found[f"{package}/{kind.module}.py"] = f"{own}/provider.py.jinja"
    if (_TEMPLATES / own / "tests.py.jinja").is_file():
        found[f"tests/test_{kind.module}.py"] = f"{own}/tests.py.jinja"
    if kind.suites:
        found["tests/test_contract.py"] = f"{shared}/trials/test_contract.py.jinja"
    return found


def _taken(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _tidy(text: str, package: str, path: str) -> str:
    """Python with its imports in the usual order: they depend on the plugin's name, which comes before or after others."""
    if not path.endswith(".py"):
        return text
    lines = text.splitlines(keepends=True)
    block = [
        node
        for node in ast.parse(text, path).body
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__"
    ]
    if not block:
        return text
    first, last = block[0].lineno - 1, block[-1].end_lineno or block[-1].lineno
    groups: dict[int, list[tuple[bool, str, str]]] = {}
    for node in block:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
        top = module.partition(".")[0]
        group = 2 if top == package else 0 if top in sys.stdlib_module_names else 1
        source = "".join(lines[node.lineno - 1 : node.end_lineno])
        groups.setdefault(group, []).append((isinstance(node, ast.ImportFrom), module, source))
    sections = ["".join(source for *_, source in sorted(groups[one])) for one in sorted(groups)]
    return "".join([*lines[:first], "\n".join(sections), *lines[last:]])
