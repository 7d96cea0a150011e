"""A settings model as a form: the fields to show, and what was typed into them."""

from __future__ import annotations

import enum
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AnyHttpUrl, AnyUrl, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from medianest_core.host.settings_models import is_group
from medianest_core.sdk.settings import HttpUrl, Secret, ServiceSettings, SettingsGroup

FormKind = Literal["text", "url", "secret", "number", "bool", "select", "textarea", "list"]
CLEAR = "__clear"
"""A form field `<secret>__clear` with a true value removes a stored secret."""

_BOUNDS = {"ge": "minimum", "gt": "minimum", "le": "maximum", "lt": "maximum", "multiple_of": "step"}


@dataclass(frozen=True, slots=True)
class FormField:
    """One input.

    value: text for text, url, textarea, number and select; bool for bool; list of text for list; always "" for a secret, where
    `is_set` says that one is stored and `reference` shows a stored "$env:" or "$file:" reference. choices: (value, label).
    minimum, maximum, step: for numbers. multiline: of a textarea, and of a secret with line breaks. group: label of the settings
    that this one belongs to; its name is then "group.field".
    """

    name: str
    kind: FormKind
    label: str
    help: str = ""
    example: str = ""
    required: bool = False
    advanced: bool = False
    value: str | bool | Sequence[str] = ""
    choices: Sequence[tuple[str, str]] = ()
    error: str = ""
    is_set: bool = False
    reference: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    multiline: bool = False
    group: str = ""


def form_fields(
    model: type[ServiceSettings],
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> list[FormField]:
    """The model's fields in order.

    values: stored or typed ones; a secret's value is never repeated. errors: field name → sentence.
    """
    given, wrong = values or {}, errors or {}
    found = []
    for name, field in model.model_fields.items():
        if is_group(field.annotation):
            found += _group(name, field, field.annotation, given.get(name), wrong)
        else:
            found.append(_field(name, field, given.get(name), name in given, wrong.get(name, "")))
    return found


def _group(
    name: str, field: FieldInfo, group: type[SettingsGroup], value: Any, wrong: Mapping[str, str]
) -> list[FormField]:
    """Inputs of settings that belong together. value: as stored or typed, or None for the defaults."""
    default = field.get_default(call_default_factory=True)
    if not isinstance(value, Mapping):
        value = default.model_dump() if isinstance(default, SettingsGroup) else {}
    return [
        replace(
            _field(inner, one, value.get(inner), inner in value, wrong.get(f"{name}.{inner}", "")),
            name=f"{name}.{inner}",
            group=_label(name, field),
        )
        for inner, one in group.model_fields.items()
    ]


def parse_form(
    model: type[ServiceSettings], form: Mapping[str, Any], previous: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Typed values for `Instances.create`, `update` and `test`; they are validated there.

    form: names to text, or to lists of text; objects with `getlist` are asked for repeated names. An empty secret is left
    out, which keeps the stored one (`previous` tells whether there is one); a ticked `<name>__clear` gives None. An empty
    optional field gives its default.
    """
    return _parse(model, form, previous or {})


def _parse(
    model: type[BaseModel], form: Mapping[str, Any], previous: Mapping[str, Any], prefix: str = ""
) -> dict[str, Any]:
    """prefix: before the names in the form, for settings of a group."""
    values: dict[str, Any] = {}
    for own, field in model.model_fields.items():
        if is_group(field.annotation):
            values[own] = _parse(field.annotation, form, {}, f"{own}.")
            continue
        name, kind = prefix + own, _kind(field)
        if kind == "secret":
            _parse_secret(name, form, previous, values)
            continue
        if kind == "list":
            lines = [line.strip() for text in _all(form, name) for line in text.splitlines()]
            values[own] = [line for line in lines if line]
            continue
        texts = _all(form, name)
        if kind == "bool":
            values[own] = bool(texts) and texts[-1].lower() in {"true", "on", "1", "yes"}
            continue
        if not texts:
            continue
        text = texts[-1] if kind == "textarea" else texts[-1].strip()
        if text:
            values[own] = text
        elif field.is_required() and kind in {"text", "textarea"}:
            # Left out, so that it is reported as missing rather than stored as an empty text.
            continue
        elif not field.is_required() and _nullable(field.annotation):
            values[own] = None
    return values


def _parse_secret(
    name: str, form: Mapping[str, Any], previous: Mapping[str, Any], values: dict[str, Any]
) -> None:
    if any(text.lower() in {"true", "on", "1", "yes"} for text in _all(form, name + CLEAR)):
        values[name] = None
        return
    texts = _all(form, name)
    if texts and texts[-1].strip():
        # Pasted keys come with blanks and newlines around them; a text area's own lines (cookies) are kept.
        values[name] = texts[-1].strip()


def _all(form: Mapping[str, Any], name: str) -> list[str]:
    getlist = getattr(form, "getlist", None)
    found = getlist(name) if callable(getlist) else form.get(name)
    if found is None:
        return []
    if isinstance(found, list | tuple):
        return [str(one) for one in found if isinstance(one, str | int | float)]
    return [str(found)]


def _field(name: str, field: FieldInfo, value: Any, given: bool, error: str) -> FormField:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    kind = _kind(field)
    default = None
    if not given and not field.default_factory_takes_validated_data:
        default = field.get_default(call_default_factory=True)
    shown = value if given else (None if default is PydanticUndefined else default)
    limits = _limits(field)
    return FormField(
        name=name,
        kind=kind,
        label=_label(name, field),
        help=field.description or "",
        example=str(field.examples[0]) if field.examples else "",
        required=field.is_required(),
        advanced=bool(extra.get("advanced")),
        value=_shown(kind, shown),
        choices=_choices(field, extra),
        error=error,
        is_set=kind == "secret" and bool(shown),
        multiline=bool(extra.get("multiline")),
        reference=shown if kind == "secret" and isinstance(shown, str) and shown.startswith("$") else "",
        minimum=limits.get("minimum"),
        maximum=limits.get("maximum"),
        step=limits.get("step", 1.0 if _plain(field.annotation) is int else None)
        if kind == "number"
        else None,
    )


def _label(name: str, field: FieldInfo) -> str:
    return field.title or ("Address" if name == "url" else name.replace("_", " ").capitalize())


def _kind(field: FieldInfo) -> FormKind:
    annotation = _plain(field.annotation)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    if annotation is Secret:
        return "secret"
    if get_origin(annotation) is list:
        return "list"
    if get_origin(annotation) is Literal:
        return "select"
    if not isinstance(annotation, type):
        return "text"
    if issubclass(annotation, enum.Enum):
        return "select"
    if issubclass(annotation, bool):
        return "bool"
    if issubclass(annotation, int | float):
        return "number"
    if annotation in {HttpUrl, AnyHttpUrl, AnyUrl}:
        return "url"
    return "textarea" if extra.get("multiline") else "text"


def _plain(annotation: Any) -> Any:
    """The annotation without `| None`."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def _nullable(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, types.UnionType} and type(None) in get_args(annotation)


def _shown(kind: FormKind, value: Any) -> str | bool | Sequence[str]:
    if kind == "bool":
        return value if isinstance(value, bool) else str(value).lower() in {"true", "on", "1"}
    if kind == "list":
        return [str(one) for one in value] if isinstance(value, list | tuple) else []
    if kind == "secret" or value is None:
        return ""
    return str(value.value if isinstance(value, enum.Enum) else value)


def _choices(field: FieldInfo, extra: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Labels come from `json_schema_extra={"labels": {value: label}}`, else from the values."""
    annotation = _plain(field.annotation)
    if get_origin(annotation) is Literal:
        values = [str(one) for one in get_args(annotation)]
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        values = [str(one.value) for one in annotation]
    else:
        return ()
    labels = extra.get("labels")
    known = labels if isinstance(labels, Mapping) else {}
    return [(value, str(known.get(value, value.replace("_", " ").capitalize()))) for value in values]


def _limits(field: FieldInfo) -> dict[str, float]:
    limits: dict[str, float] = {}
    for one in field.metadata:
        for attribute, name in _BOUNDS.items():
            if isinstance(bound := getattr(one, attribute, None), int | float):
                limits[name] = float(bound)
    return limits
