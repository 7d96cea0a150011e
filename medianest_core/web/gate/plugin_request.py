"""A request as a plugin's handler sees it, and calling that handler so that its failure stays its own."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TypeVar

from starlette.requests import Request as HttpRequest

from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import bounded
from medianest_core.base.texts import N_
from medianest_core.host.errors import PluginFault
from medianest_core.sdk.context import PluginContext
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.routes import Request, Viewer
from medianest_core.web.gate.problems import Problem, root_of, route_path

T = TypeVar("T")
DEADLINE = 15.0
LARGEST_FORM = 1024 * 1024
_log = get_logger(__name__)


class PluginRequest(Request):
    """path: below the portal's own sub-path. query: the last value of each name."""

    def __init__(self, request: HttpRequest, viewer: Viewer, context: PluginContext) -> None:
        self.method = request.method
        self.path = route_path(request.scope)
        self.path_params: Mapping[str, str] = {
            name: str(value) for name, value in request.path_params.items()
        }
        self.query: Mapping[str, str] = dict(request.query_params)
        self.viewer = viewer
        self.context = context
        self._request = request

    async def form(self) -> Mapping[str, str]:
        declared = self._request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > LARGEST_FORM:
            raise Problem(413, "This form is too large.", code="too_large")
        form = await self._request.form(max_fields=500, max_files=0, max_part_size=LARGEST_FORM)
        return {name: value for name, value in form.items() if isinstance(value, str)}

    def url(self, path: str) -> str:
        return f"{root_of(self._request.scope)}{path}"


async def call_plugin(plugin: str, awaitable: Awaitable[T], deadline: float = DEADLINE) -> T:
    """The handler's answer. What it raises on purpose passes; anything else is noted and becomes PluginFault."""
    try:
        return await bounded(awaitable, deadline)
    except (MediaNestError, Problem):
        raise
    except Exception as error:
        _log.exception("a plugin's handler failed", plugin=plugin)
        raise PluginFault(
            N_("The plugin {plugin} made a mistake. It is in the log.").format(plugin=plugin)
        ) from error
