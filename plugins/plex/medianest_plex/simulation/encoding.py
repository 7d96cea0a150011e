"""One model, two forms: plain dicts become Plex's JSON or Plex's XML.

In XML, scalars are attributes and nested objects are child elements; what JSON calls `Metadata` is a `Video`, `Track` or
`Directory` by its type. Empty lists and None appear in neither form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

JsonObject = Mapping[str, object]

XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)
_VIDEO = frozenset({"movie", "episode", "clip", "trailer"})
# plex.tv wraps these lists in an element of their own, the media server wraps none.
_WRAPPED = {
    "connections": "connection",
    "features": "feature",
    "entitlements": "entitlement",
    "roles": "role",
    "services": "service",
    "errors": "error",
}


def prune(value: object) -> object:
    """`value` without empty lists and absent attributes at any depth; explicit nulls are kept by `Null`."""
    if isinstance(value, Mapping):
        return {k: prune(v) for k, v in value.items() if v is not None and v != []}
    if isinstance(value, list):
        return [prune(entry) for entry in value]
    return value


def to_json(value: object) -> bytes:
    """Plex Media Server JSON: no empty arrays, no nulls."""
    return orjson.dumps(prune(value))


def _text(value: object) -> str:
    if value is True:
        return "1"
    if value is False:
        return "0"
    return str(value).translate(_ESCAPES)


def xml_tag(name: str, value: JsonObject) -> str:
    """The element name of an entry listed under `name`."""
    if name != "Metadata":
        return name
    kind = value.get("type")
    if kind in _VIDEO:
        return "Video"
    return "Track" if kind == "track" else "Directory"


def to_xml(tag: str, value: JsonObject) -> str:
    """One element with everything below it."""
    start, end = xml_parts(tag, value)
    return start + end


def xml_parts(tag: str, value: JsonObject) -> tuple[str, str]:
    """The element up to its last child, and its end tag: further children fit between."""
    attributes = [tag]
    children: list[str] = []
    for name, inner in value.items():
        if inner is None:
            continue
        if isinstance(inner, Mapping):
            children.append(to_xml(name, inner))
        elif isinstance(inner, list):
            children.extend(_list(name, inner))
        else:
            attributes.append(f'{name}="{_text(inner)}"')
    return f"<{' '.join(attributes)}>{''.join(children)}", f"</{tag}>"


def _list(name: str, values: list[object]) -> Iterable[str]:
    if name in _WRAPPED:
        rows = [row if isinstance(row, Mapping) else {"id": row} for row in values]
        yield f"<{name}>{''.join(to_xml(_WRAPPED[name], row) for row in rows)}</{name}>"
        return
    for row in values:
        if not isinstance(row, Mapping):
            raise TypeError(f"{name} must list objects")
        yield to_xml(xml_tag(name, row), row)
