"""A plugin for tests of the ways in: signs people in, receives webhooks, and brings API routes. Copied to a module of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from medianest_core.sdk import (
    ADMIN,
    ApiRoute,
    AuthFlow,
    AuthProvider,
    AuthProviders,
    Challenge,
    CheckResult,
    Contributions,
    Delivery,
    Hint,
    Http,
    Identity,
    InvalidResponse,
    Json,
    Manifest,
    Permission,
    Rejected,
    Request,
    Route,
    Secret,
    ServiceSettings,
    ServiceType,
    SettingsGroup,
    SignInDenied,
    WebhookReceiver,
    WebhookReceivers,
    hookimpl,
    needs,
)

manifest = Manifest(
    "toy",
    title="Toy",
    api="1.0",
    permissions=(Permission("toy.play", "Play"), Permission("toy.break", "Break", frozenset({"admin"}))),
)


class Lock(SettingsGroup):
    sign: str = "closed"
    code: Secret | None = None


class Drawer(SettingsGroup):
    label: str
    pin: Secret
    wide: bool = False


class Settings(ServiceSettings):
    key: Secret
    word: str = "hello"
    lock: Lock = Lock()
    drawers: list[Drawer] = Field(default_factory=list)


async def connect(settings: Settings, http: Http) -> Settings:
    return settings


async def check(settings: Settings, client: Settings) -> CheckResult:
    if settings.key.reveal() == "wrong":
        raise Rejected("The toy does not like this key.")
    drawers = {one.label: "opens" for one in settings.drawers if one.pin.reveal() == f"pin of {one.label}"}
    return CheckResult("The toy works.", "1.2", drawers)


TOY: ServiceType[Settings, Settings] = ServiceType("toy", Settings, "Toy", connect=connect, check=check)
approved: dict[str, Identity | None] = {}
posts_to: list[str] = []


class Auth(AuthProvider[Settings, Settings]):
    service = TOY
    title: ClassVar[str] = "Toy"
    flows: ClassVar[Sequence[AuthFlow]] = (AuthFlow.CODE,)

    async def begin(self, flow: AuthFlow, *, return_url: str) -> Challenge:
        return Challenge({"secret": "state-canary"}, 300, code="WXYZ", url=return_url, poll_every=0.2)

    async def complete(self, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
        who = self.config.word
        if who == "hello":
            return None
        if who == "denied":
            raise SignInDenied("Not you.")
        return Identity(subject=who, username=who, token=Secret("token-canary"))


class Hooks(WebhookReceiver[Settings, Settings]):
    service = TOY
    max_bytes: ClassVar[int] = 2_000

    def verify(self, delivery: Delivery) -> bool:
        return delivery.headers.get("x-toy") == self.config.key.reveal()

    def delivery_id(self, delivery: Delivery) -> str | None:
        return delivery.headers.get("x-toy-id")

    def parse(self, delivery: Delivery) -> Hint | None:
        try:
            told: Any = json.loads(delivery.body)
        except (ValueError, RecursionError) as error:
            raise InvalidResponse("not JSON") from error
        if told.get("topic") is None:
            return None
        return Hint(told["topic"], told.get("keys", ()), "told us something", about=told.get("about", ""))

    async def register(self, url: str) -> None:
        if self.config.word == "stubborn":
            raise Rejected("The toy does not want to.")
        posts_to.append(url)

    async def unregister(self, url: str) -> None:
        posts_to.remove(url)


class Echo(BaseModel):
    text: str


class Echoed(BaseModel):
    text: str
    who: str
    path: dict[str, str]


async def echo(request: Request, body: Echo) -> Echoed:
    return Echoed(text=body.text, who=request.viewer.username, path=dict(request.path_params))


async def fails(request: Request, body: None) -> Echoed:
    raise RuntimeError("canary in a traceback")


async def lies(request: Request, body: None) -> Echoed:
    return Echo(text="not what was announced")  # type: ignore[return-value]  # the mistake under test


async def things(request: Request) -> Json:
    return Json({"who": request.viewer.username})


@hookimpl
def register_auth_providers() -> AuthProviders:
    return [Auth]


@hookimpl
def register_webhook_receivers() -> WebhookReceivers:
    return [Hooks]


@hookimpl
def register_contributions() -> Contributions:
    return [
        ApiRoute("POST", "echo/{name}", echo, Echoed, Echo, needs("toy.play")),
        ApiRoute("GET", "fails", fails, Echoed),
        ApiRoute("GET", "lies", lies, Echoed),
        ApiRoute("GET", "admins", fails, Echoed, policy=ADMIN),
        ApiRoute("GET", "breakers", fails, Echoed, policy=needs("toy.break")),
        Route("GET", "things", things),
        Route("POST", "things", things, needs("toy.play")),
        Route("GET", "broken-things", things, needs("toy.break")),
        Route("GET", "admin-things", things, ADMIN),
    ]
