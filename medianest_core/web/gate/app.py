"""Puts routes behind the gate: one Starlette application with every middleware in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.web.gate.bodies import Bodies
from medianest_core.web.gate.compression import Compression
from medianest_core.web.gate.correlation import Correlation
from medianest_core.web.gate.headers import SecurityHeaders
from medianest_core.web.gate.limits import Limits
from medianest_core.web.gate.origin import SameOrigin
from medianest_core.web.gate.overload import Overload
from medianest_core.web.gate.permission import Permission
from medianest_core.web.gate.problems import ErrorPage, Problems, problem_of, respond
from medianest_core.web.gate.proxies import Proxies
from medianest_core.web.gate.routing import check_policies
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.session import WhoAsks
from medianest_core.web.gate.tags import Tags


def make_app(
    routes: Sequence[BaseRoute], services: Services, *, page: ErrorPage | None = None, **options: Any
) -> Starlette:
    """The application. page: renders an error for people. options: handed to Starlette, e.g. `lifespan`.

    Raises NoPolicy for a route without one, ValueError for a trusted proxy that is no address.
    """
    check_policies(routes)
    settings = services.settings
    Proxies(_nothing, settings.trusted_proxies)

    async def refuse(request: Request, error: Exception) -> Response:
        return await respond(request, problem_of(error), page)

    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Correlation),
            Middleware(Proxies, trusted=settings.trusted_proxies, root_path=settings.root_path),
            Middleware(Compression),
            Middleware(SecurityHeaders),
            Middleware(Problems, page=page),
            Middleware(Overload),
            Middleware(WhoAsks, accounts=services.accounts),
            Middleware(SameOrigin, public_url=settings.public_url),
            Middleware(
                Limits,
                limiter=services.limiter,
                api_limit=lambda: services.portal_settings.now.api_per_minute,
            ),
            # Behind the limits: a plugin is not asked more often than a person may come.
            Middleware(Permission, host=services.host),
            Middleware(Bodies),
            Middleware(Tags),
        ],
        exception_handlers={HTTPException: refuse},
        **options,
    )
    app.state.services = services
    return app


async def _nothing(*_: Any) -> None:
    """Stands for an application where only the arguments are checked."""
