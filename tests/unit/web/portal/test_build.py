"""The build of the browser assets: locks without hosts, a stamp, sizes."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess

import pytest

import hatch_build
from medianest_core.web.portal.render import HERE, assets

ROOT = HERE.parents[2]
LOCK = HERE / "frontend" / "package-lock.json"


def test_lock_files_name_no_host() -> None:
    packages = json.loads(LOCK.read_text())["packages"]
    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in packages.items() if name)
    python = (ROOT / "requirements.lock").read_text()
    assert "--hash=sha256:" in python
    assert re.findall(r"https?://|--index-url|--extra-index|--find-links", python) == []
    assert "omit-lockfile-registry-resolved=true" in (HERE / "frontend" / ".npmrc").read_text()


def test_nothing_is_built_twice() -> None:
    hatch_build.build()
    assert hatch_build.build() is False


def test_node_is_asked_of_pypi_only_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = hatch_build.CustomBuildHook.__new__(hatch_build.CustomBuildHook)
    monkeypatch.setattr(shutil, "which", lambda *_args, **_named: None)
    monkeypatch.setattr(hatch_build, "_same", lambda *_: True)
    assert not any("nodejs" in name for name in hook.dependencies()), "the assets are built already"
    monkeypatch.setattr(hatch_build, "_same", lambda *_: False)
    monkeypatch.setattr(shutil, "which", lambda *_args, **_named: "/usr/bin/npm")
    assert not any("nodejs" in name for name in hook.dependencies())
    monkeypatch.setattr(shutil, "which", lambda *_args, **_named: None)
    assert any("nodejs" in name for name in hook.dependencies())


def test_npm_of_pypi_runs_where_none_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_args, **_named: None)
    for program in ("node", "npm"):
        done = subprocess.run(
            [*hatch_build._command(program), "--version"],
            env={"PATH": ""},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", done.stdout.strip())


def weight(name: str) -> int:
    data = (HERE / "static" / "dist" / assets.name(name)).read_bytes()
    return len(data) if name.endswith("woff2") else len(gzip.compress(data, 9))


def test_pages_stay_light() -> None:
    bare = sum(map(weight, ("app.css", "app.js", "figtree.woff2", "icons.svg")))
    assert bare < 100_000, "the sign-in page's files"
    assert bare + weight("socket.js") < 140_000, "a live page's files, without its own HTML"


def test_built_styles_name_only_built_fonts() -> None:
    folder = HERE / "static" / "dist"
    named = set(re.findall(r"url\(\"?(figtree[^)\"]*)\"?\)", (folder / assets.name("app.css")).read_text()))
    assert len(named) == 2
    assert all((folder / name).is_file() for name in named)


@pytest.mark.parametrize(
    "name", ["btn-primary", "poster-grid", "panel", "grid-cols-3", "text-muted", "badge-warning", "toggle"]
)
def test_vocabulary_for_plugins_is_in_the_stylesheet(name: str) -> None:
    css = (HERE / "static" / "dist" / assets.name("app.css")).read_text()
    assert f".{name}" in css
