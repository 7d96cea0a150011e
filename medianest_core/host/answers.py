"""Whether what a provider returned is what its kind promises, by the annotations in the SDK.

A checker is made once for each type. All of an answer is looked at, also the fields of the SDK's own types, so that a wrong value is
found where it comes from and not by whoever meets it later; that costs some tenths of a microsecond for each value. Where nothing is
promised (`Any`, None) nothing is looked at.
"""

from __future__ import annotations

import types
from collections import abc
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from medianest_core.base.texts import N_
from medianest_core.host.errors import PluginFault

Check = Callable[[Any], None]
"""Raises Misfit."""
_STREAMS = (abc.AsyncIterator, abc.AsyncIterable)
_NOTHING = (None, type(None), Any, object)


class Misfit(Exception):
    """place: as in "items[2].up", empty for the whole of it. got: the type that is there; never the value, which may be a secret."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__()
        self.expected = expected
        self.got = "None" if value is None else type(value).__name__
        self.place = ""

    def inside(self, part: str) -> Misfit:
        """The same as it is seen one level further out."""
        joint = "." if self.place and self.place[0] != "[" else ""
        self.place = f"{part}{joint}{self.place}"
        return self

    def __str__(self) -> str:
        return f"{self.place or 'it'} must be {self.expected}, not {self.got}"


@cache
def check_of(kind: type, method: str) -> Check | None:
    """For what a method of a provider kind returns; for each item where it promises a stream. None where nothing is promised."""
    hint = _promised(kind, method)
    return checker(get_args(hint)[0] if get_origin(hint) in _STREAMS else hint)


@cache
def streams(kind: type, method: str) -> bool:
    """Whether a method of a provider kind promises an async iterator."""
    return get_origin(_promised(kind, method)) in _STREAMS


def _promised(kind: type, method: str) -> Any:
    function = getattr(kind, method, None)
    return get_type_hints(function).get("return") if function is not None else None


@cache
def checker(hint: Any) -> Check | None:
    """For values of this type; None where anything will do."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _NOTHING or isinstance(hint, TypeVar):
        return None
    if origin in (Union, types.UnionType):
        return _either(arguments)
    if origin is tuple:
        return _tuple(arguments)
    if origin is abc.Callable:
        return _Plain(abc.Callable, "a function")
    if origin is not None and issubclass(origin, abc.Mapping):
        return _mapping(arguments)
    if origin is not None and issubclass(origin, abc.Collection):
        return _several(origin, arguments[0])
    if isinstance(hint, type) and is_dataclass(hint):
        return record_checker(hint)
    if hint is float:
        return _Plain((float, int), "a number")
    return _Plain(origin or hint, _name(hint))


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)


class _Plain:
    """Looks at a value's type and at nothing else. name: of what is expected."""

    __slots__ = ("name", "wanted")

    def __init__(self, wanted: Any, name: str) -> None:
        self.wanted = wanted
        self.name = name

    def __call__(self, value: Any) -> None:
        if not isinstance(value, self.wanted):
            raise Misfit(self.name, value)

    def all(self, values: Iterable[Any]) -> bool:
        """Whether each of many values fits: nothing but the few types among them is looked at."""
        return all(issubclass(one, self.wanted) for one in set(map(type, values)))


def _either(hints: Sequence[Any]) -> Check | None:
    checks = [checker(hint) for hint in hints if hint is not type(None)]
    if None in checks:
        return None
    optional = type(None) in hints

    def check(value: Any) -> None:
        if value is None and optional:
            return
        misfits = []
        for one in checks:
            try:
                one(value)  # type: ignore[misc]  # None was dealt with above
            except Misfit as misfit:
                misfits.append(misfit)
            else:
                return
        deepest = max(misfits, key=lambda misfit: len(misfit.place))
        if not deepest.place:
            deepest.expected = " or ".join(
                [*(one.expected for one in misfits), *(["None"] if optional else [])]
            )
        raise deepest

    return check


def _tuple(hints: Sequence[Any]) -> Check:
    if len(hints) == 2 and hints[1] is ...:
        return _several(tuple, hints[0])
    checks = [checker(hint) for hint in hints]
    name = f"a tuple of {len(hints)}"

    def check(value: Any) -> None:
        if not isinstance(value, tuple) or len(value) != len(checks):
            raise Misfit(name, value)
        for place, (one, part) in enumerate(zip(checks, value, strict=True)):
            try:
                if one is not None:
                    one(part)
            except Misfit as misfit:
                raise misfit.inside(f"[{place}]") from None

    return check


def _several(wanted: type, hint: Any) -> Check:
    inner = checker(hint)
    ordered = issubclass(wanted, abc.Sequence)
    name = "a list" if ordered else "a set"
    kind: Any = abc.Set if wanted is frozenset else wanted
    fit = _together(hint, inner)

    def check(value: Any) -> None:
        # A text is a sequence of texts, but never what is meant.
        if not isinstance(value, kind) or isinstance(value, str | bytes):
            raise Misfit(name, value)
        if inner is None or fit(value):
            return
        for place, item in enumerate(value):
            try:
                inner(item)
            except Misfit as misfit:
                raise misfit.inside(f"[{place}]" if ordered else "[…]") from None

    return check


def _together(hint: Any, inner: Check | None) -> Callable[[Collection[Any]], bool]:
    """Whether many values fit, at a glance. False where only a look at each can tell."""
    if isinstance(inner, _Plain):
        return inner.all
    if not (isinstance(hint, type) and is_dataclass(hint)):
        return lambda _: False
    parts = _parts(hint)
    plain = [(attrgetter(name), check) for name, check in parts if isinstance(check, _Plain)]
    if len(plain) < len(parts):
        return lambda _: False
    whole = _Plain(hint, hint.__name__)
    return lambda values: whole.all(values) and all(one.all(map(part, values)) for part, one in plain)


def _mapping(hints: Sequence[Any]) -> Check:
    keys, values = _several(abc.Collection, hints[0]), checker(hints[1])

    def check(value: Any) -> None:
        if not isinstance(value, abc.Mapping):
            raise Misfit("a mapping", value)
        try:
            keys(value.keys())
        except Misfit as misfit:
            misfit.place = "one of its keys"
            raise
        if values is not None:
            for key, item in value.items():
                try:
                    values(item)
                except Misfit as misfit:
                    raise misfit.inside(f"[{key!r:.40}]") from None

    return check


def record_checker(wanted: type) -> Check:
    """For values of a dataclass and all of its fields."""
    parts = _parts(wanted)
    name = wanted.__name__

    def check(value: Any) -> None:
        if not isinstance(value, wanted):
            raise Misfit(name, value)
        part = ""
        try:
            for part, one in parts:
                one(getattr(value, part))
        except Misfit as misfit:
            raise misfit.inside(part) from None

    return check


def _parts(wanted: type) -> list[tuple[str, Check]]:
    """The fields of a dataclass of which something is promised."""
    hints = get_type_hints(wanted)
    return [(one.name, inner) for one in fields(wanted) if (inner := checker(hints[one.name])) is not None]


def kept(check: Check, *, plugin: str, promise: str, provider: str) -> Check:
    """The same, raising PluginFault. promise: "Kind.method". provider: what gave the answer, as its author calls it."""

    def look(value: Any) -> None:
        try:
            check(value)
        except Misfit as misfit:
            raise PluginFault(
                N_(
                    "The plugin {plugin} does not keep what {promise} promises: in the answer of {provider}, {place} must be {expected}, not {got}."
                ).format(
                    plugin=plugin,
                    promise=promise,
                    provider=provider,
                    place=misfit.place or N_("all of it"),
                    expected=misfit.expected,
                    got=misfit.got,
                )
            ) from misfit

    return look


def require(value: object, hint: Any, *, plugin: str, promise: str, provider: str) -> None:
    """Raises PluginFault where the value is not of that type."""
    if (check := checker(hint)) is not None:
        kept(check, plugin=plugin, promise=promise, provider=provider)(value)


IS_STREAM = _Plain(abc.AsyncIterable, "an async iterator")
