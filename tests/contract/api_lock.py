"""The plugin API as data: every public name of the SDK with its signature, every hook, and the payloads of the core's events.

`python -m tests.contract.api_lock` writes `api_v1.lock.json` anew. It refuses where a change asks for a new minor or major
first; see docs/plugin-authors/compatibility.md.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from medianest_core import sdk
from medianest_core.bus import events
from medianest_core.sdk import hookspecs
from medianest_core.sdk.events import Event
from medianest_core.sdk.markers import API_MAJOR, PROJECT
from medianest_core.sdk.version import API_VERSION

FILE = Path(__file__).with_name(f"api_v{API_MAJOR}.lock.json")
Snapshot = dict[str, Any]


def snapshot() -> Snapshot:
    """The API as it is. Words people read (docstrings, titles, descriptions) are no part of it."""
    return {
        "api": API_VERSION,
        "names": {name: described(getattr(sdk, name), name) for name in sorted(sdk._HOME)},
        "hooks": {name: signature(one) for name, one in sorted(hooks())},
        "events": {one.name: schema(one) for one in sorted(core_events(), key=lambda one: one.name)},
    }


def hooks() -> Iterator[tuple[str, Any]]:
    """(name, specification) of every hook."""
    for name, member in vars(hookspecs).items():
        if inspect.isfunction(member) and hasattr(member, f"{PROJECT}_spec"):
            yield name, member


def core_events() -> Iterator[type[Event]]:
    for member in vars(events).values():
        if (
            isinstance(member, type)
            and issubclass(member, Event)
            and isinstance(vars(member).get("name"), str)
        ):
            yield member


def described(value: Any, name: str) -> Any:
    """A name as data: what could break who uses it."""
    home = importlib.import_module(f"medianest_core.sdk.{sdk._HOME[name]}")
    if isinstance(value, type):
        found = _class(value)
    elif inspect.isfunction(value):
        found = {"is": "function", "call": signature(value)}
    elif isinstance(value, str | int | float):
        found = {"is": "constant", "value": value}
    else:
        found = {"is": "value", "type": type(value).__name__}
    if "Provisional." in (inspect.getdoc(value) or "") or "Provisional." in (home.__doc__ or ""):
        found["provisional"] = True
    return found


def _class(cls: type) -> Snapshot:
    found: Snapshot = {"is": "class"}
    bases = [
        base.__name__ for base in cls.__bases__ if base is not object and not base.__name__.startswith("_")
    ]
    if bases:
        found["bases"] = bases
    if issubclass(cls, enum.Enum):
        return {**found, "values": {one.name: one.value for one in cls}}
    if dataclasses.is_dataclass(cls):
        found["fields"] = {one.name: _field(one) for one in dataclasses.fields(cls)}
    elif issubclass(cls, BaseModel):
        found["schema"] = schema(cls)
    elif "__init__" in vars(cls):
        found["call"] = signature(cls.__init__)
    members: Snapshot = {}
    for name, raw in vars(cls).items():
        if name.startswith("_") or name in found.get("fields", {}) or name in ("model_config",):
            continue
        member = raw.__func__ if isinstance(raw, classmethod | staticmethod) else raw
        if inspect.isfunction(member):
            mark = "classmethod " if isinstance(raw, classmethod) else ""
            needed = "required " if getattr(member, "__isabstractmethod__", False) else ""
            members[name] = f"{mark}{needed}{signature(member)}"
        elif isinstance(raw, property):
            members[name] = "property"
    annotations = {
        name: str(text)
        for name, text in vars(cls).get("__annotations__", {}).items()
        if not name.startswith("_") and name not in found.get("fields", {}) and "schema" not in found
    }
    return found | {key: value for key, value in (("members", members), ("attributes", annotations)) if value}


def signature(function: Any) -> str:
    """Parameters with their annotations as written, defaults by kind where they are no plain value."""
    parts: list[str] = []
    shown = inspect.signature(function)
    starred = False
    for one in shown.parameters.values():
        if one.kind is one.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        starred = starred or one.kind is one.VAR_POSITIONAL
        prefix = "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
        text = f"{prefix}{one.name}"
        if one.annotation is not one.empty:
            text += f": {one.annotation}"
        if one.default is not one.empty:
            text += f" = {_plain(one.default)}"
        parts.append(text)
    returns = "" if shown.return_annotation is shown.empty else f" -> {shown.return_annotation}"
    colour = "async " if inspect.iscoroutinefunction(function) else ""
    return f"{colour}({', '.join(parts)}){returns}"


def _field(one: dataclasses.Field[Any]) -> str:
    text = str(one.type)
    if one.default is not dataclasses.MISSING:
        return f"{text} = {_plain(one.default)}"
    return f"{text} = …" if one.default_factory is not dataclasses.MISSING else text


def _plain(value: Any) -> str:
    if value is None or isinstance(value, str | int | float | bool | tuple | frozenset):
        return repr(sorted(value)) if isinstance(value, frozenset) else repr(value)
    return "…"


def schema(model: type[BaseModel]) -> Any:
    """Its JSON schema without words."""
    return _wordless(model.model_json_schema())


def _wordless(value: Any, *, names: bool = False) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _wordless(one, names=key in ("properties", "$defs"))
            for key, one in sorted(value.items())
            if names or key not in ("title", "description", "examples")
        }
    return [_wordless(one) for one in value] if isinstance(value, list) else value


def flat(taken: Snapshot) -> dict[str, Any]:
    """Every promise by its path: `names.Item.fields.up` and so on."""
    found: dict[str, Any] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping) and value:
            for key, one in value.items():
                walk(one, f"{path}.{key}" if path else str(key))
        else:
            found[path] = value

    walk({key: value for key, value in taken.items() if key != "api"}, "")
    return found


def broken(before: Snapshot, now: Snapshot) -> list[str]:
    """Promises of `before` that do not hold `now`; provisional names promise nothing."""
    loose = {name for name, one in before["names"].items() if one.get("provisional")}
    current = flat(now)
    return sorted(
        path
        for path, value in flat(before).items()
        if not (path.startswith("names.") and path.split(".")[1] in loose) and current.get(path, ...) != value
    )


def refusal(before: Snapshot, now: Snapshot, *, released: bool) -> str:
    """Why `now` may not take the place of `before`; empty where it may. released: somebody has `before` installed."""
    if before == now or not released:
        return ""
    if lost := broken(before, now):
        return f"This breaks plugins, which asks for API {API_MAJOR + 1}.0: {', '.join(lost[:10])}"
    if before["api"] == now["api"]:
        return "There is something new: raise API_MINOR in medianest_core/sdk/markers.py and tell it in CHANGELOG.md."
    return ""


def is_released(changelog: str, version: str) -> bool:
    """Whether a version of the changelog that is out tells of this API; before the first release all of it may still change."""
    sections = changelog.split("\n## ")[1:]
    out = [text for text in sections if "(unreleased)" not in text.partition("\n")[0]]
    return any(f"API {version}" in text for text in out)


def main() -> int:
    now = snapshot()
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text("utf-8")
    if FILE.exists():
        before = json.loads(FILE.read_text("utf-8"))
        if reason := refusal(before, now, released=is_released(changelog, before["api"])):
            print(reason)
            return 1
    FILE.write_text(json.dumps(now, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
