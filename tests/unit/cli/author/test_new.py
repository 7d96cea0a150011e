"""`medianest plugins new`: for every kind a complete distribution that the portal takes as it is."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medianest_core.base.finding import Level
from medianest_core.cli.app import app
from medianest_core.cli.author.imports import private_imports
from medianest_core.cli.author.inside import Look
from medianest_core.cli.author.kinds import KINDS
from medianest_core.cli.author.scaffold import new_plugin
from medianest_core.host.declarations import KINDS as PROVIDERS
from medianest_core.host.discovery import Found
from medianest_core.sdk.errors import MediaNestError
from medianest_core.testing import contracts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("medianest_sample"):
            del sys.modules[name]


@pytest.mark.parametrize("kind", KINDS)
def test_the_portal_has_nothing_against_it(folder: Path, kind: str) -> None:
    name = f"sample_{kind}"
    package = f"medianest_{name}"
    files = new_plugin(name, kind, "Sample")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        assert not any(line != line.rstrip() for line in text.splitlines()), path
        if path.endswith(".py"):
            tree = ast.parse(text)
            assert ast.get_docstring(tree), f"{path} says what it is for"
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == f"medianest-sample-{kind}"
    module = project["entry-points"]["medianest.plugins.v1"][name]
    requires = tuple(project["dependencies"])
    look = Look(
        Found(name, module, project["name"], project["version"], 1, False, str(folder), requires=requires)
    )
    look.take(None, thorough=True)
    sources = sorted((folder / package).rglob("*.py"))
    findings = [*look.findings, *private_imports(sources, folder, [])]
    assert [one for one in findings if one.level is not Level.OK] == []
    for service in look.facts["services"]:
        assert all(service["fields"].values()), "every field has a word of help"
    if simulators := project["entry-points"].get("medianest.simulators"):
        home, _, cls = simulators[name].partition(":")
        simulator = getattr(importlib.import_module(home), cls)(data_dir=folder)
        simulator.base_url = "http://127.0.0.1:9"
        (instance,) = simulator.demo_instances()
        assert simulator.name == name and re.fullmatch(r"[a-z0-9-]{1,40}", instance.name), "the demo takes it"


def test_every_kind_of_provider_can_be_begun_with_its_contract() -> None:
    hooks = {hook.name for kind in KINDS.values() for hook in kind.hooks}
    assert set(PROVIDERS) | {"register_contributions"} == hooks
    for name, kind in KINDS.items():
        assert set(kind.suites) <= set(contracts.SUITES)
        text = new_plugin("sample", name)["tests/test_contract.py"]
        assert all(suite in text for suite in kind.suites)


def test_the_command_writes_them_once(tmp_path: Path) -> None:
    def new(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["plugins", "new", *arguments, "--dir", str(tmp_path)])
        return done.exit_code, done.output

    code, output = new("my-garage", "--kind", "page", "--title", "My garage")
    assert code == 0 and "medianest dev" in output and "medianest plugins check my_garage" in output
    made = tmp_path / "medianest-my-garage"
    assert (made / "medianest_my_garage" / "templates" / "my_garage" / "page.html").is_file()
    assert (made / ".github" / "workflows" / "check.yml").is_file()
    code, output = new("my-garage")
    assert code == 2 and "not empty" in output
    code, output = new("x", "--kind", "page")
    assert code == 2 and "2 to 30" in output
    code, output = new("garden", "--kind", "gnome")
    assert code == 2 and "no kind gnome" in output


@pytest.mark.parametrize(
    ("name", "title"), [("plex", ""), ("class", ""), ("a", ""), ("Ä", ""), ("fine", 'A "title"')]
)
def test_names_and_titles_that_cannot_be(name: str, title: str) -> None:
    with pytest.raises(MediaNestError):
        new_plugin(name, "status", title)


@pytest.mark.full
@pytest.mark.timeout(300)
def test_every_kind_keeps_its_contract_as_it_is_made(tmp_path: Path) -> None:
    for kind in KINDS:
        for path, text in new_plugin(f"acme-{kind}", kind, "Acme").items():
            (tmp_path / kind / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / kind / path).write_text(text)
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(f"{kind}/tests" for kind in KINDS)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(str(tmp_path / kind) for kind in KINDS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) > 30 * (len(KINDS) - 1)
