"""A settings model as a form: the fields to show, and what was typed into them."""

from __future__ import annotations

import enum
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AnyHttpUrl, AnyUrl, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from medianest_core.base.nested import ENTRY_ID, editable, entries, entry_title
from medianest_core.host.settings_models import entry_of, is_group, secret_places
from medianest_core.sdk.settings import HttpUrl, Secret, ServiceSettings, SettingsGroup

FormKind = Literal["text", "url", "secret", "number", "bool", "select", "textarea", "list", "entries"]
CLEAR = "__clear"
"""A form field `<secret>__clear` with a true value removes a stored secret."""
REMOVE = "__remove"
"""A form field `<list>.<id>__remove` with a true value removes an entry, for browsers without scripts."""
SPARE = "__spare"
"""A form field `<list>__spare` holds the id of one more entry, which counts only where something is typed into it."""
_TRUE = frozenset({"true", "on", "1", "yes"})

_BOUNDS = {"ge": "minimum", "gt": "minimum", "le": "maximum", "lt": "maximum", "multiple_of": "step"}


@dataclass(frozen=True, slots=True)
class FormField:
    """One input.

    value: text for text, url, textarea, number and select; bool for bool; list of text for list; always "" for a secret, where
    `is_set` says that one is stored and `reference` shows a stored "$env:" or "$file:" reference. choices: (value, label).
    minimum, maximum, step: for numbers. multiline: of a textarea, and of a secret with line breaks. group: label of the settings
    that this one belongs to; its name is then "group.field".

    kind `entries`: a list of settings that belong together; `value` holds the ids of its entries, and the form field of that name
    is sent once for each of them, in order. Their own fields follow, named "list.id.field", with the id in `entry`, and with the
    label of the list as `group`.
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
    entry: str = ""


def form_fields(
    model: type[ServiceSettings],
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> list[FormField]:
    """The model's fields in order.

    values: stored or typed ones; a secret's value is never repeated. errors: field name → sentence, as InvalidSettings has them.
    """
    given, wrong = values or {}, errors or {}
    found = []
    for name, field in model.model_fields.items():
        if is_group(field.annotation):
            found += _group(name, field, field.annotation, given.get(name), wrong)
        elif (kind := entry_of(field.annotation)) is not None:
            found += _list(name, field, kind, given.get(name), wrong)
        else:
            found.append(_field(name, field, given.get(name), name in given, wrong.get(name, "")))
    return found


def _group(
    name: str, field: FieldInfo, group: type[SettingsGroup], value: Any, wrong: Mapping[str, str]
) -> list[FormField]:
    """Inputs of settings that belong together. value: as stored or typed, or None for the defaults."""
    default = field.get_default(call_default_factory=True)
    if not isinstance(value, Mapping):
        value = dict(default) if isinstance(default, SettingsGroup) else {}
    return list(_part(name, _label(name, field), group, value, wrong))


def _part(
    place: str, label: str, part: type[SettingsGroup], value: Mapping[str, Any], wrong: Mapping[str, str]
) -> Iterator[FormField]:
    """Inputs of a group, or of an entry. place: before their names."""
    for inner, one in part.model_fields.items():
        name = f"{place}.{inner}"
        field = _field(inner, one, value.get(inner), inner in value, wrong.get(name, ""))
        yield replace(field, name=name, group=label)


def _list(
    name: str, field: FieldInfo, kind: type[SettingsGroup], value: Any, wrong: Mapping[str, str]
) -> Iterator[FormField]:
    """A list and the inputs of its entries. value: as stored or typed, or None for the defaults."""
    if value is None:
        default = field.get_default(call_default_factory=True)
        value = default if isinstance(default, list) else ()
    found = entries(editable({name: value})[name])
    label = _label(name, field)
    yield FormField(
        name=name,
        kind="entries",
        label=label,
        help=field.description or "",
        required=field.is_required(),
        value=tuple(entry_id for entry_id, _ in found),
        error=wrong.get(name, ""),
    )
    for entry_id, entry in found:
        for one in _part(f"{name}.{entry_id}", label, kind, entry, wrong):
            yield replace(one, entry=entry_id)


def blank_entry(model: type[ServiceSettings], name: str, entry_id: str) -> list[FormField]:
    """The inputs of one more entry of a list."""
    field = model.model_fields[name]
    kind = entry_of(field.annotation)
    assert kind is not None, name
    return [
        replace(one, entry=entry_id) for one in _part(f"{name}.{entry_id}", _label(name, field), kind, {}, {})
    ]


def entry_titles(model: type[ServiceSettings], values: Mapping[str, Any]) -> dict[str, str]:
    """ "list.id" → what to call the entry: its first text, or a number."""
    found = {}
    for name, field in model.model_fields.items():
        kind = entry_of(field.annotation)
        if kind is None:
            continue
        for place, (entry_id, entry) in enumerate(entries(editable(values).get(name)), 1):
            plain = {key: entry.get(key) for key, one in kind.model_fields.items() if _kind(one) != "secret"}
            found[f"{name}.{entry_id}"] = entry_title(plain) or f"#{place}"
    return found


def shown_again(
    model: type[ServiceSettings], stored: Mapping[str, Any], typed: Mapping[str, Any]
) -> dict[str, Any]:
    """What a form shows that was not saved: as it was typed, with secrets as they are stored, for no form repeats them.

    stored: secrets masked, empty where nothing is stored yet. A reference is no secret and stays as it was typed.
    """
    values = editable(stored) | editable(typed)
    stands = {place.name: place.value for place in secret_places(model, editable(stored))}
    for place in secret_places(model, values):
        if not (isinstance(place.value, str) and place.value.startswith("$")):
            place.holder[place.key] = stands.get(place.name)
    return values


def parse_form(model: type[ServiceSettings], form: Mapping[str, Any]) -> dict[str, Any]:
    """Typed values for `Instances.create`, `update` and `test`; they are validated there.

    form: names to text, or to lists of text; objects with `getlist` are asked for repeated names. An empty secret is left
    out, which keeps the stored one; a ticked `<name>__clear` gives None. An empty optional field gives its default.
    """
    values = _parse(model, form)
    for name, field in model.model_fields.items():
        if is_group(field.annotation):
            values[name] = _parse(field.annotation, form, f"{name}.")
        elif (kind := entry_of(field.annotation)) is not None:
            values[name] = [
                {ENTRY_ID: entry_id} | _parse(kind, form, f"{name}.{entry_id}.")
                for entry_id in _entry_ids(model, name, form)
            ]
    return values


def _entry_ids(model: type[ServiceSettings], name: str, form: Mapping[str, Any]) -> list[str]:
    kept = [one for one in _all(form, name) if one and not _ticked(form, f"{name}.{one}{REMOVE}")]
    spare = [
        one for one in _all(form, name + SPARE) if one and _filled_in(blank_entry(model, name, one), form)
    ]
    return [*kept, *spare]


def _filled_in(blank: Sequence[FormField], form: Mapping[str, Any]) -> bool:
    """Whether anything was typed into inputs that were empty. Switches and choices always say something."""
    return any(
        text.strip() and text.strip() != one.value
        for one in blank
        if one.kind not in {"bool", "select"}
        for text in _all(form, one.name)
    )


def _parse(model: type[BaseModel], form: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings but for groups and lists of them. prefix: before the names in the form."""
    values: dict[str, Any] = {}
    for own, field in model.model_fields.items():
        if is_group(field.annotation) or entry_of(field.annotation) is not None:
            continue
        name, kind = prefix + own, _kind(field)
        if kind == "secret":
            _parse_secret(name, form, own, values)
            continue
        if kind == "list":
            lines = [line.strip() for text in _all(form, name) for line in text.splitlines()]
            values[own] = [line for line in lines if line]
            continue
        texts = _all(form, name)
        if kind == "bool":
            values[own] = bool(texts) and texts[-1].lower() in _TRUE
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


def _parse_secret(name: str, form: Mapping[str, Any], own: str, values: dict[str, Any]) -> None:
    if _ticked(form, name + CLEAR):
        values[own] = None
        return
    texts = _all(form, name)
    if texts and texts[-1].strip():
        # Pasted keys come with blanks and newlines around them; a text area's own lines (cookies) are kept.
        values[own] = texts[-1].strip()


def _ticked(form: Mapping[str, Any], name: str) -> bool:
    return any(text.lower() in _TRUE for text in _all(form, name))


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
