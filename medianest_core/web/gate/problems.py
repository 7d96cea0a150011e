"""Errors as people and programs see them: problem+json for the API, a page for browsers, the same words in both."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.base.logging import correlation_id, get_logger
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.access import Verdict
from medianest_core.domain.accounts.errors import Missing, NotAllowed, SetupClosed, TooManyAttempts
from medianest_core.domain.requests.errors import Denied
from medianest_core.host.errors import (
    InvalidSettings,
    PluginFault,
    UnknownInstance,
    UnknownPlugin,
    UnknownService,
)
from medianest_core.sdk import errors as sdk
from medianest_core.store.errors import DatabaseAway, Stale
from medianest_core.store.repos.settings_history import UnknownState

SIGN_IN_PATH = "/sign-in"
PENDING_PATH = "/pending"
_log = get_logger(__name__)

TITLES = {
    400: N_("This request cannot be understood"),
    401: N_("Sign in first"),
    403: N_("This is not for you"),
    404: N_("There is nothing here"),
    405: N_("This cannot be done here"),
    408: N_("This took too long"),
    409: N_("Someone else was faster"),
    410: N_("This is over"),
    413: N_("This is too large"),
    415: N_("This kind of content is not taken here"),
    422: N_("Something is missing or wrong"),
    429: N_("Too many requests"),
    500: N_("The portal made a mistake"),
    502: N_("The service gave an answer that cannot be used"),
    503: N_("Not available right now"),
}


class Problem(Exception):
    """An answer that is an error. code: a stable word for programs. extra: further JSON members.

    retry_at: epoch seconds from which another try makes sense. headers: to add to the answer. plain: said in a line of text also
    to people, because a page would cost too much just now.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        code: str = "",
        extra: Mapping[str, Any] | None = None,
        retry_at: float | None = None,
        headers: Mapping[str, str] | None = None,
        plain: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code
        self.extra = dict(extra or {})
        self.retry_at = retry_at
        self.headers = dict(headers or {})
        self.plain = plain

    @property
    def title(self) -> str:
        return TITLES.get(self.status, "The request failed")


class Refused(Problem):
    """A policy said no."""

    def __init__(self, verdict: Verdict) -> None:
        status, detail = {
            Verdict.SIGN_IN: (401, N_("You are not signed in.")),
            Verdict.WAITING: (403, N_("Your account waits for an admin's approval.")),
            Verdict.HIDDEN: (404, N_("There is nothing at this address.")),
        }.get(verdict, (403, N_("Your account may not do this.")))
        headers = {"WWW-Authenticate": 'Bearer realm="MediaNest"'} if status == 401 else None
        super().__init__(status, detail, code=verdict.value, headers=headers)
        self.verdict = verdict


ErrorPage = Callable[[Request, Problem], Awaitable[Response]]
_BY_TYPE: tuple[tuple[type[Exception], int, str], ...] = (
    (Missing, 404, "missing"),
    (UnknownPlugin, 404, "missing"),
    (UnknownInstance, 404, "missing"),
    (UnknownService, 404, "missing"),
    (UnknownState, 404, "missing"),
    (sdk.NotFound, 404, "missing"),
    (NotAllowed, 409, "not_allowed"),
    (Denied, 403, "denied"),
    (SetupClosed, 403, "setup_closed"),
    (sdk.SignInDenied, 403, "sign_in_denied"),
    (sdk.ChallengeExpired, 410, "expired"),
    (PluginFault, 502, "plugin_fault"),
    (sdk.AuthFailed, 502, "service_refused_us"),
    (sdk.InvalidResponse, 502, "invalid_response"),
    (sdk.EgressDenied, 422, "address_not_allowed"),
    (sdk.Rejected, 422, "rejected"),
    (sdk.Unsupported, 422, "unsupported"),
    (sdk.NotReady, 503, "not_ready"),
    (sdk.ProviderError, 502, "service_failed"),
)


def problem_of(error: Exception) -> Problem:
    """The problem that an exception is; 500 without details for what nobody expected."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return Problem(
            error.status_code,
            "" if error.detail == TITLES.get(error.status_code) else _own_words(error),
            headers=error.headers,
        )
    if isinstance(error, Stale):
        return Problem(409, str(error), code="stale", extra={"current": dict(error.current)})
    if isinstance(error, InvalidSettings):
        return Problem(422, str(error), code="invalid", extra={"errors": dict(error.errors)})
    if isinstance(error, sdk.UserError):
        errors = {error.field or "": str(error)}
        return Problem(422, str(error), code="invalid", extra={"errors": errors})
    if isinstance(error, DatabaseAway):
        return Problem(503, str(error), code="database_away", retry_at=time.time() + 5)
    # Also errors of domains above this file that say when to come back.
    retry_at = getattr(error, "retry_at", None)
    if isinstance(error, TooManyAttempts) or (
        isinstance(error, sdk.MediaNestError) and isinstance(retry_at, float)
    ):
        return Problem(429, str(error), code="too_many", retry_at=retry_at)
    if isinstance(error, sdk.RateLimited):
        return Problem(
            503, str(error), code="service_rate_limit", retry_at=time.time() + (error.retry_after or 30.0)
        )
    for kind, status, code in _BY_TYPE:
        if isinstance(error, kind):
            retry = time.time() + 30 if status == 503 else None
            return Problem(status, str(error), code=code, retry_at=retry)
    if isinstance(error, sdk.MediaNestError):
        return Problem(409, str(error), code="refused")
    _log.exception("unexpected error", exc_info=error)
    return Problem(500, N_("It has been noted in the log under this request's number."), code="internal")


def _own_words(error: HTTPException) -> str:
    standard = {"Not Found": N_("There is nothing at this address."), "Method Not Allowed": ""}
    return standard.get(error.detail, error.detail)


def problem_json(problem: Problem, instance: str = "") -> Response:
    """An application/problem+json answer (RFC 9457) with the correlation id."""
    body: dict[str, Any] = {
        "type": f"urn:medianest:problem:{problem.code}" if problem.code else "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "correlation_id": correlation_id.get(),
    }
    if instance:
        body["instance"] = instance
    if problem.code:
        body["code"] = problem.code
    if problem.retry_at is not None:
        body["retry_at"] = problem.retry_at
    body |= problem.extra
    return Response(
        orjson.dumps(body, default=str),
        problem.status,
        headers={**_headers(problem), "Cache-Control": "no-store"},
        media_type="application/problem+json",
    )


def _headers(problem: Problem) -> dict[str, str]:
    headers = dict(problem.headers)
    if problem.retry_at is not None:
        headers.setdefault("Retry-After", str(max(1, math.ceil(problem.retry_at - time.time()))))
    return headers


def wants_page(request: Request) -> bool:
    """Whether a person in a browser is to read the answer."""
    path = route_path(request.scope)
    if path.startswith(("/api/", "/webhooks/", "/live/", "/healthz", "/readyz")):
        return False
    accept = request.headers.get("accept", "")
    return "json" not in accept or "html" in accept


def route_path(scope: Scope) -> str:
    """The path below the sub-path the portal is served under."""
    path, root = str(scope["path"]), root_of(scope)
    return path[len(root) :] if root and path.startswith(root + "/") else path


def root_of(scope: Scope) -> str:
    """The sub-path the portal is served under, also inside of a mounted application."""
    return str(scope.get("app_root_path", scope.get("root_path", "")))


async def respond(request: Request, problem: Problem, page: ErrorPage | None) -> Response:
    """The answer to give: a way to the sign-in page, an error page, or problem+json."""
    if not wants_page(request):
        return problem_json(problem, request.url.path)
    if isinstance(problem, Refused) and (target := _elsewhere(request, problem)) is not None:
        if request.headers.get("hx-request") == "true":
            return Response(status_code=problem.status, headers={"HX-Redirect": target})
        if request.method in ("GET", "HEAD"):
            return RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
    if page is not None and not problem.plain:
        try:
            response = await page(request, problem)
            for name, value in _headers(problem).items():
                response.headers.setdefault(name, value)
            return response
        except Exception:
            _log.exception("the error page failed")
    return PlainTextResponse(
        f"{problem.title}. {problem.detail}\n{correlation_id.get()}\n",
        problem.status,
        headers=_headers(problem),
    )


def _elsewhere(request: Request, problem: Refused) -> str | None:
    root = root_of(request.scope)
    if problem.verdict is Verdict.WAITING:
        return f"{root}{PENDING_PATH}"
    if problem.verdict is not Verdict.SIGN_IN:
        return None
    if request.method not in ("GET", "HEAD") or request.headers.get("hx-request") == "true":
        return f"{root}{SIGN_IN_PATH}"
    wanted = route_path(request.scope)
    if request.url.query:
        wanted += f"?{request.url.query}"
    return f"{root}{SIGN_IN_PATH}" + (f"?next={quote(wanted, safe='/')}" if wanted != "/" else "")


class Problems:
    """Innermost but for the application: turns every exception into an answer."""

    def __init__(self, app: ASGIApp, page: ErrorPage | None = None) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        started = False
        left: OSError | None = None

        async def watch(message: Message) -> None:
            nonlocal started, left
            started = True
            try:
                await send(message)
            except OSError as error:
                left = error
                raise

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if error is left:
                # How servers say that the client went away: that is nobody's mistake, and they take it quietly.
                raise
            problem = problem_of(error)
            if started:
                raise
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": problem.title})
                return
            response = await respond(Request(scope, receive), problem, self._page)
            await response(scope, receive, send)
