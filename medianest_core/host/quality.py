"""The quality scale: what a plugin does beyond running, from bronze to platinum.

Nothing of the plugin is run for it: its declarations are known, and its files are read. What no machine can see the plugin claims in
a `quality.toml` in its package: `rule = "what proves it"`, `rule = "todo"`, or `rule = { exempt = "why it makes no sense here" }`.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import IO, Any

from medianest_core.base.texts import N_
from medianest_core.host import onefile
from medianest_core.host.declarations import Declarations
from medianest_core.host.settings_models import each_field, secret_names
from medianest_core.sdk.capabilities import capabilities_of
from medianest_core.sdk.status import StatusProvider
from medianest_core.sdk.webhooks import WebhookReceiver

_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+(medianest_core[\w.]*)", re.M)
_SECRETIVE = re.compile(r"(?:^|_)(?:key|token|password|passphrase|secret)$")
_STAND_IN = ("simulat", "/tests/")
_LIVE = {"watch", "changes"}
_TODO = "todo"


class Level(StrEnum):
    """In order."""

    NONE = ""
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of `quality.toml`."""

    name: str
    level: Level
    title: str
    machine: bool = False


class State(StrEnum):
    KEPT = "kept"
    EXEMPT = "exempt"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a plugin stands to a rule. text: what proves it, why it is exempt, or what is missing."""

    rule: Rule
    state: State
    text: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """level: of which, and of those below, every rule is kept or exempt. answers: in the order of the rules."""

    level: Level
    answers: Sequence[Answer]

    @property
    def missing(self) -> Sequence[Answer]:
        """What stands between the plugin and the next level; empty at the top."""
        levels = list(Level)
        following = levels[levels.index(self.level) + 1 :]
        return [one for one in self.answers if one.state is State.OPEN and one.rule.level in following[:1]]


@cache
def rules() -> Sequence[Rule]:
    """All rules, the lowest level first."""
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["rules"]
    return tuple(
        Rule(row["name"], Level(row["level"]), row["title"], row.get("machine", False)) for row in rows
    )


def titles(file: IO[bytes], *_: object, **__: object) -> Iterator[tuple[int, None, str, list[str]]]:
    """What of `quality.toml` people read, for the message catalogues."""
    for row in tomllib.load(file)["rules"]:
        yield 1, None, row["title"], []


def assess(declared: Declarations, languages: Sequence[str] = ("de",)) -> Quality:
    """How the plugin stands. languages: beside English, those of the portal. Reads files; call it in a thread."""
    home = home_of(declared)
    claims, trouble = _claims(home)
    answers: list[Answer] = []
    for rule in rules():
        claim = claims.get(rule.name)
        if isinstance(claim, Mapping) and str(claim.get("exempt", "")).strip():
            answers.append(Answer(rule, State.EXEMPT, str(claim["exempt"])))
        elif rule.machine:
            lacking = _CHECKS[rule.name](declared, home, languages)
            answers.append(Answer(rule, State.OPEN if lacking else State.KEPT, lacking))
        elif isinstance(claim, str) and claim.strip() and claim != _TODO:
            answers.append(Answer(rule, State.KEPT, claim))
        else:
            said = "Its quality.toml says: todo." if claim == _TODO else "Its quality.toml does not say so."
            answers.append(Answer(rule, State.OPEN, trouble or said))
    return Quality(_level(answers), answers)


def home_of(declared: Declarations) -> Path | None:
    """Folder of the plugin's package; of a plugin of one file the folder beside it."""
    module = declared.module.__name__
    if (own := onefile.home_of(module, declared.plugin)) is not None:
        return own
    # Those that come with the core are packages inside it.
    top = module if module.startswith("medianest_core.") else module.partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None)
    return Path(file).parent if file else None


def _level(answers: Sequence[Answer]) -> Level:
    reached = Level.NONE
    for level in list(Level)[1:]:
        if any(one.state is State.OPEN for one in answers if one.rule.level is level):
            break
        reached = level
    return reached


def _claims(home: Path | None) -> tuple[Mapping[str, Any], str]:
    """(what the plugin says of itself, what is wrong with the file)."""
    file = home / "quality.toml" if home is not None else None
    if file is None or not file.is_file():
        return {}, ""
    try:
        found = tomllib.loads(file.read_text("utf-8")).get("rules", {})
    except (OSError, ValueError) as error:
        return {}, f"Its quality.toml cannot be read: {error}"
    if not isinstance(found, Mapping):
        return {}, "Its quality.toml has no table of rules."
    if unknown := sorted(set(found) - {rule.name for rule in rules()}):
        return found, f"Its quality.toml names {', '.join(unknown)}, which is no rule."
    return found, ""


def _sources(declared: Declarations, home: Path | None) -> list[Path]:
    single = onefile.home_of(declared.module.__name__, declared.plugin) is not None
    own = Path(declared.module.__file__ or "")
    return [own] if single or home is None else sorted(home.rglob("*.py"))


# What is lacking, in words; empty where nothing is.


def _manifest(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    return "" if declared.manifest.description.strip() else "The manifest has no description."


def _settings_help(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    bare = [
        f"{service.name}.{name}"
        for service in declared.services.values()
        for name, field in each_field(service.settings)
        if not (field.title or field.description) and name.rpartition(".")[2] != "url"
    ]
    return f"Nothing is said of {', '.join(bare)}." if bare else ""


def _connection_test(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    untested = [
        service.name
        for service in declared.services.values()
        if service.check is None and StatusProvider not in declared.of_service(service.name)
    ]
    return f"{', '.join(untested)} has no check." if untested else ""


def _sdk_only(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    wrong: set[str] = set()
    for file in _sources(declared, home):
        try:
            text = file.read_text("utf-8", "replace")
        except OSError:
            # It may have gone since it was loaded.
            wrong.add(f"{file.name} cannot be read")
            continue
        for module in _IMPORT.findall(text):
            kit = module.startswith("medianest_core.testing") and any(part in str(file) for part in _STAND_IN)
            if module == "medianest_core" or not (module.startswith("medianest_core.sdk") or kit):
                wrong.add(f"{file.name} imports {module}")
    return f"{'; '.join(sorted(wrong))}." if wrong else ""


def _simulator(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    package = declared.module.__name__.partition(".")[0]
    homes = {point.value.partition(".")[0] for point in entry_points(group="medianest.simulators")}
    return "" if package in homes else "Its distribution has no entry point in medianest.simulators."


def _secrets_typed(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    plain = [
        f"{service.name}.{name}"
        for service in declared.services.values()
        for name, field in each_field(service.settings)
        if _SECRETIVE.search(name.rpartition(".")[2])
        and name not in secret_names(service.settings)
        and field.annotation not in (bool, int, float)
    ]
    return f"{', '.join(plain)} is no Secret." if plain else ""


def _homepage(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    return (
        "" if declared.manifest.homepage.startswith("https://") else "The manifest has no homepage (https)."
    )


def _translated(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    missing = [one for one in languages if home is None or not (home / "locale" / one).is_dir()]
    return f"There is no catalogue for {', '.join(missing)}." if missing else ""


def _live(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    for kind, providers in declared.providers.items():
        if kind is WebhookReceiver:
            return ""
        if any(one.value in _LIVE for provider in providers for one in capabilities_of(provider)):
            return ""
    return "It has no webhook receiver, and none of its providers can watch or tell changes."


def _typed(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    return (
        "" if home is not None and (home / "py.typed").is_file() else "There is no py.typed in its package."
    )


def _light(declared: Declarations, home: Path | None, languages: Sequence[str]) -> str:
    file = declared.module.__file__
    if file is None:
        return "Its module has no file."
    heavy: set[str] = set()
    try:
        body = ast.parse(Path(file).read_text("utf-8")).body
    except (OSError, ValueError, SyntaxError):
        # It may have been edited since it was loaded.
        return "Its module cannot be read as it is now."
    for node in body:
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            # A relative import stays within the package.
            names = [node.module or ""] if not node.level else []
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            top = name.partition(".")[0]
            if not (name.startswith("medianest_core.sdk") or top in sys.stdlib_module_names):
                heavy.add(name)
    return f"At its top it imports {', '.join(sorted(heavy))}." if heavy else ""


_CHECKS: Mapping[str, Callable[[Declarations, Path | None, Sequence[str]], str]] = {
    "manifest": _manifest,
    "settings-help": _settings_help,
    "connection-test": _connection_test,
    "sdk-only": _sdk_only,
    "simulator": _simulator,
    "secrets-typed": _secrets_typed,
    "homepage": _homepage,
    "translated": _translated,
    "live": _live,
    "typed": _typed,
    "light": _light,
}
NAMES: Mapping[Level, str] = {
    Level.BRONZE: N_("Bronze"),
    Level.SILVER: N_("Silver"),
    Level.GOLD: N_("Gold"),
    Level.PLATINUM: N_("Platinum"),
}
