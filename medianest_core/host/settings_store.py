"""Settings of instances at rest and in use: secrets are sealed by type, references are followed when they are opened.

The stored form is the model's JSON, in which each secret is either sealed (bound to instance and field) or a reference in
clear: "$env:NAME" for a variable of the process, "$file:/path" for a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AnyUrl, ValidationError

from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.redact import register_secret
from medianest_core.base.texts import N_
from medianest_core.host.errors import InvalidSettings, SettingsUnreadable
from medianest_core.host.settings_models import is_group
from medianest_core.sdk.settings import Secret, ServiceSettings, SettingsGroup, secret_fields

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

    protected: a folder whose files no reference may name.
    """
    errors: dict[str, str] = {}
    opened = dict(values)
    for name in secret_fields(model):
        if isinstance(value := opened.get(name), str):
            try:
                opened[name] = follow(value, protected)
            except SettingsUnreadable as error:
                errors[name] = str(error)
                opened.pop(name)
    try:
        settings = model.model_validate(opened)
    except ValidationError as error:
        errors = field_errors(model, error) | errors
    except Exception as error:
        raise InvalidSettings(
            {"": N_("The plugin could not check these settings ({kind}).").format(kind=type(error).__name__)}
        ) from error
    if errors:
        raise InvalidSettings(errors)
    in_clear = N_("Leave name and password out of the address: they would be stored and shown in clear.")
    if found := {
        name: in_clear for name, value in each_setting(dict(settings)).items() if _names_someone(value)
    }:
        raise InvalidSettings(found)
    _register(settings)
    return settings


def each_setting(values: Mapping[str, Any]) -> dict[str, Any]:
    """Each setting by itself; those of a group as "group.field"."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = dict(value) if isinstance(value, Mapping | SettingsGroup) else None
        if inner is None:
            found[name] = value
        else:
            found |= {f"{name}.{key}": one for key, one in inner.items()}
    return found


def _names_someone(value: object) -> bool:
    addresses = value if isinstance(value, list | tuple) else (value,)
    return any(isinstance(one, AnyUrl) and (one.username or one.password) for one in addresses)


def seal_settings(
    settings: ServiceSettings, typed: Mapping[str, Any], keyring: Keyring, owner: str
) -> dict[str, Any]:
    """The stored form. typed: what the admin entered, for the references in it. owner: the instance's id."""
    secrets = secret_fields(type(settings))
    stored: dict[str, Any] = settings.model_dump(mode="json", exclude=set(secrets))
    for name in secrets:
        value = getattr(settings, name)
        raw = typed.get(name)
        if isinstance(raw, str) and _REFERENCE.fullmatch(raw):
            stored[name] = raw
        elif isinstance(value, Secret):
            stored[name] = keyring.seal(value.reveal(), context_of(owner, name))
        else:
            stored[name] = None
    return stored


def open_settings(
    model: type[S], stored: Mapping[str, Any], keyring: Keyring, owner: str, *, protected: Path | None = None
) -> S:
    """The settings in use. Raises SettingsUnreadable, with what to do; never falls back to defaults."""
    try:
        values = reveal_stored(model, stored, keyring, owner, protected=protected)
        settings = model.model_validate(values)
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
    values = dict(stored)
    for name in secret_fields(model):
        value = values.get(name)
        if not isinstance(value, str):
            continue
        if _REFERENCE.fullmatch(value):
            values[name] = follow(value, protected)
        else:
            values[name] = keyring.open(value, context_of(owner, name))
    return values


def merge_typed(
    model: type[ServiceSettings], typed: Mapping[str, Any], current: Mapping[str, Any]
) -> dict[str, Any]:
    """What was typed, with kept secrets filled in from `current` (clear values or references).

    A secret that is missing or empty in `typed` is kept; None removes it. Raises InvalidSettings where an address now leads
    to another host: whoever can type an address must not be able to have stored secrets sent there.
    """
    values = dict(typed)
    kept = [name for name in secret_fields(model) if values.get(name, "") == ""]
    defaults = {name: field.default for name, field in model.model_fields.items()}
    present = each_setting(defaults) | each_setting(current)
    moved = any(
        _origin(value) != _origin(present.get(name))
        for name, value in each_setting(values).items()
        if name.partition(".")[0] in defaults and _origin(value)
    )
    again = {}
    for name in kept:
        values.pop(name, None)
        if current.get(name) is None:
            continue
        if moved:
            again[name] = N_("The address has changed, so type this again.")
        values[name] = current[name]
    if again:
        raise InvalidSettings(again)
    return values


def _origin(value: object) -> str:
    """Scheme, host and port of a typed or stored http address; empty for anything else."""
    try:
        parts = urlsplit(str(value))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return ""
        return f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    except ValueError:
        return ""


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


def field_errors(model: type[ServiceSettings], error: ValidationError) -> dict[str, str]:
    """Field name → one sentence. Inputs are left out: the message beside one field could show another's secret."""
    secrets = secret_fields(model)
    errors: dict[str, str] = {}
    for one in error.errors(include_input=False, include_context=True, include_url=False):
        name, known = _place(model, one["loc"])
        if not known:
            errors.setdefault("", N_('There is no setting called "{name}".').format(name=name[:60]))
            continue
        errors.setdefault(
            name, _sentence(one["type"], one["msg"], one.get("ctx", {}), secret=name in secrets)
        )
    return errors


def _place(model: type[ServiceSettings], where: Sequence[int | str]) -> tuple[str, bool]:
    """What the form calls the place of an error, and whether there is such a setting."""
    name = str(where[0]) if where else ""
    field = model.model_fields.get(name)
    if field is None:
        return name, not name
    if not is_group(field.annotation) or len(where) < 2:
        return name, True
    return f"{name}.{where[1]}", where[1] in field.annotation.model_fields


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
    for name in secret_fields(type(settings)):
        if isinstance(value := getattr(settings, name), Secret):
            _register_text(value.reveal())


def _register_text(secret: str) -> None:
    """Of a text of many lines, a cookies.txt or a key file, also what stands at the end of each: whoever quotes it quotes a line."""
    register_secret(secret)
    lines = secret.splitlines()
    if len(lines) < 2:
        return
    for line in lines:
        if (words := line.split()) and len(words[-1]) >= _LONG_WORD:
            register_secret(words[-1])
