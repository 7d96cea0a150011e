"""How Radarr and Sonarr put things on the wire: indented JSON without nulls, their times, pages and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response


class Refused(Exception):
    """A request that ends with an error reply."""

    def __init__(self, reply: Response) -> None:
        super().__init__(reply.status_code)
        self.reply = reply


def reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as they write it."""
    body = orjson.dumps(_without_nulls(value), option=orjson.OPT_INDENT_2)
    return Response(body, status, dict(headers or {}), media_type="application/json")


def problem(status: int, title: str) -> Response:
    """The framework's own error, e.g. for an id that does not exist."""
    kind = f"https://tools.ietf.org/html/rfc9110#section-15.5.{status - 399}"
    return reply({"type": kind, "title": title, "status": status, "traceId": "00-5f3a-01-00"}, status)


def failure(status: int, message: str) -> Response:
    """An error of the service itself."""
    return reply({"message": message, "description": f"NzbDrone.Core.Exceptions: {message}"}, status)


def invalid(
    name: str, message: str, code: str, attempted: object = None, severity: str = "error"
) -> Response:
    """A refused value: an array, although everything else that goes wrong is an object."""
    row = {
        "propertyName": name,
        "errorMessage": message,
        "attemptedValue": attempted,
        "severity": severity,
        "errorCode": code,
        "formattedMessagePlaceholderValues": {"propertyName": name, "propertyValue": attempted},
    }
    return reply([row], 400)


def iso(at: float | None) -> str | None:
    """An instant, UTC with Z."""
    return None if at is None else datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(at: float | None) -> str | None:
    """Its day, YYYY-MM-DD."""
    return None if at is None else datetime.fromtimestamp(at, UTC).date().isoformat()


def instant(text: str | None, default: float) -> float:
    """Epoch seconds of what a query names; ValueError for something else."""
    if not text:
        return default
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def timespan(seconds: float) -> str:
    """hh:mm:ss, with d. before it from a day on."""
    whole = max(0, round(seconds))
    days, rest = divmod(whole, 86400)
    text = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}"
    return f"{days}.{text}" if days else text


def page(request: Request, rows: Sequence[Any], sort_key: str, *, descending: bool = False) -> Response:
    """A part of `rows` in the paging envelope. A page past the end shows the last one."""
    size = max(1, number(request, "pageSize", 10))
    last = max(1, -(-len(rows) // size))
    current = min(max(1, number(request, "page", 1)), last)
    return reply(
        {
            "page": current,
            "pageSize": size,
            "sortKey": sort_key,
            "sortDirection": "descending" if descending else "ascending",
            "totalRecords": len(rows),
            "records": rows[(current - 1) * size : current * size],
        }
    )


def text_of(request: Request, name: str) -> str:
    """A parameter of the query, whatever the case of its name; empty where it is missing."""
    return next((value for key, value in request.query_params.items() if key.lower() == name.lower()), "")


def number(request: Request, name: str, default: int = 0) -> int:
    """A whole number of the query."""
    text = text_of(request, name)
    return int(text) if text.lstrip("-").isdecimal() else default


def truth(request: Request, name: str) -> bool:
    """A truth value of the query; missing is false."""
    return text_of(request, name).lower() == "true"


async def body(request: Request) -> Any:
    """The JSON of a request; raises Refused as the framework answers."""
    raw = await request.body()
    if not raw:
        raise Refused(problem(400, "One or more validation errors occurred."))
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Refused(problem(400, "One or more validation errors occurred.")) from None


async def obj(request: Request) -> dict[str, Any]:
    """The JSON object of a request."""
    value = await body(request)
    if not isinstance(value, dict):
        raise Refused(problem(400, "One or more validation errors occurred."))
    return value


async def id_of(request: Request) -> int:
    """The id in the address, or, where a PUT has none there, in the body."""
    if "id" in request.path_params:
        return int(request.path_params["id"])
    return int((await obj(request)).get("id") or 0)


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(entry) for entry in value]
    return value
