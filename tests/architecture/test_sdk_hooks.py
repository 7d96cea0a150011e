"""Every hook and every contribution of the kit, by enumeration: a sample that runs, a user, a type, a colour, a place in the kitchen sink."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

import pluggy
import pytest

from medianest_core.host.contributions import check_contributions
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.validate import collect
from medianest_core.sdk import PROJECT, Event, Manifest, Schedule, capabilities_of, hookspecs
from medianest_core.sdk.capabilities import Capability
from tests.kitchen_sink import plugin as sink

ROOT = Path(__file__).parents[2]
HOOKS = {
    name: function
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
    if hasattr(function, f"{PROJECT}_spec")
}
CONTRIBUTIONS: list[type[Any]] = [
    Event if one == type[Event] else get_origin(one) or one for one in get_args(hookspecs.Contribution)
]
HEADING = re.compile(r"^### (?P<names>.+)\n(?P<text>(?:(?!^##).*\n)*)", re.MULTILINE)
SAMPLES: dict[str, str] = {
    name: block[1]
    for match in HEADING.finditer((ROOT / "docs/plugin-authors/hooks.md").read_text(encoding="utf-8") + "\n")
    if (block := re.search(r"```python\n(.*?)```", match["text"], re.DOTALL))
    for name in re.findall(r"`(\w+)`", match["names"])
}
MANIFEST = Manifest("sample", title="Sample", api="1.0")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The distribution that samples with tables speak of; forgotten afterwards, so that its name is free again."""
    (tmp_path / "medianest_sample" / "migrations").mkdir(parents=True)
    for folder in ("medianest_sample", "medianest_sample/migrations"):
        (tmp_path / folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("medianest_sample", "medianest_sample.migrations"):
        sys.modules.pop(name, None)


def _plugins() -> Iterator[ModuleType]:
    """Plugin modules that people install: those of this repository and those that are built in, and the examples."""
    for group in ("medianest.plugins.v1", "medianest.builtin.v1"):
        for point in entry_points(group=group):
            if point.module.startswith("medianest_"):
                yield importlib.import_module(point.module)
    for folder in sorted((ROOT / "examples").iterdir()):
        if not (folder / "pyproject.toml").is_file():
            continue
        found = re.search(
            r'^\[project\.entry-points\."medianest\.plugins\.v1"\]\n\w+ = "([\w.]+)"',
            (folder / "pyproject.toml").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        if found and found[1] not in sys.modules:
            with pytest.MonkeyPatch.context() as patch:
                patch.syspath_prepend(str(folder))
                yield importlib.import_module(found[1])
        elif found:
            yield sys.modules[found[1]]


PLUGINS = list(_plugins())


def _implemented(module: ModuleType) -> set[str]:
    return {name for name in HOOKS if hasattr(getattr(module, name, None), f"{PROJECT}_impl")}


def _contributed(module: ModuleType) -> Sequence[Any]:
    return module.register_contributions() if "register_contributions" in _implemented(module) else ()


def _kind(item: Any) -> type[Any]:
    return Event if isinstance(item, type) and issubclass(item, Event) else type(item)


def _module(name: str) -> ModuleType:
    made = ModuleType(f"sample_of_{name}")
    sys.modules[made.__name__] = made
    try:
        exec(compile(SAMPLES[name], f"docs/plugin-authors/hooks.md: {name}", "exec"), made.__dict__)
    finally:
        del sys.modules[made.__name__]
    return made


def _declared(module: ModuleType) -> Any:
    """What the portal makes of a plugin module. Raises Invalid with all problems."""
    return collect(
        getattr(module, "manifest", MANIFEST),
        module,
        lambda hook: getattr(module, hook)() if hasattr(module, hook) else None,
    )


def test_there_is_something_to_look_at() -> None:
    assert len(HOOKS) > 15 and len(CONTRIBUTIONS) > 12 and len(PLUGINS) > 12


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_typed_and_described(name: str) -> None:
    hints = get_type_hints(HOOKS[name], vars(hookspecs) | {"PluginContext": Any})
    assert "return" in hints and hints.keys() - {"return"} == set(inspect.signature(HOOKS[name]).parameters)
    assert (HOOKS[name].__doc__ or "").strip()


@pytest.mark.parametrize("name", HOOKS)
def test_the_name_tells_the_colour(name: str) -> None:
    assert inspect.iscoroutinefunction(HOOKS[name]) is not name.startswith("register_")


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.usefixtures("package")
def test_each_hook_has_a_sample_that_runs(name: str) -> None:
    assert name in SAMPLES, f"docs/plugin-authors/hooks.md has no sample of {name}"
    module = _module(name)
    assert name in _implemented(module)
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    manager.check_pending()
    said, meant = getattr(module, name), HOOKS[name]
    assert inspect.iscoroutinefunction(said) is inspect.iscoroutinefunction(meant)
    assert list(inspect.signature(said).parameters) == list(inspect.signature(meant).parameters)
    if name.startswith("register_"):
        assert _declared(module) is not None
        assert getattr(module, name)(), "a sample brings something"


@pytest.mark.parametrize("kind", CONTRIBUTIONS, ids=lambda one: one.__name__)
@pytest.mark.usefixtures("package")
def test_each_contribution_has_a_sample_that_runs(kind: type[Any]) -> None:
    assert kind.__name__ in SAMPLES, f"docs/plugin-authors/hooks.md has no sample of {kind.__name__}"
    declared = _declared(_module(kind.__name__))
    assert kind in {_kind(one) for one in declared.contributions}


@pytest.mark.parametrize("kind", CONTRIBUTIONS, ids=lambda one: one.__name__)
def test_a_contribution_is_a_value(kind: type[Any]) -> None:
    """So that what is declared twice is equal, and nothing can change it afterwards."""
    assert (kind.__doc__ or "").strip()
    if kind is Event:
        assert Event.model_config["frozen"]
    else:
        assert dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]  # every dataclass has them


@pytest.mark.parametrize("kind", CONTRIBUTIONS, ids=lambda one: one.__name__)
def test_the_portal_looks_at_each_contribution(kind: type[Any]) -> None:
    """What is declared wrongly is told before it takes effect: here, under a name of another plugin or with no name at all."""
    items = [one for one in sink.register_contributions() if _kind(one) is kind]
    other = dataclasses.replace(sink.manifest, name="other", permissions=())
    _, problems = check_contributions(other, [*items, *items], {})
    assert problems or kind.__name__ == "Listener"


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_is_used_by_a_plugin_or_an_example(name: str) -> None:
    assert [module.__name__ for module in PLUGINS if name in _implemented(module)]


@pytest.mark.parametrize("kind", CONTRIBUTIONS, ids=lambda one: one.__name__)
def test_each_contribution_is_used_by_a_plugin_or_an_example(kind: type[Any]) -> None:
    assert [module.__name__ for module in PLUGINS if kind in {_kind(one) for one in _contributed(module)}]


def test_the_kitchen_sink_uses_every_hook() -> None:
    assert _implemented(sink) == set(HOOKS)


def test_the_kitchen_sink_brings_every_contribution() -> None:
    assert {_kind(one) for one in sink.register_contributions()} == set(CONTRIBUTIONS)
    assert any(isinstance(getattr(one, "schedule", None), Schedule) for one in sink.register_contributions())


def test_the_kitchen_sink_has_every_ability() -> None:
    declared = _declared(sink)
    for kind, (provider,) in declared.providers.items():
        able = {
            ability
            for _, member in inspect.getmembers(kind)
            if isinstance(ability := getattr(member, "__medianest_capability__", None), Capability)
        }
        assert capabilities_of(provider) == able, kind.__name__


def test_the_portal_takes_all_of_the_kitchen_sink() -> None:
    declared = _declared(sink)
    assert len(declared.providers) == 9 and set(declared.services) == {"sink", "tap"}
    caller = Hooks()
    caller.register("sink", sink)
    assert _declared(sink).contributions == declared.contributions, "declared twice, it is the same"


def test_every_provider_is_held_to_its_contract() -> None:
    """Suites name their provider, in files whose names speak of contracts, and in the tests of examples."""
    places = [
        *(ROOT / "tests/contract").glob("*.py"),
        *(ROOT / "plugins").glob("*/tests/*contract*.py"),
        *(ROOT / "examples").glob("*/tests/test_*.py"),
    ]
    held = {
        name
        for path in places
        for name in re.findall(r"^    provider\b.* = (\w+)$", path.read_text(), re.MULTILINE)
    }
    brought = {
        provider.__name__
        for module in PLUGINS
        for providers in _declared(module).providers.values()
        for provider in providers
    }
    assert brought - held == set()
