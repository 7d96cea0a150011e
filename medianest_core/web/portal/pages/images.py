"""Answering with a picture that was made fit for browsers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from medianest_core.domain.library.pictures.image_store import ServedImage
from medianest_core.domain.library.pictures.pictures import WIDTHS
from medianest_core.web.portal.numbers import whole

FOR_GOOD = 31536000


def width_of(request: Request, otherwise: int) -> int:
    """The width in pixels that `?w=` asks for."""
    return min(whole(request.query_params.get("w")) or otherwise, WIDTHS[-1])


def image_response(request: Request, served: ServedImage, max_age: int) -> Response:
    """The picture, or 304 where the browser has it. max_age: seconds that it is not asked for again; `FOR_GOOD` where its
    address changes with it."""
    headers = {
        "ETag": served.etag,
        "Cache-Control": f"private, max-age={max_age}{', immutable' if max_age == FOR_GOOD else ''}",
        "Vary": "Accept, Cookie",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == served.etag:
        return Response(status_code=304, headers=headers)
    return Response(served.content, media_type=served.media_type, headers=headers)
