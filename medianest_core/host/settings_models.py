"""Which settings models the core can store, show as a form and describe: a closed set of field shapes."""

from __future__ import annotations

import enum
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import AnyHttpUrl, AnyUrl, BaseModel
from pydantic.fields import FieldInfo

from medianest_core.base.nested import Place, entries
from medianest_core.sdk.settings import HttpUrl, Secret, ServiceSettings, SettingsGroup, secret_fields

_PLAIN = (str, int, float, bool, Secret, HttpUrl, AnyHttpUrl, AnyUrl, Path)


def settings_problems(model: object) -> list[str]:
    """What is wrong with a settings model, one sentence each."""
    if not (isinstance(model, type) and issubclass(model, ServiceSettings)):
        return ["Its settings are not a ServiceSettings model."]
    problems = []
    for name, field in model.model_fields.items():
        if is_group(field.annotation):
            problems += _group_problems(f"{model.__name__}.{name}", field.annotation)
        elif (entry := entry_of(field.annotation)) is not None:
            problems += _group_problems(f"{model.__name__}.{name}", entry)
        elif reason := _refusal(field.annotation, inside_list=False):
            problems.append(f"Settings field {model.__name__}.{name}: {reason}")
        if hasattr(ServiceSettings, name):
            problems.append(f"Settings field {model.__name__}.{name}: this name is taken by ServiceSettings.")
        if field.alias or field.validation_alias or field.serialization_alias:
            problems.append(f"Settings field {model.__name__}.{name}: aliases are not possible.")
        if field.is_required() and get_origin(field.annotation) is None and field.annotation is bool:
            problems.append(f"Settings field {model.__name__}.{name}: a switch needs a default.")
    if model.model_config.get("extra") != "forbid":
        problems.append(f'Settings model {model.__name__} must keep extra="forbid".')
    return problems


def is_group(annotation: object) -> TypeGuard[type[SettingsGroup]]:
    """Whether a field holds settings that belong together."""
    return isinstance(annotation, type) and issubclass(annotation, SettingsGroup)


def entry_of(annotation: object) -> type[SettingsGroup] | None:
    """What each entry is, where a field holds a list of settings that belong together."""
    if get_origin(annotation) is not list:
        return None
    (inner,) = get_args(annotation)
    return inner if is_group(inner) else None


def each_field(model: type[ServiceSettings]) -> Iterator[tuple[str, FieldInfo]]:
    """Every setting; those of groups and of entries as "group.field", after the group itself."""
    for name, field in model.model_fields.items():
        yield name, field
        part = field.annotation if is_group(field.annotation) else entry_of(field.annotation)
        if part is not None:
            yield from ((f"{name}.{inner}", one) for inner, one in part.model_fields.items())


def _is_secret(annotation: Any) -> bool:
    return annotation is Secret or Secret in get_args(annotation)


def secret_names(model: type[ServiceSettings]) -> frozenset[str]:
    """All secrets of a model: those of groups and of entries as "group.field"."""
    return frozenset(name for name, field in each_field(model) if _is_secret(field.annotation))


def secret_places(model: type[ServiceSettings], values: dict[str, Any]) -> Iterator[Place]:
    """Where secrets stand in `values`, or would, in the order of the form. values: as `editable` gives them."""
    own = secret_fields(model)
    for name, field in model.model_fields.items():
        value = values.get(name)
        if name in own:
            yield Place(name, name, values, name)
        elif is_group(field.annotation):
            if isinstance(value, dict):
                yield from _secrets_in(field.annotation, name, name, value)
        elif (kind := entry_of(field.annotation)) is not None:
            for entry_id, entry in entries(value):
                yield from _secrets_in(kind, f"{name}.{entry_id}", name, entry)


def _secrets_in(
    part: type[SettingsGroup], place: str, setting: str, values: dict[str, Any]
) -> Iterator[Place]:
    own = secret_fields(part)
    for key in part.model_fields:
        if key in own:
            yield Place(f"{place}.{key}", f"{setting}.{key}", values, key)


def _group_problems(place: str, group: type[SettingsGroup]) -> list[str]:
    problems = []
    for name, field in group.model_fields.items():
        if is_group(field.annotation):
            problems.append(f"Settings field {place}.{name}: groups inside groups are not possible.")
        elif entry_of(field.annotation) is not None:
            problems.append(f"Settings field {place}.{name}: lists of groups inside groups are not possible.")
        elif reason := _refusal(field.annotation, inside_list=False):
            problems.append(f"Settings field {place}.{name}: {reason}")
        if field.alias or field.validation_alias or field.serialization_alias:
            problems.append(f"Settings field {place}.{name}: aliases are not possible.")
        if field.is_required() and field.annotation is bool:
            problems.append(f"Settings field {place}.{name}: a switch needs a default.")
    if group.model_config.get("extra") != "forbid":
        problems.append(f'Settings group {group.__name__} must keep extra="forbid".')
    return problems


def _refusal(annotation: Any, *, inside_list: bool) -> str | None:
    origin = get_origin(annotation)
    if origin is Literal:
        values = get_args(annotation)
        return None if all(isinstance(value, str) for value in values) else "choices must be text."
    if origin in {Union, types.UnionType}:
        return _union_refusal(annotation, inside_list=inside_list)
    if origin in {list, tuple, Sequence, frozenset, set}:
        return _list_refusal(annotation, inside_list=inside_list)
    if origin is not None:
        return f"{annotation} cannot be shown as a form."
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return None if issubclass(annotation, str) else "choices must be a StrEnum."
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (
            "models inside settings are not possible; use a SettingsGroup, a list of one, or separate fields."
        )
    if isinstance(annotation, type) and any(issubclass(annotation, plain) for plain in _PLAIN):
        return (
            "a list of secrets is not possible; use a list of a SettingsGroup."
            if inside_list and annotation is Secret
            else None
        )
    return f"{getattr(annotation, '__name__', annotation)} cannot be shown as a form."


def _union_refusal(annotation: Any, *, inside_list: bool) -> str | None:
    rest = [part for part in get_args(annotation) if part is not type(None)]
    if len(rest) != 1 or inside_list:
        return "a choice between types is not possible; only “X | None” is."
    return _refusal(rest[0], inside_list=inside_list)


def _list_refusal(annotation: Any, *, inside_list: bool) -> str | None:
    if inside_list:
        return "lists inside lists are not possible."
    if get_origin(annotation) is not list:
        return "use list[…]."
    return _refusal(get_args(annotation)[0], inside_list=True)
