"""Deliberately wrong providers: the sound ones of the kitchen sink with one thing changed, and the clause that has to notice."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from medianest_core.testing.contracts import Contract


@dataclass(frozen=True, slots=True)
class Wrong:
    """suite: of the sound provider, in the kitchen sink's tests. clause: name of the one that fails."""

    name: str
    suite: type[Contract[Any]]
    clause: str
    provider: type[Any]

    def case(self) -> type[Contract[Any]]:
        """The suite with the wrong provider in the place of the sound one."""
        return type(f"Wrong{self.suite.__name__}", (self.suite,), {"provider": self.provider})


@dataclass(frozen=True, slots=True)
class Then:
    """A method that changes what the sound one said; change(said, self, *arguments)."""

    change: Callable[..., Any]


def then(change: Callable[[Any], Any]) -> Then:
    """What the sound method says, changed."""
    return Then(lambda said, *_, **__: change(said))


def says(value: Any) -> Callable[..., Awaitable[Any]]:
    """A method that always says this."""

    async def method(self: Any, *arguments: Any, **options: Any) -> Any:
        return value

    return method


def fails(make: Callable[[], BaseException]) -> Callable[..., Awaitable[Any]]:
    """A method that always raises."""

    async def method(self: Any, *arguments: Any, **options: Any) -> Any:
        raise make()

    return method


def altered(base: type[Any], **members: Any) -> type[Any]:
    """The class with these members; a `Then` is put around the method of that name."""
    made = {name: _around(base, name, one) if isinstance(one, Then) else one for name, one in members.items()}
    kind: Any = type(base)
    changed: type[Any] = kind(f"Wrong{base.__name__}", (base,), {**made, "__module__": base.__module__})
    return changed


def _around(base: type[Any], name: str, then: Then) -> Any:
    sound = getattr(base, name)
    if inspect.isasyncgenfunction(sound):

        async def stream(self: Any, *arguments: Any, **options: Any) -> Any:
            async for one in sound(self, *arguments, **options):
                yield then.change(one, self, *arguments, **options)

        return stream
    if inspect.iscoroutinefunction(sound):

        async def method(self: Any, *arguments: Any, **options: Any) -> Any:
            return then.change(await sound(self, *arguments, **options), self, *arguments, **options)

        return method

    def plain(self: Any, *arguments: Any, **options: Any) -> Any:
        return then.change(sound(self, *arguments, **options), self, *arguments, **options)

    return plain


class Collection:
    """The mutants of one suite."""

    def __init__(self, suite: type[Contract[Any]]) -> None:
        self.suite = suite
        self.found: list[Wrong] = []

    def add(self, clause: str, name: str, base: type[Any] | None = None, /, **members: Any) -> None:
        """One that differs from the sound provider, or from `base`, in these members."""
        provider = altered(base or self.suite.provider, **members)
        self.found.append(Wrong(name, self.suite, clause, provider))
