"""The quality scale: what machines see, what plugins claim, and that our own claims are true."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import pytest

from medianest_core.host.compat import manifest_of
from medianest_core.host.declarations import Declarations
from medianest_core.host.discovery import Found, discover
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.quality import _CHECKS, Level, State, assess, rules
from medianest_core.host.validate import collect

ROOT = Path(__file__).parents[3]
OURS = ("arr", "manifest", "overseerr", "plex", "tmdb", "uptimekuma", "youtube")
PLUGIN = """
from medianest_core.sdk import *
from medianest_core.sdk import HttpUrl, Item, Manifest, Secret, ServiceSettings, ServiceType, Snapshot, StatusProvider, hookimpl

class Settings(ServiceSettings):
    url: HttpUrl
    api_key: Secret

class Status(StatusProvider[Settings]):
    service = ServiceType("scaled", Settings)
    async def snapshot(self): ...

manifest = Manifest("scaled", title="Scaled", api="1.0", description="Scales.", homepage="https://example.org")

@hookimpl
def register_status_providers():
    return [Status]
"""


def declared(found: Found) -> Declarations:
    module = importlib.import_module(found.module)
    hooks = Hooks()
    hooks.register(found.name, module)
    return collect(manifest_of(module, found), module, lambda hook: hooks.collect(found.name, hook))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose quality can be put together."""
    package = tmp_path / f"scaled_{tmp_path.name.replace('-', '_')}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    return package


def answers(package: Path, claims: str = "") -> dict[str, State]:
    (package / "quality.toml").write_text(claims)
    found = Found("scaled", f"{package.name}.plugin", "medianest-scaled", "1", 1, False, "")
    quality = assess(declared(found))
    return {one.rule.name: one.state for one in quality.answers}


def level_of(package: Path, claims: str) -> Level:
    (package / "quality.toml").write_text(claims)
    found = Found("scaled", f"{package.name}.plugin", "medianest-scaled", "1", 1, False, "")
    return assess(declared(found)).level


def test_about_half_of_the_rules_are_looked_at_by_a_machine() -> None:
    machine = [rule for rule in rules() if rule.machine]
    assert {rule.name for rule in machine} == set(_CHECKS)
    assert 0.4 <= len(machine) / len(rules()) <= 0.65
    assert {rule.level for rule in rules()} == set(Level) - {Level.NONE}
    assert len({rule.name for rule in rules()}) == len(rules())


def test_what_machines_see(made: Path) -> None:
    state = answers(made)
    assert state["manifest"] is state["homepage"] is state["connection-test"] is State.KEPT
    assert state["settings-help"] is state["typed"] is state["translated"] is state["live"] is State.OPEN
    (made / "py.typed").touch()
    (made / "locale" / "de").mkdir(parents=True)
    (made / "more.py").write_text("from medianest_core.host import guard\n")
    state = answers(made)
    assert state["typed"] is state["translated"] is State.KEPT
    assert state["sdk-only"] is State.OPEN and state["light"] is State.KEPT


def test_claims_need_a_word_and_machines_are_not_argued_with(made: Path) -> None:
    state = answers(made, '[rules]\ntested = "tests/"\nfailures = "todo"\nguide = ""\ntyped = "yes, sure"\n')
    assert state["tested"] is State.KEPT
    assert state["failures"] is state["guide"] is state["typed"] is State.OPEN
    found = Found("scaled", f"{made.name}.plugin", "medianest-scaled", "1", 1, False, "")
    told = {one.rule.name: one.text for one in assess(declared(found)).answers}
    assert told["failures"].endswith("says: todo.") and told["guide"].endswith("does not say so.")
    state = answers(made, '[rules]\nlive = { exempt = "It never changes." }\ntyped = { exempt = " " }\n')
    assert state["live"] is State.EXEMPT and state["typed"] is State.OPEN


def test_a_level_needs_all_below_it(made: Path) -> None:
    help_is_told = '"settings-help" = { exempt = "It is plain." }\n'
    assert level_of(made, "[rules]\n" + help_is_told) is Level.NONE
    assert level_of(made, f'[rules]\ntested = "tests/"\n{help_is_told}') is Level.BRONZE
    silver = 'simulator = { exempt = "x" }\n"contract-tests" = "y"\nfailures = "z"\n"exactly-once" = "w"\n'
    assert level_of(made, f'[rules]\ntested = "tests/"\n{help_is_told}{silver}') is Level.SILVER


def test_a_damaged_file_claims_nothing(made: Path) -> None:
    assert level_of(made, "[rules\n") is Level.NONE


def test_a_plugin_is_edited_or_removed_while_it_runs(made: Path) -> None:
    found = Found("scaled", f"{made.name}.plugin", "medianest-scaled", "1", 1, False, "")
    loaded = declared(found)
    (made / "plugin.py").write_text("def broken(:\n")
    told = {one.rule.name: one.text for one in assess(loaded).answers}
    assert told["light"] == "Its module cannot be read as it is now."
    (made / "plugin.py").unlink()
    told = {one.rule.name: one.text for one in assess(loaded).answers}
    assert told["light"] == "Its module cannot be read as it is now."


@pytest.mark.parametrize("name", OURS)
def test_ours_are_what_they_claim(name: str) -> None:
    (found,) = [one for one in discover().found if one.name == name]
    quality = assess(declared(found))
    assert quality.level in list(Level)[1:], [one.rule.name for one in quality.missing]
    claims = tomllib.loads(
        (ROOT / "plugins" / name / f"medianest_{name}" / "quality.toml").read_text("utf-8")
    )["rules"]
    assert set(claims) <= {rule.name for rule in rules()}
    for rule, claim in claims.items():
        if isinstance(claim, str) and claim != "todo":
            proof = [ROOT / "plugins" / name / claim, ROOT / claim]
            assert any(one.is_file() for one in proof), f"{rule}: there is no {claim}"
