"""Settings of instances at rest and in use: secrets are sealed by type, references are followed when they are opened.

The stored form is the model's JSON, in which each secret is either sealed (bound to instance and field) or a reference in
clear: "$env:NAME" for a variable of the process, "$file:/path" for a file. Secrets of groups and of entries of lists are kept like
all others; `base.nested` says how they are named, and how an entry stays itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import AnyUrl, ValidationError

from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.nested import (
    ENTRY_ID,
    Place,
    editable,
    entries,
    entry_id,
    is_entry_id,
    new_entry_id,
    places,
    without_ids,
)
from medianest_core.base.redact import register_secret
from medianest_core.base.texts import N_
from medianest_core.host.errors import InvalidSettings, SettingsUnreadable
from medianest_core.host.settings_models import entry_of, is_group, secret_names, secret_places
from medianest_core.sdk.settings import Secret, ServiceSettings

S = TypeVar("S", bound=ServiceSettings)

_REFERENCE = re.compile(r"\$(env|file):(.+)", re.DOTALL)
_MAX_SECRET_FILE = 64 * 1024
_LONG_WORD = 12
_LIMITS = {
    "greater_than": ("gt", N_("It must be more than {limit}.")),
    "greater_than_equal": ("ge", N_("It must be at least {limit}.")),
    "less_than": ("lt", N_("It must be less than {limit}.")),
    "less_than_equal": ("le", N_("It must be at most {limit}.")),
    "string_too_long": ("max_length", N_("Use at most {limit} characters.")),
    "string_too_short": ("min_length", N_("Use at least {limit} characters.")),
    "too_short": ("min_length", N_("Enter at least {limit}.")),
    "too_long": ("max_length", N_("Enter at most {limit}.")),
}
"""What pydantic calls a limit that was passed: the name of the limit, and our sentence."""


def check_settings(model: type[S], values: Mapping[str, Any], *, protected: Path | None = None) -> S:
    """Validate what an admin typed; references are followed. Raises InvalidSettings, which holds no input.

    values: entries of lists with their ids, as far as they have any. protected: a folder whose files no reference may name.
    """
    opened = editable(values)
    errors = _wrong_ids(model, opened)
    for place in secret_places(model, opened):
        if isinstance(place.value, str):
            try:
                place.holder[place.key] = follow(place.value, protected)
            except SettingsUnreadable as error:
                errors[place.name] = str(error)
                place.holder.pop(place.key)
    try:
        settings = model.model_validate(without_ids(opened))
    except ValidationError as error:
        errors = field_errors(model, error, opened) | errors
    except Exception as error:
        raise InvalidSettings(
            {"": N_("The plugin could not check these settings ({kind}).").format(kind=type(error).__name__)}
        ) from error
    if errors:
        raise InvalidSettings(errors)
    in_clear = N_("Leave name and password out of the address: they would be stored and shown in clear.")
    if found := {
        place.name: in_clear for place in places(_identified(settings, opened)) if _names_someone(place.value)
    }:
        raise InvalidSettings(found)
    _register(settings)
    return settings


def _wrong_ids(model: type[ServiceSettings], values: dict[str, Any]) -> dict[str, str]:
    """Sentences on entries that cannot be told apart."""
    wrong = {}
    for name, field in model.model_fields.items():
        if entry_of(field.annotation) is None:
            continue
        ids = [one[ENTRY_ID] for _, one in entries(values.get(name)) if one.get(ENTRY_ID)]
        if not all(is_entry_id(one) for one in ids):
            wrong[name] = N_(
                'The "_id" of an entry has 6 to 40 lower-case letters and digits; leave it out for a new one.'
            )
        elif len(set(ids)) < len(ids):
            wrong[name] = N_('Two entries have the same "_id"; leave it out for a new one.')
    return wrong


def with_ids(model: type[ServiceSettings], values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with ids for entries that have none yet."""
    known = editable(values)
    for name, field in model.model_fields.items():
        if entry_of(field.annotation) is not None:
            for _, entry in entries(known.get(name)):
                entry[ENTRY_ID] = entry.get(ENTRY_ID) or new_entry_id()
    return known


def _identified(settings: ServiceSettings, values: Mapping[str, Any]) -> dict[str, Any]:
    """Checked settings with their Python values, entries with the ids they have in `values`, or with new ones."""
    live = editable(dict(settings))
    for name, value in live.items():
        if entry_of(type(settings).model_fields[name].annotation) is None:
            continue
        known = values.get(name)
        # A validator may have left entries out: then nobody knows any more which is which.
        ids = [one.get(ENTRY_ID) for _, one in entries(known)]
        if len(ids) != len(value):
            ids = [None] * len(value)
        live[name] = [
            {ENTRY_ID: given or new_entry_id()} | one for given, one in zip(ids, value, strict=True)
        ]
    return live


def _names_someone(value: object) -> bool:
    addresses = value if isinstance(value, list | tuple) else (value,)
    return any(isinstance(one, AnyUrl) and (one.username or one.password) for one in addresses)


def seal_settings(
    settings: ServiceSettings, typed: Mapping[str, Any], keyring: Keyring, owner: str
) -> dict[str, Any]:
    """The stored form. typed: what the admin entered, for the references and ids in it. owner: the instance's id."""
    model = type(settings)
    entered = editable(typed)
    live = _identified(settings, entered)
    raw = {place.name: place.value for place in secret_places(model, entered)}
    # Secrets are masks in here until they are put in place.
    stored = editable(settings.model_dump(mode="json"))
    for name, value in live.items():
        for (_, one), (known, _) in zip(entries(stored[name]), entries(value), strict=True):
            values = dict(one)
            one.clear()
            one |= {ENTRY_ID: known} | values
    for place, mine in zip(secret_places(model, stored), secret_places(model, live), strict=True):
        place.holder[place.key] = _sealed(mine, raw.get(mine.name), keyring, owner)
    return stored


def _sealed(place: Place, raw: object, keyring: Keyring, owner: str) -> str | None:
    """A secret as it is stored. raw: what was typed, which may be a reference to it."""
    secret = place.value
    # A validator may have put the entries of a list into another order.
    known = place.name == place.setting or (isinstance(secret, Secret) and _leads_to(raw, secret))
    if isinstance(raw, str) and _REFERENCE.fullmatch(raw) and known:
        return raw
    return (
        keyring.seal(secret.reveal(), context_of(owner, place.name)) if isinstance(secret, Secret) else None
    )


def _leads_to(reference: object, secret: Secret) -> bool:
    try:
        return isinstance(reference, str) and follow(reference) == secret.reveal()
    except SettingsUnreadable:
        return False


def open_settings(
    model: type[S], stored: Mapping[str, Any], keyring: Keyring, owner: str, *, protected: Path | None = None
) -> S:
    """The settings in use. Raises SettingsUnreadable, with what to do; never falls back to defaults."""
    try:
        values = reveal_stored(model, stored, keyring, owner, protected=protected)
        settings = model.model_validate(without_ids(values))
    except CannotOpen as error:
        raise SettingsUnreadable(str(error)) from error
    except ValidationError as error:
        fields = ", ".join(sorted(name or "the whole" for name in field_errors(model, error)))
        raise SettingsUnreadable(
            N_(
                N_(
                    "The stored settings do not fit this version of the plugin ({fields}). Check and save them again."
                )
            ).format(fields=fields)
        ) from None
    _register(settings)
    return settings


def reveal_stored(
    model: type[ServiceSettings],
    stored: Mapping[str, Any],
    keyring: Keyring,
    owner: str,
    *,
    protected: Path | None = None,
) -> dict[str, Any]:
    """Stored values with clear secrets. Raises CannotOpen, SettingsUnreadable."""
    values = editable(stored)
    for place in secret_places(model, values):
        if isinstance(place.value, str):
            place.holder[place.key] = reveal(place, keyring, owner, protected=protected)
    return values


def reveal(place: Place, keyring: Keyring, owner: str, *, protected: Path | None = None) -> str:
    """A stored secret in clear. Raises CannotOpen, SettingsUnreadable."""
    if _REFERENCE.fullmatch(place.value):
        return follow(place.value, protected)
    return keyring.open(place.value, context_of(owner, place.name))


def follow(value: str, protected: Path | None = None) -> str:
    """The text a reference names, or `value` itself where it is none. Raises SettingsUnreadable."""
    match = _REFERENCE.fullmatch(value)
    if match is None:
        return value
    if match[1] == "env":
        name = match[2]
        if name.upper().startswith("MEDIANEST_"):
            raise SettingsUnreadable("Variables of MediaNest itself cannot be used here.")
        if not (text := os.environ.get(name)):
            raise SettingsUnreadable(N_("The environment variable {name} is not set.").format(name=name))
        return text
    path = Path(match[2])
    try:
        resolved = path.resolve(strict=True)
        if protected is not None and resolved.is_relative_to(protected.resolve()):
            raise SettingsUnreadable("Files in MediaNest's own data folder cannot be used here.")
        if not resolved.is_file() or resolved.stat().st_size > _MAX_SECRET_FILE:
            raise SettingsUnreadable(N_("{path} is not a small file.").format(path=path))
        text = resolved.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SettingsUnreadable(N_("The file {path} cannot be read.").format(path=path)) from error
    if not text:
        raise SettingsUnreadable(N_("The file {path} is empty.").format(path=path))
    return text


def fingerprint(stored: Mapping[str, Any]) -> str:
    """Changes whenever anything was saved anew."""
    return hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()[:24]


def field_errors(
    model: type[ServiceSettings], error: ValidationError, values: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Field name → one sentence. Inputs are left out: the message beside one field could show another's secret.

    values: as they were checked, for the ids of entries.
    """
    secrets = secret_names(model)
    errors: dict[str, str] = {}
    for one in error.errors(include_input=False, include_context=True, include_url=False):
        name, setting = _place(model, one["loc"], values or {})
        if setting is None:
            errors.setdefault("", N_('There is no setting called "{name}".').format(name=name[:60]))
            continue
        errors.setdefault(
            name, _sentence(one["type"], one["msg"], one.get("ctx", {}), secret=setting in secrets)
        )
    return errors


def _place(
    model: type[ServiceSettings], where: Sequence[int | str], values: Mapping[str, Any]
) -> tuple[str, str | None]:
    """What the form calls the place of an error, and which setting it is; None where there is no such setting."""
    name = str(where[0]) if where else ""
    field = model.model_fields.get(name)
    if field is None:
        return name, None if name else ""
    place, rest = name, where[1:]
    part = field.annotation if is_group(field.annotation) else entry_of(field.annotation)
    if rest and part is not None and not is_group(field.annotation):
        place = f"{name}.{entry_id(values[name][rest[0]] if name in values else None, int(rest[0]))}"
        rest = rest[1:]
    if not rest or part is None:
        return place, name
    return f"{place}.{rest[0]}", f"{name}.{rest[0]}" if rest[0] in part.model_fields else None


def _sentence(kind: str, message: str, context: Mapping[str, Any], *, secret: bool) -> str:
    if kind == "missing":
        return N_("This is needed.")
    if secret:
        return (
            N_("Type the secret itself, not its mask.") if "mask" in message else N_("This cannot be used.")
        )
    if kind in {"int_parsing", "float_parsing", "int_type", "float_type", "int_from_float"}:
        return N_("Enter a number.")
    if kind.startswith("url"):
        return N_("Enter a complete address, such as http://192.168.1.20:5055.")
    if kind in _LIMITS:
        name, sentence = _LIMITS[kind]
        return sentence.format(limit=context[name])
    text = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = text.replace("Input should be", "It must be").replace("String should", "It should").strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def context_of(owner: str, field: str) -> str:
    """What a sealed setting is bound to. owner: the instance's id."""
    return f"instance:{owner}:{field}"


def _register(settings: ServiceSettings) -> None:
    for place in secret_places(type(settings), editable(dict(settings))):
        if isinstance(place.value, Secret):
            _register_text(place.value.reveal())


def _register_text(secret: str) -> None:
    """Of a text of many lines, a cookies.txt or a key file, also what stands at the end of each: whoever quotes it quotes a line."""
    register_secret(secret)
    lines = secret.splitlines()
    if len(lines) < 2:
        return
    for line in lines:
        if (words := line.split()) and len(words[-1]) >= _LONG_WORD:
            register_secret(words[-1])
