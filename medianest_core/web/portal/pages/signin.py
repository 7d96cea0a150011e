"""Signing in and out: the ways in, the code or popup that is being waited for, and the page of those who wait for approval."""

from __future__ import annotations

import asyncio
import io
import time
from urllib.parse import quote, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import TooManyAttempts
from medianest_core.domain.accounts.models import Attempt, PollResult, Progress, SignedIn, Status
from medianest_core.domain.accounts.signin import LOCAL_FORM
from medianest_core.sdk.auth import AuthFlow
from medianest_core.sdk.errors import ProviderError, SignInDenied, UserError
from medianest_core.sdk.permissions import PENDING, PUBLIC
from medianest_core.web.gate import cookies
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import browser_of, services_of, session_of
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    CodeView,
    Field,
    FieldGroup,
    Form,
    PendingView,
    SignInMethod,
    SignInView,
)
from medianest_core.web.portal.views.access import LeavingView

_NEXT = "mn_next"
_LONGEST = 8_192
"""Characters of one parameter that a service may send back."""


def safe_path(path: str) -> str:
    """A portal path to go on to, or home: never another site."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    ours = (
        path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    )
    return path if ours and "\\" not in path and not path.startswith("/sign-") else "/"


class SignInPages:
    """Handlers of sign-in."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/sign-in", self.ways, policy=PUBLIC),
            page("/sign-in/local", self.local, methods=("POST",), policy=PUBLIC),
            page("/sign-in/start/{method}", self.start, methods=("POST",), policy=PUBLIC),
            page("/sign-in/code", self.code, policy=PUBLIC),
            page("/sign-in/qr.svg", self.qr, policy=PUBLIC),
            page("/sign-in/cancel", self.cancel, policy=PUBLIC),
            page("/sign-in/return", self.returned, policy=PUBLIC),
            page("/sign-out", self.sign_out, methods=("POST",), policy=PENDING),
            page("/pending", self.pending, policy=PENDING),
        ]

    async def ways(self, request: Request) -> Response:
        session = session_of(request)
        if session is not None:
            return self._frame.go(request, "/pending" if session.status is Status.PENDING else "/")
        return await self._ways(request, safe_path(request.query_params.get("next", "/")))

    async def _ways(
        self,
        request: Request,
        next_path: str,
        *,
        error: str = "",
        username: str = "",
        tried: str = "",
        status: int = 200,
    ) -> Response:
        """tried: key of the form that was filled in."""
        methods = await services_of(request).accounts.sign_in.methods()
        with use_viewer(self._frame.view(request)):
            shown = []
            for method in methods:
                if method.flow is AuthFlow.FORM:
                    own = method.key == LOCAL_FORM
                    mine = method.key == (tried or LOCAL_FORM)
                    form = _password_form(
                        method.key, username if mine else "", next_path, error if mine else ""
                    )
                    shown.append(
                        SignInMethod(
                            key=method.key,
                            label=_("Sign in with a password")
                            if own
                            else _("Sign in with %(name)s") % {"name": method.title},
                            kind="form",
                            path="/sign-in/local",
                            form=form,
                            primary=len(methods) == 1,
                        )
                    )
                    continue
                code = method.flow is AuthFlow.CODE
                window = method.flow is AuthFlow.POPUP
                label = _("Sign in with %(name)s in a window") if window else _("Sign in with %(name)s")
                shown.append(
                    SignInMethod(
                        key=method.key,
                        label=label % {"name": method.title},
                        kind="code" if code else "popup" if window else "redirect",
                        path=f"/sign-in/start/{method.key}",
                        icon="log-in" if code else "external-link",
                        help="" if method.ready else _("Not answering"),
                        primary=not any(one.primary for one in shown),
                    )
                )
            view = SignInView(methods=tuple(shown), error=error, next_path=next_path)
        return await self._frame.page(request, "core/sign_in.html", view, status=status)

    async def local(self, request: Request) -> Response:
        form = await request.form()
        username, next_path = str(form.get("username", "")), safe_path(str(form.get("next", "/")))
        method = str(form.get("method", "")) or LOCAL_FORM
        try:
            signed_in = await services_of(request).accounts.sign_in.form(
                method,
                {"username": username, "password": str(form.get("password", ""))},
                browser_of(request),
                remember=form.get("remember") == "true",
            )
        except ProviderError as away:
            with use_viewer(self._frame.view(request)):
                error = _("That service is not answering: %(reason)s") % {"reason": _(str(away))}
            return await self._ways(
                request, next_path, error=error, username=username, tried=method, status=503
            )
        except (UserError, SignInDenied, TooManyAttempts) as refused:
            status = 429 if isinstance(refused, TooManyAttempts) else 422
            with use_viewer(self._frame.view(request)):
                error = _(str(refused))
            return await self._ways(
                request, next_path, error=error, username=username, tried=method, status=status
            )
        return self._welcome(request, signed_in, next_path)

    def _welcome(self, request: Request, signed_in: SignedIn, next_path: str) -> Response:
        target = "/pending" if signed_in.user.status is Status.PENDING else next_path
        response = self._frame.go(request, target)
        cookies.set_session(response, request, signed_in)
        response.delete_cookie(_NEXT, path="/")
        return response

    async def start(self, request: Request) -> Response:
        next_path = safe_path(str((await request.form()).get("next", "/")))
        accounts = services_of(request).accounts
        return_url = f"{request.base_url}".rstrip("/") + "/sign-in/return"
        try:
            _attempt, cookie = await accounts.sign_in.begin(
                request.path_params["method"],
                return_url=return_url,
                ip=browser_of(request).ip,
                replaces=request.cookies.get(cookies.ATTEMPT),
            )
        except TooManyAttempts as refused:
            return await self._ways(request, next_path, error=_(str(refused)), status=429)
        except ProviderError as error:
            with use_viewer(self._frame.view(request)):
                message = _("That service is not answering: %(reason)s") % {"reason": error}
            return await self._ways(request, next_path, error=message, status=503)
        response = self._frame.go(request, "/sign-in/code")
        cookies.set_attempt(response, request, cookie)
        response.set_cookie(_NEXT, quote(next_path), max_age=1800, path="/", httponly=True, samesite="lax")
        return response

    async def code(self, request: Request) -> Response:
        accounts = services_of(request).accounts
        cookie = request.cookies.get(cookies.ATTEMPT, "")
        # Also on a plain page load, so that it works without script; the service is asked no more often than it wants.
        return await self._progress(request, await accounts.sign_in.poll(cookie, browser_of(request)))

    async def _progress(self, request: Request, result: PollResult) -> Response:
        if result.signed_in is not None:
            next_path = safe_path(unquote(request.cookies.get(_NEXT, "/")))
            return self._welcome(request, result.signed_in, next_path)
        if result.progress is Progress.DONE:
            return self._frame.go(request, "/account")
        if result.attempt is None:
            # Perhaps the service's window came back first and has signed this browser in, which a poll that was on its way then
            # cannot know yet; loading the page anew tells.
            session = session_of(request)
            if session is not None:
                return self._frame.go(request, "/pending" if session.status is Status.PENDING else "/")
            if is_htmx(request):
                return self._frame.go(request, "/sign-in/code")
        if (
            result.progress is Progress.WAITING
            and result.attempt
            and result.attempt.flow is AuthFlow.REDIRECT
        ):
            return await self._leave(request, result.attempt)
        with use_viewer(self._frame.view(request)):
            view = _code_view(result)
        if is_htmx(request):
            return self._frame.fragment(request, "core/fragments/code.html", view)
        return await self._frame.page(request, "core/sign_in_code.html", view)

    async def _leave(self, request: Request, attempt: Attempt) -> Response:
        with use_viewer(self._frame.view(request)):
            leaving = LeavingView(
                title=_("Sign in with %(name)s") % {"name": attempt.title},
                text=_("You are being taken to %(name)s, and back here once you have signed in there.")
                % {"name": attempt.title},
                link=attempt.url or "/sign-in",
                label=_("Go to %(name)s") % {"name": attempt.title},
                back_path="/sign-in/cancel",
                back_label=_("Back to all ways to sign in"),
            )
        return await self._frame.page(request, "core/leaving.html", leaving)

    async def qr(self, request: Request) -> Response:
        cookie = request.cookies.get(cookies.ATTEMPT, "")
        attempt = await services_of(request).accounts.sign_in.attempt(cookie)
        text = (attempt.url if attempt is not None else None) or str(request.base_url)
        return Response(
            await asyncio.to_thread(_qr, text),
            media_type="image/svg+xml",
            headers={"Cache-Control": "no-store"},
        )

    async def cancel(self, request: Request) -> Response:
        await services_of(request).accounts.sign_in.cancel(request.cookies.get(cookies.ATTEMPT, ""))
        response = self._frame.go(request, "/sign-in")
        cookies.clear_attempt(response, request)
        return response

    async def returned(self, request: Request) -> Response:
        """Where a service leads back to. After its own page with an answer; after its window the page that opened it goes on."""
        answer = {name: value for name, value in request.query_params.items() if len(value) <= _LONGEST}
        result = await services_of(request).accounts.sign_in.come_back(
            request.cookies.get(cookies.ATTEMPT, ""), answer, browser_of(request)
        )
        if result.progress is Progress.WAITING or result.attempt is None:
            return RedirectResponse(request.scope.get("root_path", "") + "/sign-in/code", 303)
        return await self._progress(request, result)

    async def sign_out(self, request: Request) -> Response:
        session, accounts, there = session_of(request), services_of(request).accounts, None
        if session is not None:
            back = f"{request.base_url}".rstrip("/") + "/sign-in"
            there = await accounts.sign_in.sign_out_url(session, back)
            await accounts.sign_out(session.user_id, session.id)
        response = self._frame.go(request, "/sign-in")
        if there is not None and not is_htmx(request):
            with use_viewer(self._frame.view(request)):
                leaving = LeavingView(
                    title=_("You are signed out here"),
                    text=_("You are being taken to where you signed in, to sign out there too."),
                    link=there,
                    label=_("Sign out there"),
                    back_path="/sign-in",
                    back_label=_("Stay signed in there"),
                )
            response = await self._frame.page(request, "core/leaving.html", leaving)
        cookies.clear_session(response, request)
        return response

    async def pending(self, request: Request) -> Response:
        session = session_of(request)
        if session is None or session.status is Status.ACTIVE:
            return self._frame.go(request, "/")
        with use_viewer(self._frame.view(request)):
            view = PendingView(
                name=session.name,
                title=_("Almost there"),
                text=_("Your account waits for an admin's approval. This page goes on by itself."),
                asked_at=session.created_at,
                poll_path="/pending",
            )
        if is_htmx(request):
            return self._frame.fragment(request, "core/fragments/pending.html", view)
        return await self._frame.page(request, "core/pending.html", view)


def _code_view(result: PollResult) -> CodeView:
    attempt: Attempt | None = result.attempt
    states = {Progress.EXPIRED: "expired", Progress.REFUSED: "refused", Progress.FAILED: "waiting"}
    state = states.get(result.progress, "waiting")
    message = ""
    if result.progress is Progress.FAILED:
        message = _("The service is not answering; we keep trying.")
        if attempt is not None and attempt.flow is AuthFlow.REDIRECT:
            state, message = "failed", _("The service is not answering. Try again in a moment.")
    elif result.message:
        message = _(result.message)
    if attempt is None:
        return CodeView(
            kind="code",
            provider="",
            link="/sign-in",
            link_label="",
            poll_path="/sign-in/code",
            cancel_path="/sign-in/cancel",
            restart_path="/sign-in/cancel",
            state="expired",
            message=message,
        )
    link = attempt.url or "/sign-in"
    return CodeView(
        kind="code" if attempt.flow is AuthFlow.CODE else "popup",
        provider=attempt.title,
        link=link,
        link_label=urlsplit(link)._replace(scheme="", query="", fragment="").geturl().lstrip("/"),
        poll_path="/sign-in/code",
        cancel_path="/sign-in/cancel",
        restart_path=f"/sign-in/start/{attempt.instance_id}:{attempt.flow.value}",
        code=attempt.code or "",
        qr="/sign-in/qr.svg" if attempt.code else None,
        expires_at=attempt.expires_at if attempt.expires_at > time.time() else None,
        poll_seconds=max(1.0, attempt.poll_every),
        state=state,  # type: ignore[arg-type]  # one of the literal's words
        message=message,
    )


def _password_form(method: str, username: str, next_path: str, error: str) -> Form:
    own = method == LOCAL_FORM
    return Form(
        path="/sign-in/local",
        id="password" if own else f"password-{method.partition(':')[0]}",
        groups=(
            FieldGroup(
                fields=(
                    Field(name="next", label="", kind="hidden", value=next_path),
                    *(() if own else (Field(name="method", label="", kind="hidden", value=method),)),
                    Field(
                        name="username",
                        label=_("User name"),
                        value=username,
                        required=True,
                        autocomplete="username",
                    ),
                    Field(
                        name="password",
                        label=_("Password"),
                        kind="password",
                        required=True,
                        autocomplete="current-password",
                        autofocus=bool(error),
                    ),
                    Field(
                        name="remember",
                        label=_("Stay signed in on this device"),
                        kind="checkbox",
                        value="true",
                    ),
                )
            ),
        ),
        submit=_("Sign in"),
    )


def _qr(text: str) -> bytes:
    import segno

    out = io.BytesIO()
    segno.make(text, error="m").save(
        out, kind="svg", scale=4, border=2, dark="#14151f", light="#ffffff", xmldecl=False
    )
    return out.getvalue()
