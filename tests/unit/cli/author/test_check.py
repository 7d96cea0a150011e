"""`medianest plugins check`: what is told of a sound plugin, and of each thing that can be wrong with one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medianest_core.base.finding import Finding, Level
from medianest_core.cli.app import app
from medianest_core.cli.author.imports import private_imports
from medianest_core.cli.author.inside import Look
from medianest_core.cli.author.look import look_at, targets
from medianest_core.cli.author.pages import template_findings
from medianest_core.cli.author.samples import fitting
from medianest_core.host.discovery import Found, discover
from medianest_core.sdk.errors import MediaNestError

ROOT = Path(__file__).parents[4]
PIHOLE = (ROOT / "examples" / "thirty_lines" / "pihole.py").read_text()
HEAD = """
from pydantic import BaseModel
from medianest_core.sdk import *
from medianest_core.sdk import Job, Manifest, Secret, ServiceSettings, ServiceType, TableSet, hookimpl
manifest = Manifest("thing", title="Thing", api="1.0", description="Things.")
"""


@pytest.fixture(autouse=True)
def _finders() -> Iterator[None]:
    before = sys.meta_path[:]
    yield
    sys.meta_path[:] = before


def written(folder: Path, name: str, source: str) -> Found:
    (folder / f"{name}.py").write_text(source)
    return next(one for one in discover([], folder=folder).found if one.name == name)


def told(findings: list[Finding], level: Level = Level.PROBLEM) -> str:
    return "\n".join(f"{one.check}: {one.text}" for one in findings if one.level is level)


def looked(folder: Path, body: str) -> Look:
    look = Look(written(folder, "thing", HEAD + body))
    look.take(None, thorough=True)
    return look


def test_the_thirty_lines_are_sound(tmp_path: Path) -> None:
    path = tmp_path / "pihole.py"
    path.write_text(PIHOLE)
    done = CliRunner().invoke(app, ["plugins", "check", str(path), "--json", "--data-dir", str(tmp_path)])
    assert done.exit_code == 0, done.output
    report = json.loads(done.output)
    assert report["sound"] is True
    checks = {one["check"] for one in report["plugins"]["pihole"]}
    assert {"imports", "import", "declarations", "purity", "settings of pihole"} <= checks
    assert sorted(one.name for one in tmp_path.iterdir()) == ["pihole.py"]


def test_what_python_itself_writes_at_a_first_import_is_none_of_its_deeds(tmp_path: Path) -> None:
    (tmp_path / "fresh.py").write_text("word = 'fresh'\n")
    code = (
        "import sys; sys.dont_write_bytecode = False; sys.path.insert(0, sys.argv[1])\n"
        "from medianest_core.cli.author.purity import Watch\n"
        "watch = Watch()\n"
        "with watch.watching():\n    import fresh\n"
        "print(watch.deeds)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.glob("__pycache__/fresh.*"))


def test_what_it_does_while_it_is_imported_is_seen(tmp_path: Path) -> None:
    deeds = (
        "import os, socket, threading, pathlib\n"
        "os.environ['SHE'] = 'sells'\n"
        f"pathlib.Path({str(tmp_path / 'left')!r}).write_text('sea shells')\n"
        "try:\n    socket.create_connection(('127.0.0.1', 9), 0.2)\nexcept OSError:\n    pass\n"
        "threading.Thread(target=threading.Event().wait, daemon=True, name='shore').start()\n"
        "print('on the sea shore')\n"
    )
    found = written(tmp_path, "pihole", deeds + PIHOLE)
    text = told(list(look_at(found, thorough=True).findings))
    for deed in (
        "environment",
        f"writes {tmp_path}/left",
        "connects",
        "threads (shore)",
        "prints: on the sea",
    ):
        assert deed in text, text


def test_an_import_that_ends_the_process_is_told(tmp_path: Path) -> None:
    seen = look_at(written(tmp_path, "deadly", "import os\nos._exit(5)\n"), thorough=True)
    assert "ended the process (exit code 5)" in told(list(seen.findings))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("@hookimpl\ndef register_catalog():\n    return []", "Did you mean register_catalogs"),
        ("@hookimpl\nasync def register_contributions():\n    return []", 'must be a plain "def"'),
        ("@hookimpl\ndef register_contributions():\n    return 1 / 0", "ZeroDivisionError"),
        (
            "class A(BaseModel): pass\nasync def go(job, args): pass\n@hookimpl\ndef register_contributions():\n"
            "    return [Job('go', lambda job, args: None, A)]",
            'must be "async def"',
        ),
        (
            "class A(BaseModel): pass\n@hookimpl\ndef register_contributions():\n"
            "    async def go(job, args): pass\n    return [Job('go', go, A)]",
            "Asked twice, it brings other contributions",
        ),
        ("manifest = Manifest('other', title='Thing', api='1.0')", 'The manifest is called "other"'),
        ("manifest = Manifest('thing', title='Thing', api='1.99')", "needs plugin API 1.99"),
        (
            "from pydantic import field_validator\nclass S(ServiceSettings):\n    name: str = 'a'\n"
            "    @field_validator('name')\n    def longer(cls, value): return value + 'x'\n"
            "@hookimpl\ndef register_services():\n    return [ServiceType('s', S)]",
            "Stored and read again it is something else",
        ),
        (
            "class S(ServiceSettings):\n    key: Secret\n    def __repr__(self): return self.key.reveal()\n"
            "@hookimpl\ndef register_services():\n    return [ServiceType('s', S)]",
            "A secret shows",
        ),
        (
            "from pydantic import field_serializer\nclass A(BaseModel):\n    n: int = 1\n"
            "    @field_serializer('n')\n    def as_words(self, value): return 'one'\n"
            "async def go(job, args): pass\nGO = Job('go', go, A)\n@hookimpl\ndef register_contributions():\n"
            "    return [GO]",
            "Its JSON is not read again",
        ),
    ],
)
def test_each_mistake_is_told(tmp_path: Path, body: str, expected: str) -> None:
    assert expected in told(looked(tmp_path, body).findings)


def test_a_sound_one_has_no_problem_and_says_what_it_brings(tmp_path: Path) -> None:
    look = looked(
        tmp_path,
        "class A(BaseModel):\n    n: int = 1\nasync def go(job, args): pass\nGO = Job('go', go, A)\n"
        "class S(ServiceSettings):\n    key: Secret\n    few: list[str] = []\n    many: int = 3\n    on: bool = False\n"
        "S_TYPE = ServiceType('s', S)\n@hookimpl\ndef register_services():\n    return [S_TYPE]\n"
        "@hookimpl\ndef register_contributions():\n    return [GO]",
    )
    assert told(look.findings) == told(look.findings, Level.WARNING) == ""
    assert look.facts["services"][0]["secrets"] == ["key"] and look.facts["contributions"] == {"Job": 1}
    assert [(hook, names) for hook, _, names in look.calls] == [
        ("register_services", ["ServiceType s"]),
        ("register_contributions", ["Job thing.go" if "." in look.calls[1][2][0] else "Job go"]),
    ]


def test_private_imports_are_told_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(
        "from medianest_core.sdk import Manifest, Nonsense\n"
        "from medianest_core.host.guard import Guard\n"
        "def late():\n    import importlib\n    importlib.import_module('medianest_core.store')\n"
        "import medianest_plex.client\n"
        "from medianest_core.testing import shapes\n"
    )
    (tmp_path / "simulator.py").write_text("from medianest_core.testing.simulators import Simulator\n")
    files = sorted(tmp_path.glob("*.py"))
    findings = private_imports(files, tmp_path, ["medianest_plex"])
    problems = told(findings)
    for line in ("plugin.py:1 imports Nonsense", "plugin.py:2", "plugin.py:5", "plugin.py:6"):
        assert line in problems
    assert "plugin.py:7" in told(findings, Level.WARNING)
    assert "simulator.py" not in problems + told(findings, Level.WARNING)


def test_who_is_meant(tmp_path: Path) -> None:
    assert {one.name for one in targets(None, tmp_path)[0]} >= {"plex", "arr"}
    assert [one.name for one in targets("plex", tmp_path)[0]] == ["plex"]
    for name in ("no_such", str(tmp_path / "none.py")):
        with pytest.raises(MediaNestError):
            targets(name, tmp_path)
    done = CliRunner().invoke(app, ["plugins", "check", "no_such", "--data-dir", str(tmp_path)])
    assert done.exit_code == 2 and "No plugin called no_such" in done.output


def test_samples_fit_awkward_models() -> None:
    from pydantic import BaseModel, Field, field_validator

    class Inner(BaseModel):
        at: float = Field(gt=3)

    class Awkward(BaseModel):
        name: str = Field(min_length=9)
        inner: list[Inner]
        choice: str | None = None
        code: str = ""

        @field_validator("code")
        @classmethod
        def strict(cls, value: str) -> str:
            if value not in {"", "only this"}:
                raise ValueError("no")
            return value

    found = fitting(Awkward)
    assert len(found.name) >= 9 and found.inner[0].at > 3


def test_templates_keep_to_the_content_policy(tmp_path: Path) -> None:
    sound = tmp_path / "sound.html"
    sound.write_text(
        '{# <script> in a comment #}<div hx-get="/p/x/" hx-trigger="live" class="card">{{ text }}</div>'
    )
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<p>fine</p>\n<script>1</script>\n<p style='x'>\n<a onclick=\"go()\">\n<b hx-on:click='x'>\n"
        "<i hx-trigger=\"click[ctrlKey]\">\n<img src='https://elsewhere.example/a.png'>\n<style>p{}</style>\n"
    )
    assert told(template_findings([sound], tmp_path)) == ""
    lines = told(template_findings([bad], tmp_path)).splitlines()
    assert [line.partition("bad.html:")[2].split(" ")[0] for line in lines] == [
        "2",
        "8",
        "3",
        "4",
        "5",
        "6",
        "7",
    ]
