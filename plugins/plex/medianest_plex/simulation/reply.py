"""Replies in the form the client accepts: Plex Media Server containers, its HTML errors, and plex.tv's error arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response

from medianest_plex.simulation.encoding import XML_HEAD, JsonObject, to_json, to_xml, xml_tag
from medianest_plex.simulation.entries import entry, json_parts, with_streams, xml_text
from medianest_plex.simulation.library import Item, Library

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
}
_TV_ERRORS = {
    400: (1004, "Malformed request"),
    401: (1001, "User could not be authenticated"),
    403: (1001, "You do not have access to this"),
    404: (1002, "Not Found"),
    429: (1003, "Too many requests"),
    500: (1007, "Internal error"),
}
LIBRARY_ATTRIBUTES: dict[str, object] = {
    "allowSync": True,
    "identifier": "com.plexapp.plugins.library",
    "mediaTagPrefix": "/system/bundle/media/flags/",
    "mediaTagVersion": 1731600000,
}


def wants_json(request: Request) -> bool:
    """XML is the default of both hosts."""
    return "application/json" in request.headers.get("accept", "")


def parameter(request: Request, name: str) -> str | None:
    """An X-Plex value from its header, else from the query parameter of the same name."""
    return request.headers.get(name) or request.query_params.get(name)


def html_error(status: int) -> Response:
    """The media server's errors are HTML, whatever was asked for."""
    return Response(html_error_body(status), status, media_type="text/html")


def html_error_body(status: int) -> bytes:
    """The page of `html_error`."""
    title = f"{status} {_TITLES[status]}"
    return f"<html><head><title>{_TITLES[status]}</title></head><body><h1>{title}</h1></body></html>".encode()


def container(
    request: Request, attributes: JsonObject | None = None, status: int = 200, /, **lists: object
) -> Response:
    """A MediaContainer; `size` is the number of entries in `lists`."""
    size = sum(len(rows) for rows in lists.values() if isinstance(rows, list))
    body: dict[str, object] = {"size": size, **(attributes or {}), **lists}
    if wants_json(request):
        return Response(to_json({"MediaContainer": body}), status, media_type="application/json")
    return Response(XML_HEAD + to_xml("MediaContainer", body), status, media_type="text/xml;charset=utf-8")


def page(
    request: Request,
    library: Library,
    items: Sequence[Item],
    attributes: JsonObject,
    *,
    guids: bool,
    total: int | None,
    start: int,
    meta: JsonObject | None = None,
    streams: bool = False,
) -> Response:
    """A MediaContainer of list entries, joined from their encoded forms. `total` None: paging was not asked for."""
    head: dict[str, object] = {"size": len(items)}
    headers = {}
    if total is not None:
        head |= {"totalSize": total, "offset": start}
        headers = {"X-Plex-Container-Start": str(start), "X-Plex-Container-Total-Size": str(total)}
    head |= {key: value for key, value in attributes.items() if value is not None}
    if meta is not None:
        head["Meta"] = meta
    if wants_json(request):
        return Response(
            _joined_json(head, library, items, guids, streams), headers=headers, media_type="application/json"
        )
    text = to_xml("MediaContainer", head).removesuffix("</MediaContainer>")
    if streams:
        values = [entry(item, library, guids=guids, streams=True) for item in items]
        rows = "".join([to_xml(xml_tag("Metadata", value), value) for value in values])
    else:
        rows = "".join([xml_text(item, library, guids=guids) for item in items])
    return Response(
        f"{XML_HEAD}{text}{rows}</MediaContainer>", headers=headers, media_type="text/xml;charset=utf-8"
    )


def _joined_json(
    head: JsonObject, library: Library, items: Sequence[Item], guids: bool, streams: bool
) -> bytes:
    pieces = [b'{"MediaContainer":', to_json(head)[:-1]]
    if items:
        pieces.append(b',"Metadata":[')
        for item in items:
            body, extra = with_streams(item, library) if streams else item.json or json_parts(item, library)
            pieces += (body, extra, b"},") if guids else (body, b"},")
        pieces[-1] = b"}]"
    pieces.append(b"}}")
    return b"".join(pieces)


def tv_document(
    request: Request, tag: str, value: Mapping[str, object] | Sequence[JsonObject], status: int = 200
) -> Response:
    """A document of plex.tv: JSON keeps nulls and empty lists, XML is one element named `tag`."""
    if wants_json(request):
        return Response(orjson.dumps(value), status, media_type="application/json")
    if isinstance(value, Mapping):
        text = to_xml(tag, value)
    else:
        text = f"<{tag}>{''.join(to_xml(tag.removesuffix('s'), row) for row in value)}</{tag}>"
    return Response(XML_HEAD + text, status, media_type="application/xml; charset=utf-8")


def tv_error(request: Request, status: int, code: int | None = None, message: str | None = None) -> Response:
    """An error of plex.tv: one array of code, message and status."""
    usual_code, usual_message = _TV_ERRORS.get(status, (1004, "Error"))
    row = {"code": code or usual_code, "message": message or usual_message, "status": status}
    return tv_document(request, "errors", {"errors": [row]} if wants_json(request) else [row], status)


def tv_error_body(status: int) -> bytes:
    """The JSON of `tv_error`."""
    code, message = _TV_ERRORS[status]
    return orjson.dumps({"errors": [{"code": code, "message": message, "status": status}]})
