"""The guides of docs/operate against what they talk about: commands, options, files, settings and links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from medianest_core.base.settings import AppSettings
from medianest_core.cli.app import app

ROOT = Path(__file__).parents[3]
GUIDES = sorted((ROOT / "docs/operate").glob("*.md"))
WAYS = {"install.md", "compose.md", "container.md", "proxy.md"}


def blocks(text: str) -> Iterator[str]:
    """Lines of commands, without prose."""
    for _language, block in re.findall(r"^```(sh)\n(.*?)^```", text, re.S | re.M):
        yield from (line for line in block.splitlines() if line.strip())


def commands(line: str) -> list[str] | None:
    """What stands behind `medianest` in a line that runs it."""
    words = shlex.split(line, comments=True)
    if words[0] == "medianest":
        return words[1:]
    if words[0] == "runuser":
        return words[words.index("--") + 2 :]
    if words[:2] == ["docker", "compose"] and ("exec" in words or "run" in words):
        # The name of a service may be the same word.
        last = len(words) - 1 - words[::-1].index("medianest")
        return words[last + 1 :]
    return None


def test_each_way_has_a_guide_with_upgrade_and_rollback() -> None:
    assert {path.name for path in GUIDES} >= WAYS
    for name in WAYS:
        headings = re.findall(r"^## (.*)", (ROOT / "docs/operate" / name).read_text("utf-8"), re.M)
        told = " ".join(headings).lower()
        assert "upgrade" in told and "rollback" in told, name


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_links_lead_somewhere(guide: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", guide.read_text("utf-8")):
        if not target.startswith("http"):
            assert (guide.parent / target).exists(), target


@pytest.mark.parametrize("name", sorted(WAYS))
def test_settings_are_settings(name: str) -> None:
    guide = ROOT / "docs/operate" / name
    known = {f"MEDIANEST_{name.upper()}" for name in AppSettings.model_fields}
    of_compose = set(
        re.findall(r"^#?(MEDIANEST_[A-Z_]+)=", (ROOT / "deploy/env.example").read_text("utf-8"), re.M)
    )
    used = {
        name.removesuffix("_FILE") for name in re.findall(r"\bMEDIANEST_[A-Z_]+\b", guide.read_text("utf-8"))
    }
    assert used - known - of_compose == set()


@pytest.mark.parametrize("name", sorted(WAYS))
def test_files_are_there(name: str) -> None:
    text = (ROOT / "docs/operate" / name).read_text("utf-8")
    made = {"deploy/.env", "deploy/secrets/"}
    for path in set(re.findall(r"\bdeploy/[\w./-]*[\w/]", text)) - made:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", sorted(WAYS))
def test_commands_and_their_options_exist(name: str) -> None:
    group = typer.main.get_command(app)
    seen = 0
    for line in blocks((ROOT / "docs/operate" / name).read_text("utf-8")):
        words = commands(line)
        if not words or not words[0].islower() or words[0].startswith(("-", "/")):
            continue
        command, context = group, None
        while words and hasattr(command, "get_command"):
            found = command.get_command(context, words[0])
            assert found is not None, line
            command, words = found, words[1:]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
        seen += 1
    assert seen or name == "proxy.md"


def test_services_in_compose_commands_exist() -> None:
    from ruamel.yaml import YAML

    for name in ("compose.md", "container.md"):
        for line in blocks((ROOT / "docs/operate" / name).read_text("utf-8")):
            if not line.startswith("docker compose"):
                continue
            words = shlex.split(line)
            made = YAML(typ="safe").load((ROOT / words[3]).read_text("utf-8"))["services"]
            verb, rest = words[4], words[5:]
            if verb == "exec":
                assert rest[0] == "-u" and rest[2] in made, line
            elif verb == "run":
                assert rest[0] == "--rm" and rest[1] in made, line
            elif verb in ("logs", "stop"):
                assert set(rest) <= set(made), line
