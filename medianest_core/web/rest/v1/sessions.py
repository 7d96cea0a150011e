"""Sessions (devices) and API keys of the person who asks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.accounts.models import ApiKeyInfo, DeviceInfo
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, session_of, someone
from medianest_core.web.rest.resource import Resource

sessions = Resource("sessions", "/sessions")
api_keys = Resource("API keys", "/api-keys")


class Ended(BaseModel):
    ended: int


class NewKey(BaseModel):
    """scopes: read (see), write (also change your own things), admin (also what admins may; admins only). expires_at: epoch seconds;
    left out, the key has no end."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100)
    scopes: list[str] = Field(["read"], max_length=3)
    expires_at: float | None = None


class MadeKey(BaseModel):
    """key: shown this one time."""

    info: ApiKeyInfo
    key: str


@sessions.get(policy=USER)
async def list_sessions(request: Request) -> list[DeviceInfo]:
    """Where you are signed in."""
    return await services_of(request).accounts.sessions.of_user(someone(request).id)


@sessions.delete("/{session_id}", policy=USER, session_only=True)
async def end_session(request: Request, session_id: str) -> None:
    """Sign one device out."""
    if not await services_of(request).accounts.end_session(someone(request).id, session_id):
        raise Problem(404, "You have no such session.", code="missing")


@sessions.post("/end-others", policy=USER, session_only=True)
async def end_others(request: Request) -> Ended:
    """Sign all other devices out."""
    session = session_of(request)
    keep = session.id if session is not None else None
    ended = await services_of(request).accounts.sign_out_others(someone(request).id, keep)
    return Ended(ended=ended)


@api_keys.get(policy=USER, session_only=True)
async def list_keys(request: Request) -> list[ApiKeyInfo]:
    """Your keys, newest first; the keys themselves are not kept."""
    return await services_of(request).accounts.api_keys.of_user(someone(request).id)


@api_keys.post(policy=USER, status=201, session_only=True)
async def make_key(request: Request, body: NewKey) -> MadeKey:
    """Make a key for a program."""
    viewer = someone(request)
    info, key = await services_of(request).accounts.api_keys.create(
        viewer.id, viewer.role, body.name, body.scopes, expires_at=body.expires_at
    )
    return MadeKey(info=info, key=key)


@api_keys.delete("/{key_id}", policy=USER, session_only=True)
async def remove_key(request: Request, key_id: str) -> None:
    """The key stops working at once."""
    await services_of(request).accounts.api_keys.remove(someone(request).id, key_id)
