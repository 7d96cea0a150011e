"""What every provider kind must have, found by looking through the kit: a hook, a contract, capabilities that mean something."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any, get_args

import pytest

from medianest_core import sdk
from medianest_core.host.declarations import KINDS
from medianest_core.sdk import hookspecs
from medianest_core.sdk.capabilities import Capability, capabilities_of
from medianest_core.sdk.service import Provider
from medianest_core.testing import contracts
from medianest_core.testing.contracts.contract import clauses

MODULES = [
    importlib.import_module(f"{sdk.__name__}.{found.name}") for found in pkgutil.iter_modules(sdk.__path__)
]
PROVIDERS: list[type[Provider[Any, Any]]] = [
    member
    for module in MODULES
    for _, member in inspect.getmembers(module, inspect.isclass)
    if member.__module__ == module.__name__ and issubclass(member, Provider) and member is not Provider
]
SUITES = [getattr(contracts, name) for name in contracts.SUITES]
FEWEST = 25
"""Clauses of a contract, those of all kinds among them."""
WITHOUT_METHODS = {
    "attachments",
    "ping",
    "playlists",
    "resume",
    "rich",
    "subtitles",
    "targets",
}
"""Abilities that are named and that no method stands for: nothing can ask for them yet."""


def test_the_host_knows_every_kind() -> None:
    assert PROVIDERS
    assert set(KINDS.values() if isinstance(KINDS, dict) else KINDS) == set(PROVIDERS)


@pytest.mark.parametrize("kind", PROVIDERS, ids=lambda one: one.__name__)
def test_a_hook_registers_each_kind(kind: type[Any]) -> None:
    returns = [
        inspect.signature(hook, eval_str=True).return_annotation
        for name, hook in inspect.getmembers(hookspecs, inspect.isfunction)
        if name.startswith("register_")
    ]
    assert [one for one in returns if str(one).find(kind.__name__) >= 0 and get_args(one)]


@pytest.mark.parametrize("kind", PROVIDERS, ids=lambda one: one.__name__)
def test_each_kind_has_a_contract(kind: type[Any]) -> None:
    suites = [one for one in SUITES if one.kind is kind]
    assert len(suites) == 1
    assert len(clauses(suites[0])) >= FEWEST


@pytest.mark.parametrize("suite", SUITES, ids=lambda one: one.__name__)
def test_each_ability_switches_clauses_on(suite: type[contracts.Contract[Any]]) -> None:
    able = {
        ability
        for _, member in inspect.getmembers(suite.kind)
        if isinstance(ability := getattr(member, "__medianest_capability__", None), Capability)
    }
    asked = {need for function in clauses(suite).values() for need in function.__contract_terms__[0]}  # type: ignore[attr-defined]  # set by the decorator
    assert able - asked == set(), "abilities that no clause looks at"


def test_every_ability_has_a_method_or_is_known_to_have_none() -> None:
    enums = {
        member
        for module in MODULES
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Capability) and member is not Capability
    }
    marked = {
        getattr(member, "__medianest_capability__", None)
        for kind in PROVIDERS
        for _, member in inspect.getmembers(kind)
    }
    bare = {ability.value for one in enums for ability in one if ability not in marked}
    assert bare <= WITHOUT_METHODS


@pytest.mark.parametrize("suite", SUITES, ids=lambda one: one.__name__)
def test_every_clause_says_what_it_holds(suite: type[contracts.Contract[Any]]) -> None:
    for name, function in clauses(suite).items():
        assert name.startswith("test_") and inspect.iscoroutinefunction(function)
        assert list(inspect.signature(function).parameters) == ["self"], (
            "a clause is given nothing but its suite"
        )


def test_a_clause_cannot_be_overridden() -> None:
    with pytest.raises(TypeError, match="overrides test_every_item_has_a_name"):
        type(
            "TestMine",
            (contracts.StatusContract,),
            {"provider": _any_status(), "test_every_item_has_a_name": lambda self: None},
        )


@pytest.mark.parametrize(
    ("exempt", "words"),
    [({"test_nothing": "because"}, "no clause"), ({"test_every_item_has_a_name": " "}, "no reason")],
)
def test_an_exemption_names_a_clause_and_a_reason(exempt: dict[str, str], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        type("TestMine", (contracts.StatusContract,), {"provider": _any_status(), "exempt": exempt})


def test_an_exemption_is_an_expected_failure() -> None:
    made: Any = type(
        "TestMine",
        (contracts.StatusContract,),
        {"provider": _any_status(), "exempt": {"test_every_item_has_a_name": "It has none."}},
    )
    marks = made.test_every_item_has_a_name.pytestmark
    assert [(mark.name, mark.kwargs) for mark in marks] == [
        ("xfail", {"reason": "It has none.", "strict": True})
    ]


def test_abilities_switch_clauses_on() -> None:
    made: Any = type("TestMine", (contracts.StatusContract,), {"provider": _any_status()})
    assert capabilities_of(made.provider) == frozenset()
    assert made.test_history_begins_with_the_oldest is None
    assert callable(made.test_every_item_has_a_name)


def _any_status() -> type[Any]:
    from tests.kitchen_sink.service import SINK

    async def snapshot(self: Any) -> sdk.Snapshot:
        return sdk.Snapshot([])

    return type("Mine", (sdk.StatusProvider,), {"service": SINK, "snapshot": snapshot})
