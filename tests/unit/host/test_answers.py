"""What providers return is held against what their kind promises: every method of every kind, every part of every answer."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections import abc
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from medianest_core.base.breaker import Breaker
from medianest_core.base.bulkhead import Bulkhead
from medianest_core.base.clock import FakeClock
from medianest_core.host.answers import Misfit, check_of, checker
from medianest_core.host.declarations import KINDS
from medianest_core.host.errors import PluginFault
from medianest_core.host.guard import Guard
from medianest_core.host.health import HealthLog
from medianest_core.host.proxy import guarded
from medianest_core.sdk import (
    DownloadTask,
    FoundItem,
    Item,
    Library,
    MediaRecord,
    MediaSource,
    RawRecord,
    RecordPage,
    Secret,
    ServiceSettings,
    ServiceType,
    Snapshot,
    StatusProvider,
)
from medianest_core.sdk.downloads import ProgressSink

STREAMS = (abc.AsyncIterator, abc.AsyncIterable)


class Stranger:
    """A value that nothing promises."""


def promised(kind: type, method: str) -> Any:
    return get_type_hints(getattr(kind, method))["return"]


METHODS = [
    (kind, name)
    for kind in KINDS.values()
    for name, _ in inspect.getmembers(kind, inspect.isroutine)
    if not name.startswith("_")
]
PROMISES = [
    pytest.param(kind, name, id=f"{kind.__name__}.{name}")
    for kind, name in METHODS
    if promised(kind, name) is not type(None)
]


def sample(hint: Any) -> Any:
    """Some value of a type, with all of its parts there."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return sample(next(one for one in arguments if one is not type(None)))
    if origin is tuple:
        return tuple(sample(one) for one in arguments if one is not ...)
    if origin is abc.Callable:
        return lambda: None
    if origin is not None and issubclass(origin, abc.Mapping):
        return {sample(arguments[0]): sample(arguments[1])}
    if origin is not None and issubclass(origin, abc.Collection):
        return (frozenset if issubclass(origin, frozenset) else list)([sample(arguments[0])])
    if hint is Any:
        return "anything"
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return typing.cast(Any, hint)(**{one.name: sample(hints[one.name]) for one in fields(hint)})
    if issubclass(hint, Enum):
        return next(iter(hint))
    return hint(1) if hint is float else hint("x") if hint is Secret else hint()


def spoilt(hint: Any, value: Any) -> Iterator[tuple[str, Any]]:
    """(where, the same value with something else there), once for each part that is promised to be something."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return
    yield "", Stranger()
    if origin in (Union, types.UnionType):
        inner = next(one for one in arguments if one is not type(None))
        yield from ((where, one) for where, one in spoilt(inner, value) if where)
    elif origin is tuple:
        for place, (part, one) in enumerate(zip(arguments, value, strict=True)):
            for where, other in spoilt(part, one):
                yield f"[{place}]{where}", (*value[:place], other, *value[place + 1 :])
    elif origin is not None and origin is not abc.Callable and issubclass(origin, abc.Mapping):
        ((key, one),) = value.items()
        for _, other in spoilt(arguments[0], key):
            yield "one of its keys", {other: one}
        for where, other in spoilt(arguments[1], one):
            yield f"[{key!r}]{'.' if where and where[0] != '[' else ''}{where}", {key: other}
    elif origin is not None and origin is not abc.Callable:
        yield "", "a text"
        (one,) = value
        for where, other in spoilt(arguments[0], one):
            if isinstance(value, list):
                yield f"[0]{'.' if where and where[0] != '[' else ''}{where}", [other]
            else:
                yield f"[…]{where}", frozenset([other])
    elif is_dataclass(hint):
        hints = get_type_hints(hint)
        for part in fields(hint):
            for where, other in spoilt(hints[part.name], getattr(value, part.name)):
                joint = "." if where and where[0] != "[" else ""
                yield f"{part.name}{joint}{where}", replace(value, **{part.name: other})


class Settings(ServiceSettings):
    pass


class Notes:
    """A guard and what it was told."""

    def __init__(self) -> None:
        self.breaker = Breaker()
        self.faults: list[tuple[str, str, str]] = []
        self.guard = Guard(
            plugin="toy",
            instance="i",
            breaker=self.breaker,
            bulkhead=Bulkhead(),
            health=HealthLog(FakeClock(), self.breaker),
            on_fault=lambda plugin, where, what: self.faults.append((plugin, where, str(what))),
        )

    def provider(self, kind: type, **methods: Any) -> Any:
        """A provider with these methods, seen through the guard."""
        needed = dict.fromkeys(getattr(kind, "__abstractmethods__", ()))
        made: Any = type("Toy", (kind,), {**needed, "service": ServiceType("toy", Settings), **methods})
        return guarded(made("1", Settings(), None, None), typing.cast(Any, kind), self.guard)


def answering(kind: type, name: str, answer: Any) -> Any:
    """A method that answers so; a stream has the parts of the answer."""
    if get_origin(promised(kind, name)) in STREAMS:

        async def stream(self: Any, *args: Any, **kwargs: Any) -> Any:
            for one in answer:
                yield one

        return stream
    if inspect.iscoroutinefunction(getattr(kind, name)):

        async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return answer

        return call
    if inspect.ismethod(getattr(kind, name)):
        return classmethod(lambda cls, *args, **kwargs: answer)
    return lambda self, *args, **kwargs: answer


class Sink(ProgressSink):
    async def progress(self, **facts: Any) -> None:
        """Nobody looks."""


async def ask(provider: Any, kind: type, method: str) -> Any:
    """The method's answer; of a stream, the list of all items."""
    arguments: dict[str, Any] = {"task": sample(DownloadTask), "sink": Sink()} if method == "download" else {}
    answer = getattr(provider, method)(**arguments)
    if get_origin(promised(kind, method)) in STREAMS:
        return [one async for one in answer]
    return await answer if inspect.isawaitable(answer) else answer


@pytest.mark.parametrize(("kind", "method"), PROMISES)
async def test_every_method_of_every_kind(kind: type, method: str) -> None:
    hint = promised(kind, method)
    streamed = get_origin(hint) in STREAMS
    sound, wrong = (sample(get_args(hint)[0]),) if streamed else sample(hint), Stranger()
    notes = Notes()
    assert await ask(notes.provider(kind, **{method: answering(kind, method, sound)}), kind, method) == (
        list(sound) if streamed else sound
    )
    assert notes.faults == []
    with pytest.raises(PluginFault) as refused:
        await ask(
            notes.provider(kind, **{method: answering(kind, method, (wrong,) if streamed else wrong)}),
            kind,
            method,
        )
    promise = f"{kind.__name__}.{method}"
    assert re.fullmatch(
        f"The plugin toy does not keep what {promise} promises: in the answer of Toy, all of it must be .+, not Stranger.",
        str(refused.value),
    )
    # It counts as the plugin's mistake, not as the service's.
    assert notes.faults == [("toy", promise, str(refused.value))]
    if inspect.iscoroutinefunction(getattr(kind, method)) or streamed:
        assert notes.guard._health.reading().failing_since is not None


@pytest.mark.parametrize(("kind", "method"), PROMISES)
def test_every_part_of_every_answer(kind: type, method: str) -> None:
    hint = promised(kind, method)
    hint = get_args(hint)[0] if get_origin(hint) in STREAMS else hint
    check, sound = check_of(kind, method), sample(hint)
    assert check is not None
    check(sound)
    places = 0
    for where, value in spoilt(hint, sound):
        with pytest.raises(Misfit) as misfit:
            check(value)
        assert misfit.value.place == where
        places += 1
    assert places


def test_nothing_is_left_out() -> None:
    """Each method either promises something that is looked at, or promises nothing."""
    looked_at = {(kind, name) for kind, name in METHODS if check_of(kind, name) is not None}
    assert looked_at == {(one.values[0], one.values[1]) for one in PROMISES}
    assert {kind for kind, _ in looked_at} == set(KINDS.values())


async def test_a_stream_goes_well_until_it_does_not() -> None:
    closed = []

    async def watch(self: object) -> Any:
        try:
            for items in ([], [Item("a", up=True)], [Item("a", up=typing.cast(Any, "yes"))], []):
                yield Snapshot(items)
        finally:
            closed.append(True)

    came: list[Snapshot] = []
    with pytest.raises(PluginFault, match=r"items\[0\]\.up must be bool or None, not str"):
        async for one in Notes().provider(StatusProvider, watch=watch).watch():
            came.append(one)  # noqa: PERF401  # what came before it failed
    assert came == [Snapshot([]), Snapshot([Item("a", up=True)])]
    assert closed == [True]


@pytest.mark.parametrize("answer", [[RecordPage([])], None, Stranger()])
async def test_what_is_no_stream_is_refused(answer: object) -> None:
    provider = Notes().provider(MediaSource, records=lambda self, library: answer)
    with pytest.raises(PluginFault, match="all of it must be an async iterator, not"):
        provider.records(Library("1", "Films", "movie"))


def test_what_is_meant_may_come_in_any_suitable_shape() -> None:
    for hint, value in (
        (
            RecordPage,
            RecordPage((RawRecord("1", "movie", "d", lambda: MediaRecord("1", "movie", "A", "l")),), None),
        ),
        (FoundItem, FoundItem("1", "u", "t", duration=3, heights=(1080,))),
        (frozenset[str], {"movie"}),
        (float | None, 3),
    ):
        check = checker(hint)
        assert check is not None
        check(value)


def test_values_are_never_told() -> None:
    check = checker(Snapshot)
    assert check is not None
    with pytest.raises(Misfit) as misfit:
        check(Snapshot(items=typing.cast(Any, "token-of-a-person")))
    assert str(misfit.value) == "items must be a list, not str"
