"""Values that fit a JSON schema, so that a model can be tried without anybody writing an example for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
_TEXTS = {
    "uri": "http://127.0.0.1:9/",
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00",
    "duration": "PT5M",
    "email": "someone@example.org",
    "uuid": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    "path": "/",
    "password": "swordfish",
}


def sample(schema: Mapping[str, Any], *, whole: bool = True) -> Any:
    """A value for the schema. whole: with optional properties; else only what is required."""
    return _value(schema, schema.get("$defs", {}), whole, 0)


def fitting(model: type[M], given: Mapping[str, Any] | None = None) -> M:
    """An instance with as many sample values as its validators take. given: values that stand fixed. Raises ValidationError."""
    schema = model.model_json_schema()
    values = {name: one for name, one in sample(schema).items() if one is not None} | dict(given or {})
    for _ in range(8):
        try:
            return model.model_validate(values)
        except ValidationError as error:
            refused = {str(one["loc"][0]) for one in error.errors() if one["loc"]} & values.keys()
            doubtful = {name for name in refused if not model.model_fields[name].is_required()}
            if not doubtful:
                break
            values = {name: one for name, one in values.items() if name not in doubtful}
    needed = {name for name, field in model.model_fields.items() if field.is_required()}
    return model.model_validate({name: one for name, one in values.items() if name in needed})


def _value(schema: Mapping[str, Any], defs: Mapping[str, Any], whole: bool, depth: int) -> Any:
    if "$ref" in schema:
        return _value(defs[str(schema["$ref"]).rpartition("/")[2]], defs, whole, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("examples"):
        return schema["examples"][0]
    if "default" in schema:
        return schema["default"]
    for choice in ("anyOf", "oneOf", "allOf"):
        if options := schema.get(choice):
            real = [one for one in options if one.get("type") != "null"]
            return _value((real or options)[0], defs, whole, depth + 1)
    match schema.get("type"):
        case "object":
            return _object(schema, defs, whole, depth)
        case "array":
            few = schema.get("minItems", 1 if whole and depth < 4 else 0)
            if "prefixItems" in schema:
                return [_value(one, defs, whole, depth + 1) for one in schema["prefixItems"]]
            return [_value(schema.get("items", {}), defs, whole, depth + 1)] * few
        case "integer":
            return int(_number(schema))
        case "number":
            return _number(schema)
        case "boolean":
            return True
        case "null":
            return None
    text = _TEXTS.get(str(schema.get("format", "")), "sample")
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 10_000)]


def _object(schema: Mapping[str, Any], defs: Mapping[str, Any], whole: bool, depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    found = {
        name: _value(one, defs, whole, depth + 1)
        for name, one in schema.get("properties", {}).items()
        if name in required or (whole and depth < 4)
    }
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping) and not schema.get("properties"):
        found["sample"] = _value(more, defs, whole, depth + 1)
    return found


def _number(schema: Mapping[str, Any]) -> float:
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + 1
    else:
        low = schema.get("minimum", 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    return float(low if high is None else min(low, high))
