"""Asks plugins whether somebody may: after the portal knows who it is, and beside its own rules, which they can only tighten."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.base.texts import N_
from medianest_core.domain.accounts.access import PENDING_ROLE
from medianest_core.host.decisions import Decisions
from medianest_core.host.lifecycle import PluginHost
from medianest_core.sdk.permissions import Attempt
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.problems import Problem, route_path

NEVER = ("/sign-in", "/sign-out", "/api/v1/sign-in", "/static/", "/live/", "/webhooks/")
"""Signing in and out, files, sockets (they carry only what their owner may see) and what services post."""
KEY = ("/admin/plugins", "/api/v1/plugins")
"""Where an admin switches off a plugin that locks everybody out."""


class Permission:
    """Raises Problem 403 where a plugin denies."""

    def __init__(self, app: ASGIApp, host: PluginHost) -> None:
        self._app = app
        self._host = host
        self._decisions = Decisions(host.hooks, host.registry, host.context)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._decisions.guarded():
            viewer, path = scope["state"]["viewer"], route_path(scope)
            if viewer is not None and self._asks(viewer, path):
                denial = await self._decisions.authorize(viewer, Attempt(scope["method"], path))
                if denial is not None:
                    reason = denial.reason or N_("Your account may not do this.")
                    raise Problem(403, str(reason), code="denied")
        await self._app(scope, receive, send)

    def _asks(self, viewer: Viewer, path: str) -> bool:
        if viewer.role == PENDING_ROLE or self._host.safe_mode or path.startswith(NEVER):
            return False
        return not (viewer.is_admin and path.startswith(KEY))
