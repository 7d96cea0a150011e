"""Settings of service instances, and the secret type.

One pydantic model per service type gives the stored JSON, the admin form, the REST schema and the docs. A field is a secret
because its type is `Secret`, never because of its name. `Field(description=…, examples=…)` becomes the form's help;
`json_schema_extra={"advanced": True}` moves a field below the fold, `{"multiline": True}` makes it a text area. A field whose
type is a `SettingsGroup` is a part of the form with a heading of its own, and a list of them is entries to add, move and remove.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo
from pydantic import HttpUrl as HttpUrl
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

MASK = "••••••••"


class Secret:
    """A value that is never shown again: masked in repr, logs, JSON and forms; sealed at rest by the core.

    `reveal()` gives the clear text to the plugin that sends it to its service. `$env:NAME` and `$file:PATH` references are
    resolved by the core before the plugin sees the settings.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a Secret cannot be pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: object, info: core_schema.ValidationInfo) -> Secret:
            if isinstance(value, Secret):
                return value
            if not isinstance(value, str):
                raise ValueError("a secret is text")
            if value == MASK:
                raise ValueError("type the secret, not its mask")
            opener = (info.context or {}).get("open_secret")
            return cls(opener(value) if opener else value)

        def serialize(value: Secret, info: SerializationInfo) -> str:
            seal: Callable[[str], str] | None = (info.context or {}).get("seal_secret")
            return seal(value.reveal()) if seal else MASK

        return core_schema.with_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(serialize, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "format": "password", "writeOnly": True}


class ServiceSettings(BaseModel):
    """Base of every service type's settings. A field `url: HttpUrl` is the instance's base URL."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    def hosts(self) -> Sequence[str]:
        """`host` or `host:port` entries that the instance may reach.

        Default: the hosts of all URL fields. Override to add fixed hosts of a public service. A host entered here by an admin
        may be on the home network; everything else must be public.
        """
        return sorted(
            {*(host for value in self.__dict__.values() for host in _hosts(value)), *self.typed_hosts()}
        )

    def typed_hosts(self) -> Sequence[str]:
        """`host:port` entries that an admin typed into fields that are no URLs; they may be on the home network too."""
        return ()

    def base_url(self) -> str:
        """The `url` field without its trailing slash, or an empty string."""
        value = getattr(self, "url", None)
        return str(value).rstrip("/") if value is not None else ""


class SettingsGroup(BaseModel):
    """Base of settings that belong together inside a `ServiceSettings`, alone or as `list[…]`, one level deep. May hold secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


def _hosts(value: object) -> Sequence[str]:
    if isinstance(value, SettingsGroup):
        return [host for item in value.__dict__.values() for host in _hosts(item)]
    if isinstance(value, str) or type(value).__name__ in {"HttpUrl", "AnyHttpUrl", "Url", "AnyUrl"}:
        parts = urlsplit(str(value))
        if parts.scheme in {"http", "https"} and parts.hostname:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            return [f"{host}:{port}"]
        return []
    if isinstance(value, list | tuple):
        return [host for item in value for host in _hosts(item)]
    return []


def secret_fields(model: type[BaseModel]) -> frozenset[str]:
    """Names of the model's own fields whose type is Secret, optional or not; those inside groups are not among them."""
    return frozenset(name for name, field in model.model_fields.items() if _mentions_secret(field.annotation))


def _mentions_secret(annotation: object) -> bool:
    if annotation is Secret:
        return True
    return any(_mentions_secret(argument) for argument in getattr(annotation, "__args__", ()))


JsonObject = Mapping[str, Any]
