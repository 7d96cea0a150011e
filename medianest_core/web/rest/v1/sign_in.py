"""Signing in and out. An attempt is bound to the caller by the cookie `mn_attempt`; nothing secret leaves the server."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from medianest_core.domain.accounts.models import Attempt, PollResult, SignedIn, SignInMethod
from medianest_core.domain.accounts.signin import LOCAL_FORM
from medianest_core.sdk.permissions import PENDING, PUBLIC, USER
from medianest_core.web.gate.cookies import ATTEMPT, clear_attempt, clear_session, set_attempt, set_session
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import browser_of, services_of, session_of
from medianest_core.web.rest.resource import Resource

sign_in = Resource("signing in", "/sign-in")


class Begin(BaseModel):
    """method: `key` of a method by code or popup. remember: stay signed in when the browser closes."""

    model_config = ConfigDict(extra="forbid")

    method: str = Field(max_length=100)
    remember: bool = True


class LocalSignIn(BaseModel):
    """method: `key` of a method with a form; left out, the form kept here."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    username: str = Field(max_length=200)
    password: str = Field(max_length=1000)
    remember: bool = False
    method: str = Field(LOCAL_FORM, max_length=100)


class SignInState(BaseModel):
    """progress: waiting, done, refused, expired, or failed (asking again may help). status: of the account, once signed in."""

    progress: str
    message: str = ""
    attempt: Attempt | None = None
    user_id: str | None = None
    status: str | None = None
    created: bool = False


@sign_in.get("/methods", policy=PUBLIC)
async def list_methods(request: Request) -> list[SignInMethod]:
    """The ways to sign in."""
    return await services_of(request).accounts.sign_in.methods()


@sign_in.post("/attempts", policy=PUBLIC, status=201)
async def begin(request: Request, response: Response, body: Begin) -> Attempt:
    """Start signing in with a service; show the code or open the address, then ask for the state."""
    return await _begin(request, response, body, None)


@sign_in.post("/links", policy=USER, status=201, session_only=True)
async def begin_link(request: Request, response: Response, body: Begin) -> Attempt:
    """The same, to add another way of signing in to your account."""
    session = session_of(request)
    if session is None:
        raise Problem(403, "Sign in first.", code="session_only")
    return await _begin(request, response, body, session.user_id)


@sign_in.get("/attempts/current", policy=PUBLIC)
async def poll(request: Request, response: Response) -> SignInState:
    """How the attempt stands; with "done" comes the session cookie."""
    cookie = request.cookies.get(ATTEMPT)
    if not cookie:
        return SignInState(progress="expired", message="There is no sign-in under way.")
    result = await services_of(request).accounts.sign_in.poll(cookie, browser_of(request))
    return _state(request, response, result)


@sign_in.delete("/attempts/current", policy=PUBLIC)
async def cancel(request: Request, response: Response) -> None:
    """Give up."""
    if cookie := request.cookies.get(ATTEMPT):
        await services_of(request).accounts.sign_in.cancel(cookie)
    clear_attempt(response, request)


@sign_in.post("/local", policy=PUBLIC)
async def local(request: Request, response: Response, body: LocalSignIn) -> SignInState:
    """Sign in with a user name and password, kept here or by a service that has a form."""
    signed_in = await services_of(request).accounts.sign_in.form(
        body.method,
        {"username": body.username, "password": body.password},
        browser_of(request),
        remember=body.remember,
    )
    set_session(response, request, signed_in)
    return _done(signed_in)


@sign_in.post("/out", policy=PENDING, session_only=True)
async def sign_out(request: Request, response: Response) -> SignInState:
    """End this session."""
    if (session := session_of(request)) is not None:
        await services_of(request).accounts.sign_out(session.user_id, session.id)
    clear_session(response, request)
    return SignInState(progress="done", message="You are signed out.")


async def _begin(request: Request, response: Response, body: Begin, link: str | None) -> Attempt:
    base = services_of(request).settings.public_url or str(request.base_url).rstrip("/")
    attempt, cookie = await services_of(request).accounts.sign_in.begin(
        body.method,
        return_url=base.removesuffix("/api/v1") + "/sign-in/return",
        remember=body.remember,
        link_user_id=link,
        ip=browser_of(request).ip,
        replaces=request.cookies.get(ATTEMPT),
    )
    set_attempt(response, request, cookie)
    return attempt


def _state(request: Request, response: Response, result: PollResult) -> SignInState:
    if result.signed_in is not None:
        set_session(response, request, result.signed_in)
        return _done(result.signed_in)
    return SignInState(progress=result.progress.value, message=result.message, attempt=result.attempt)


def _done(signed_in: SignedIn) -> SignInState:
    return SignInState(
        progress="done",
        user_id=signed_in.user.id,
        status=signed_in.user.status.value,
        created=signed_in.created,
    )
