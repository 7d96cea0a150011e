"""A provider as the rest of the portal sees it: the same methods, each going through the guard."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from medianest_core.host.answers import IS_STREAM, check_of, kept, streams
from medianest_core.host.calls import rule_for
from medianest_core.host.declarations import Kind
from medianest_core.host.guard import Guard
from medianest_core.sdk.capabilities import Capability, unsupported
from medianest_core.sdk.downloads import Downloader, ProgressSink
from medianest_core.sdk.service import Provider

_MARK = "__medianest_capability__"


class Proxy:
    """Stands in for a provider. Attributes that are no methods are the provider's own."""

    def __init__(self, provider: Provider[Any, Any], kind: Kind, guard: Guard) -> None:
        self.__dict__.update(_provider=provider, _kind=kind, _guard=guard)

    def __getattr__(self, name: str) -> Any:
        provider: Provider[Any, Any] = self.__dict__["_provider"]
        member = getattr(provider, name)
        if name.startswith("_") or not inspect.ismethod(member):
            return member
        wrapped = _wrap(provider, self.__dict__["_kind"], self.__dict__["_guard"], name, member)
        self.__dict__[name] = wrapped
        return wrapped

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a provider cannot be changed from outside")

    def __repr__(self) -> str:
        return f"<guarded {self.__dict__['_provider']!r}>"


def guarded(provider: Provider[Any, Any], kind: Kind, guard: Guard) -> Any:
    """The proxy, typed by its user."""
    return cast(Any, Proxy(provider, kind, guard))


def _wrap(
    provider: Provider[Any, Any], kind: Kind, guard: Guard, name: str, member: Callable[..., Any]
) -> Callable[..., Any]:
    rule, what = rule_for(kind, name), f"{kind.__name__}.{name}"
    missing = getattr(getattr(type(provider), name, None), _MARK, None)
    promised = check_of(kind, name)
    named = {"plugin": guard.plugin, "promise": what, "provider": type(provider).__name__}
    check = kept(promised, **named) if promised is not None else None

    if inspect.iscoroutinefunction(member):

        @functools.wraps(member)
        async def call(*args: Any, **kwargs: Any) -> Any:
            if isinstance(missing, Capability):
                raise unsupported(provider, missing)
            if kind is Downloader and name == "download":
                task, *rest = args or (kwargs["task"],)
                sink: ProgressSink = rest[0] if rest else kwargs["sink"]
                return await guard.idle(rule, what, lambda watched: member(task, watched), sink, check)
            return await guard.call(rule, what, lambda: member(*args, **kwargs), check)

        return call

    @functools.wraps(member)
    def plain(*args: Any, **kwargs: Any) -> Any:
        if isinstance(missing, Capability):
            raise unsupported(provider, missing)
        if inspect.isasyncgenfunction(member):
            return guard.stream(rule, what, lambda: member(*args, **kwargs), check)
        if streams(kind, name):
            items = guard.plain(what, lambda: member(*args, **kwargs), is_stream)
            return guard.stream(rule, what, lambda: items, check)
        value = guard.plain(what, lambda: member(*args, **kwargs), check)
        if isinstance(value, AsyncIterator):
            return guard.stream(rule, what, lambda: value)
        return value

    is_stream = kept(IS_STREAM, **named)
    return plain
