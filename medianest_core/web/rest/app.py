"""The API's FastAPI application, built from the resources and from what plugins bring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from medianest_core.domain.accounts.access import scope_needed
from medianest_core.host.errors import PluginFault
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.permissions import USER, Policy
from medianest_core.sdk.routes import ApiRoute
from medianest_core.web.gate.origin import SAFE
from medianest_core.web.gate.plugin_request import PluginRequest, call_plugin
from medianest_core.web.gate.problems import Problem, problem_json, problem_of
from medianest_core.web.gate.routing import Entry, NoPolicy, enforce
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import key_of, services_of, someone
from medianest_core.web.rest.resource import Declared
from medianest_core.web.rest.v1.all import RESOURCES

PREFIX = "/api/v1"
LARGEST_BODY = 1024 * 1024
_PARAMETER = re.compile(r"\{([a-z_]+)(?::path)?\}")
_POLICY = "__medianest_policy__"
_SESSION_ONLY = "__medianest_session_only__"
_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457)",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "code": {"type": "string"},
                        "correlation_id": {"type": "string"},
                    },
                    "required": ["type", "title", "status", "correlation_id"],
                }
            }
        },
    }
}


class PolicyAPIRoute(APIRoute):
    """Asks the policy before the body is read, and turns what is raised into problem+json."""

    @property
    def policy(self) -> Policy:
        policy = getattr(self.endpoint, _POLICY, None)
        if not isinstance(policy, Policy):
            raise NoPolicy(f"{sorted(self.methods or ())} {self.path} has no policy.")
        return policy

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            connection = HTTPConnection(scope)
            enforce(connection, self.policy)
            if getattr(self.endpoint, _SESSION_ONLY, False) and key_of(connection) is not None:
                raise Problem(403, "API keys may not do this; sign in.", code="session_only")
            await super().handle(scope, receive, watch)
        except Exception as error:
            if started:
                raise
            await problem_json(problem_of(error), scope["path"])(scope, receive, send)


def build(services: Services, plugin_routes: Sequence[tuple[str, ApiRoute]] = ()) -> FastAPI:
    """The application. Raises NoPolicy for a route without one."""
    app = FastAPI(
        title="MediaNest",
        version="1",
        description="Everything the portal does. Sign in with the portal's cookie, or send `Authorization: Bearer mn_…`.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        max_body_size=LARGEST_BODY,
    )
    app.router.route_class = PolicyAPIRoute
    app.state.services = services
    app.add_exception_handler(HTTPException, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.router.routes += _core_routes()
    for plugin, route in plugin_routes:
        path = f"/plugins/{plugin}/{route.path.strip('/')}"
        declared = Declared(route.method, path, _endpoint(plugin, route), route.policy, 200, False)
        _add(app.router, plugin, declared, summary=route.summary or None)
    app.add_api_route("/openapi.json", _marked(_openapi, USER), methods=["GET"], include_in_schema=False)
    for entry in entries(app):
        if not isinstance(entry.policy, Policy):
            raise NoPolicy(f"{entry.method} {entry.path} has no policy.")
    return app


def entries(app: FastAPI) -> list[Entry]:
    """The routes as lines of the policy table."""
    found = []
    for route in app.routes:
        if not isinstance(route, PolicyAPIRoute):
            raise NoPolicy(f"{getattr(route, 'path', route)} has no policy.")
        found += [
            Entry("api", method, PREFIX + route.path, route.policy)
            for method in sorted(route.methods or ())
            if method != "HEAD"
        ]
    return found


@cache
def _core_routes() -> tuple[BaseRoute, ...]:
    """Made once: nearly all the time goes into them, and they are the same whichever plugins run."""
    router = APIRouter(route_class=PolicyAPIRoute)
    for resource in RESOURCES:
        for declared in resource.routes:
            _add(router, resource.tag, declared)
    return tuple(router.routes)


def _add(router: APIRouter, tag: str, declared: Declared, summary: str | None = None) -> None:
    router.add_api_route(
        declared.path,
        _marked(declared.handler, declared.policy, declared.session_only),
        methods=[declared.method],
        status_code=declared.status,
        tags=[tag],
        summary=summary,
        responses=_PROBLEM,
        response_class=Response if declared.status == 204 else JSONResponse,
        openapi_extra=_key_needs(declared),
    )


def _key_needs(declared: Declared) -> dict[str, Any]:
    """What the document says of API keys: the scope that one needs here; nothing where none will do."""
    if declared.session_only:
        return {}
    return {"x-api-key-scope": scope_needed(declared.policy, reads=declared.method in SAFE)}


def _marked(
    handler: Callable[..., Awaitable[Any]], policy: Policy, session_only: bool = False
) -> Callable[..., Awaitable[Any]]:
    setattr(handler, _POLICY, policy)
    setattr(handler, _SESSION_ONLY, session_only)
    return handler


def _endpoint(plugin: str, route: ApiRoute) -> Callable[..., Awaitable[Any]]:
    """A handler that FastAPI can read: its parameters say what the plugin's route takes."""

    async def endpoint(**given: Any) -> Any:
        request: Request = given["request"]
        services = services_of(request)
        if services.host.registry.declarations(plugin) is None:
            raise Problem(404, "There is nothing at this address.", code="missing")
        asked = PluginRequest(request, someone(request), services.host.context(plugin))
        try:
            answer = await call_plugin(plugin, route.handler(asked, given.get("body")))
            if not isinstance(answer, route.returns):
                raise PluginFault(f"The plugin {plugin} gave an answer that it did not announce.")
        except MediaNestError as error:
            services.host.faults.note(plugin, asked.path, error.__cause__ or error)
            raise
        return answer

    def parameter(name: str, annotation: Any) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)

    parameters = [parameter("request", Request)]
    parameters += [parameter(name, str) for name in _PARAMETER.findall(route.path)]
    if route.body is not None:
        parameters.append(parameter("body", route.body))
    endpoint.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what FastAPI asks for
        parameters, return_annotation=route.returns
    )
    endpoint.__name__ = f"{plugin}_{getattr(route.handler, '__name__', 'route')}"
    return endpoint


async def _openapi(request: Request) -> Response:
    return JSONResponse(request.app.openapi())


async def _problem(request: Request, error: Exception) -> Response:
    return problem_json(problem_of(error), request.url.path)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors: dict[str, str] = {}
    for one in error.errors():
        where = [str(part) for part in one["loc"] if part not in ("body", "query", "path")]
        errors.setdefault(".".join(where), str(one["msg"]))
    first = next(iter(errors.items()))
    detail = f"{first[0]}: {first[1]}" if first[0] else first[1]
    return problem_json(Problem(422, detail, code="invalid", extra={"errors": errors}), request.url.path)
