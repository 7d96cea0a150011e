"""`medianest plugins compat`, `trace` and `audit`: what they tell of plugins, installed or not."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medianest_core.cli.app import app
from medianest_core.cli.author.facts import fixed_hosts
from medianest_core.cli.author.scaffold import new_plugin
from medianest_core.sdk.settings import HttpUrl, ServiceSettings

ROOT = Path(__file__).parents[4]
PIHOLE = ROOT / "examples" / "thirty_lines" / "pihole.py"


@pytest.fixture(autouse=True)
def _finders() -> Iterator[None]:
    before = sys.meta_path[:]
    yield
    sys.meta_path[:] = before


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["plugins", *arguments])
    return done.exit_code, done.output


def wheel(
    folder: Path, metadata: str = "", points: str = "[medianest.plugins.v1]\npihole = pihole\n"
) -> Path:
    path = folder / "medianest_pihole-2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("pihole.py", PIHOLE.read_text())
        head = "Metadata-Version: 2.1\nName: medianest-pihole\nVersion: 2.0\n"
        file.writestr("medianest_pihole-2.0.dist-info/METADATA", head + metadata)
        file.writestr("medianest_pihole-2.0.dist-info/entry_points.txt", points)
    return path


def test_a_wheel_that_fits_says_what_it_would_bring(tmp_path: Path) -> None:
    code, output = run("compat", str(wheel(tmp_path, "Requires-Dist: medianest>=0.1,<1\n")), "--json")
    assert code == 0, output
    (one,) = json.loads(output)["plugins"]
    assert (one["plugin"], one["version"], one["facts"]["providers"]) == ("pihole", "2.0", ["StatusProvider"])
    assert [service["name"] for service in one["facts"]["services"]] == ["pihole"]


def test_a_wheel_that_does_not_fit_is_not_run(tmp_path: Path) -> None:
    needs = "Requires-Python: >=3.99\nRequires-Dist: medianest>=9\nRequires-Dist: no-such-thing>=1\nRequires-Dist: pluggy<1\n"
    code, output = run("compat", str(wheel(tmp_path, needs)))
    assert code == 1
    for part in ("It needs Python >=3.99", "no-such-thing", "pluggy<1", "It needs MediaNest", "does not fit"):
        assert part in output, output


def test_a_name_that_is_taken_and_another_api_are_told(tmp_path: Path) -> None:
    code, output = run("compat", str(wheel(tmp_path, points="[medianest.plugins.v7]\nplex = pihole\n")))
    assert code == 1 and "medianest-plex brings a plugin called plex too" in output
    assert "written for plugin API 7" in output
    code, output = run("compat", str(wheel(tmp_path, points="[console_scripts]\nx = pihole:y\n")))
    assert code == 1 and "no entry point" in output


def test_what_is_no_distribution_is_told(tmp_path: Path) -> None:
    (tmp_path / "torn.whl").write_bytes(b"no zip")
    for place in (tmp_path, tmp_path / "torn.whl", tmp_path / "none.whl"):
        assert run("compat", str(place))[0] == 2


def test_a_folder_is_looked_at_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, source in new_plugin("greenhouse", "webhook").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source)
    monkeypatch.chdir(tmp_path.parent)
    code, output = run("compat", tmp_path.name)
    assert code == 0 and "providers    WebhookReceiver" in output, output


def test_fixed_hosts_are_told_apart_from_typed_ones() -> None:
    class Far(ServiceSettings):
        url: HttpUrl

        def hosts(self) -> list[str]:
            return [*super().hosts(), "api.example.org:443"]

    assert fixed_hosts(Far) == ["api.example.org:443"]


def test_trace_shows_each_step(tmp_path: Path) -> None:
    (tmp_path / "pihole.py").write_text(PIHOLE.read_text())
    code, output = run("trace", str(tmp_path / "pihole.py"), "--data-dir", str(tmp_path))
    assert code == 0, output
    for part in ("discovered   pihole", "asked        register_status_providers", "StatusProvider Status"):
        assert part in output
    assert run("trace", "no_such", "--data-dir", str(tmp_path))[0] == 2


def test_audit_tells_rule_by_rule(tmp_path: Path) -> None:
    (tmp_path / "pihole.py").write_text(PIHOLE.read_text())
    code, output = run("audit", str(tmp_path / "pihole.py"), "--data-dir", str(tmp_path))
    assert code == 0 and "pihole: below bronze" in output and "The manifest has no description." in output
