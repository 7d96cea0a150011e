"""Plugins may say no to what the portal allows, but never to signing in, and never lock an admin out of the plugins page."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from starlette.types import Receive, Scope, Send

from medianest_core.host.hookcaller import Hooks
from medianest_core.sdk.markers import hookimpl
from medianest_core.sdk.permissions import Attempt, Denial
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.permission import Permission
from medianest_core.web.gate.problems import Problem

ANN = Viewer("1", "ann", "user", frozenset())
ROOT = replace(ANN, role="admin")


class Gate:
    """A plugin that denies everything, and what got through to the portal or was asked of the plugin."""

    def __init__(self, *, plugin: bool = True, safe_mode: bool = False) -> None:
        self.asked: list[Attempt] = []
        self.passed: list[str] = []
        module, hooks = ModuleType("locks"), Hooks()

        async def authorize(viewer: Viewer, attempt: Attempt) -> Denial:
            self.asked.append(attempt)
            return Denial("All is closed.")

        module.authorize = hookimpl(authorize)  # type: ignore[attr-defined]  # a module made here
        hooks.register("locks", module)
        active = [SimpleNamespace(plugin="locks", module=module)] if plugin else []
        registry = SimpleNamespace(active=lambda: active)
        host = SimpleNamespace(hooks=hooks, registry=registry, context=str, safe_mode=safe_mode)
        self._app = Permission(self._portal, cast(Any, host))

    async def _portal(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.passed.append(scope["path"])

    async def let(self, viewer: Viewer | None, path: str, method: str = "GET") -> bool:
        scope = {"type": "http", "method": method, "path": path, "root_path": "", "state": {"viewer": viewer}}
        try:
            await self._app(scope, cast(Any, None), cast(Any, None))
        except Problem as problem:
            assert (problem.status, str(problem)) == (403, "All is closed.")
            return False
        assert self.passed.pop() == path
        return True


@pytest.mark.parametrize("path", ["/", "/library", "/p/hello/", "/api/v1/status", "/fragments/card/x:y"])
async def test_a_no_counts_for_everyone(path: str) -> None:
    gate = Gate()
    for who in (ANN, ROOT):
        assert not await gate.let(who, path, "POST")
    assert gate.asked == [Attempt("POST", path)] * 2


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/api/v1/sign-in/local", "/static/app.css"])
async def test_it_is_not_asked_about_signing_in(path: str) -> None:
    gate = Gate()
    assert await gate.let(ANN, path, "POST") and gate.asked == []


async def test_the_plugins_page_stays_open_for_admins() -> None:
    gate = Gate()
    for path in ("/admin/plugins", "/admin/plugins/locks/disable", "/api/v1/plugins"):
        assert await gate.let(ROOT, path, "POST")
    assert gate.asked == []
    assert not await gate.let(ANN, "/api/v1/plugins/hello/greet")


async def test_nobody_is_asked_where_nobody_is_signed_in_or_wants_to_be() -> None:
    assert await Gate().let(None, "/library")
    assert await Gate().let(replace(ANN, role="pending"), "/pending")
    assert await Gate(plugin=False).let(ANN, "/library")
    assert await Gate(safe_mode=True).let(ANN, "/library")
