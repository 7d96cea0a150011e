"""The person who asks: who they are, their preferences, ways to sign in and password."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.accounts.models import IdentityInfo, User
from medianest_core.sdk.permissions import PENDING, USER
from medianest_core.web.gate.viewer import services_of, session_of, someone
from medianest_core.web.rest.resource import Resource
from medianest_core.web.rest.whoami import who_am_i

me = Resource("me", "/me")


class Me(BaseModel):
    """role: admin, user, or pending while the account waits for approval. scopes: of the API key that asks, else null."""

    id: str
    username: str
    name: str
    role: str
    status: str
    permissions: list[str]
    locale: str | None
    timezone: str | None
    theme: str | None
    session_id: str | None
    scopes: list[str] | None


class Preferences(BaseModel):
    """What is left out stays; an empty text means "as the browser says". version: as read, for a 409 when it changed."""

    model_config = ConfigDict(extra="forbid")

    display_name: str | None = Field(None, max_length=100)
    email: str | None = Field(None, max_length=320)
    locale: str | None = Field(None, max_length=20)
    timezone: str | None = Field(None, max_length=64)
    theme: str | None = Field(None, max_length=20)
    version: int | None = None


class NewPassword(BaseModel):
    """current: needed where there is a password already. username: the name to sign in with."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    username: str = Field(max_length=100)
    password: str = Field(max_length=1000)
    current: str | None = Field(None, max_length=1000)


@me.get(policy=PENDING)
async def get_me(request: Request) -> Me:
    """Who am I?"""
    return Me(**who_am_i(request))


@me.get("/account", policy=USER)
async def get_account(request: Request) -> User:
    """The whole account, with its version for editing."""
    return await services_of(request).accounts.users.get(someone(request).id)


@me.patch("", policy=USER)
async def change_preferences(request: Request, body: Preferences) -> User:
    """Change how the portal looks and speaks to you."""
    viewer = someone(request)
    values = body.model_dump(exclude_unset=True, exclude={"version"})
    return await services_of(request).accounts.users.edit(viewer.id, values, body.version, viewer.id)


@me.get("/identities", policy=USER)
async def list_identities(request: Request) -> list[IdentityInfo]:
    """The ways you can sign in."""
    return await services_of(request).accounts.identities.of_user(someone(request).id)


@me.delete("/identities/{identity_id}", policy=USER, session_only=True)
async def unlink_identity(request: Request, identity_id: str) -> None:
    """Take one away; the last one stays."""
    await services_of(request).accounts.identities.unlink(someone(request).id, identity_id)


@me.put("/password", policy=USER, session_only=True)
async def set_password(request: Request, body: NewPassword) -> Me:
    """Set or change your password; your other sessions end."""
    session = session_of(request)
    await services_of(request).accounts.sign_in.set_password(
        someone(request).id,
        body.username,
        body.password,
        current=body.current,
        keep_session=session.id if session is not None else None,
    )
    return Me(**who_am_i(request))
