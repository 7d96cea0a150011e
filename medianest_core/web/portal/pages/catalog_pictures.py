"""Posters of titles that nobody has yet, through our own address."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.images import FOR_GOOD, image_response, width_of


class CatalogPictures:
    """Handler of "/img/catalog/{picture}?w=300"; `wide` for backdrops."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [page("/img/catalog/{picture}", self.picture, policy=USER)]

    async def picture(self, request: Request) -> Response:
        served = await services_of(request).discover.pictures.serve(
            request.path_params["picture"],
            width_of(request, 300),
            request.headers.get("accept", ""),
            tall="wide" not in request.query_params,
        )
        # A catalog gives another picture another reference, and so another address.
        return image_response(request, served, FOR_GOOD)
