"""What is given to engines, shells and service managers, checked by their own tools."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
COMPOSE = ("compose.yaml", "compose.single.yaml")


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


def tool(name: str) -> Path:
    """A program that the development environment brings."""
    path = Path(sys.executable).parent / name
    assert path.is_file(), f"{name} is missing; run `make setup`"
    return path


def compose(name: str) -> Any:
    return YAML(typ="safe").load((DEPLOY / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_files_keep_to_the_specification(name: str) -> None:
    _run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DEPLOY / name)


def test_dockerfile_has_no_findings() -> None:
    _run(tool("hadolint"), "--failure-threshold", "style", DEPLOY / "Dockerfile")


def test_scripts_have_no_findings() -> None:
    _run(tool("shellcheck"), *sorted(DEPLOY.glob("*.sh")))


def test_only_nginx_can_be_reached_from_outside() -> None:
    made = compose("compose.yaml")
    assert [name for name, one in made["services"].items() if "ports" in one] == ["nginx"]
    inside = {name for name, one in made["networks"].items() if (one or {}).get("internal")}
    for store in ("postgres", "redis"):
        assert set(made["services"][store]["networks"]) <= inside, store
    assert not set(made["services"]["nginx"]["networks"]) & inside


def test_the_portal_keeps_its_address_when_it_is_started_again() -> None:
    """nginx asks for the address behind a name only when it starts."""
    made = compose("compose.yaml")

    def default(value: str) -> str:
        found = re.fullmatch(r"\$\{\w+:-(.+)\}", value)
        assert found, value
        return found[1]

    (pool,) = made["networks"]["edge"]["ipam"]["config"]
    web = ip_address(default(made["services"]["web"]["networks"]["edge"]["ipv4_address"]))
    network = ip_network(default(pool["subnet"]))
    assert web in network
    # The engine itself has the first one, and gives the next ones to others.
    assert int(web) > int(network.network_address) + len(made["services"]) + 1
    conf = (DEPLOY / "nginx" / "medianest.conf").read_text("utf-8")
    assert re.findall(r"^    server (\w+):\d+;", conf, re.M) == ["web"]


@pytest.mark.parametrize("name", COMPOSE)
def test_each_service_comes_back_and_is_waited_for(name: str) -> None:
    services = compose(name)["services"]
    for title, one in services.items():
        assert one["restart"] == "unless-stopped", title
        for other, how in (one.get("depends_on") or {}).items():
            assert how["condition"] == "service_healthy", (title, other)
            builds = "build" in services[other]
            assert builds or "test" in services[other]["healthcheck"], other


def test_no_secret_stands_in_a_compose_file() -> None:
    made = compose("compose.yaml")
    used = {name for one in made["services"].values() for name in one.get("secrets", [])}
    assert used == set(made["secrets"])
    for one in made["services"].values():
        for name, value in (one.get("environment") or {}).items():
            if re.search("PASSWORD|DATABASE_URL|REDIS_URL", name):
                assert name.endswith("_FILE"), name
                assert Path(value).name in one["secrets"]


def test_what_compose_uses_is_there() -> None:
    made = compose("compose.yaml")
    for one in made["services"].values():
        for volume in one.get("volumes", []):
            source = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", volume).split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).is_file(), source
            else:
                assert source in made["volumes"]
        if "build" in one:
            assert (DEPLOY / one["build"]["context"] / one["build"]["dockerfile"]).is_file()
    named = set(re.findall(r"\$\{(\w+)", "".join((DEPLOY / name).read_text("utf-8") for name in COMPOSE)))
    explained = set(re.findall(r"^#?([A-Z_]+)=", (DEPLOY / "env.example").read_text("utf-8"), re.M))
    assert named == explained


def test_settings_in_files_are_settings_of_the_portal() -> None:
    from medianest_core.base.settings import AppSettings

    known = {f"MEDIANEST_{name.upper()}" for name in AppSettings.model_fields}
    used: set[str] = set()
    for name in COMPOSE:
        for one in compose(name)["services"].values():
            used |= {
                key.removesuffix("_FILE") for key in one.get("environment", {}) if key.startswith("MEDIANEST")
            }
    used |= set(re.findall(r"\b(MEDIANEST_\w+)=", (DEPLOY / "Dockerfile").read_text("utf-8")))
    for unit in (DEPLOY / "systemd").glob("*"):
        used |= {
            name.removesuffix("_FILE") for name in re.findall(r"\b(MEDIANEST_\w+)=", unit.read_text("utf-8"))
        }
    assert used - known == set()


def test_the_image_gets_what_its_build_copies() -> None:
    listed = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    for needed in re.findall(r"\bdeploy/[\w.-]+\.\w+", dockerfile):
        assert f"!{needed}" in listed, needed
        assert (ROOT / needed).is_file()
    for entry in listed:
        if entry.startswith("!"):
            assert (ROOT / entry[1:]).exists(), entry


def test_commands_that_files_start_exist() -> None:
    import shlex

    import typer

    from medianest_core.cli.app import app

    started = [
        one["command"]
        for name in COMPOSE
        for one in compose(name)["services"].values()
        if "medianest" in one["image"] and "command" in one
    ]
    for unit in UNITS:
        (line,) = re.findall(r"^ExecStart=(.*)$", (DEPLOY / "systemd" / unit).read_text("utf-8"), re.M)
        started.append(shlex.split(line))
    (line,) = re.findall(r"^CMD \[(.*)\]$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.M)
    started.append([word.strip(' "') for word in line.split(",")])
    assert len(started) == 5
    known = getattr(typer.main.get_command(app), "commands")  # noqa: B009  # click's own attribute, untyped here
    for program, command, *rest in started:
        assert Path(program).name == "medianest"
        options = {
            option
            for parameter in known[command].params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert {word for word in rest if word.startswith("--")} <= options, (command, rest)


UNITS = ("medianest.service", "medianest-worker.service")


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_understood(unit: str, tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / unit).read_text(encoding="utf-8")
    parsed = ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]  # as the standard library documents it
    parsed.read_string(text)
    assert parsed.sections() == ["Unit", "Service", "Install"]
    assert parsed["Service"]["User"] != "root"
    if (program := shutil.which("systemd-analyze")) is None:
        return
    # The command that a unit names is made by the guide; here another stands in for it.
    for name in UNITS:
        stands_in = (DEPLOY / "systemd" / name).read_text(encoding="utf-8")
        stands_in = stands_in.replace("/opt/medianest/bin/medianest", "/bin/true")
        (tmp_path / name).write_text(stands_in, encoding="utf-8")
    done = subprocess.run(
        [program, "verify", "--man=no", str(tmp_path / unit)], capture_output=True, text=True, timeout=60
    )
    told = (done.stdout + done.stderr).splitlines()
    assert [line for line in told if "medianest" in line] == []
