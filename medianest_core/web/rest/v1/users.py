"""Accounts, for admins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.accounts.models import ApiKeyInfo, DeviceInfo, IdentityInfo, Status, User
from medianest_core.domain.accounts.users import UserPage
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource

users = Resource("users", "/users")


class UserDetail(BaseModel):
    user: User
    identities: list[IdentityInfo]
    sessions: list[DeviceInfo]


class UserChange(BaseModel):
    """What is left out stays. version: as read, for a 409 when it changed."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["active", "suspended"] | None = None
    role: Literal["admin", "user"] | None = None
    display_name: str | None = Field(None, max_length=100)
    email: str | None = Field(None, max_length=320)
    version: int


class Counts(BaseModel):
    counts: Mapping[str, int]


@users.get(policy=ADMIN)
async def list_users(
    request: Request,
    status: Status | None = None,
    role: Literal["admin", "user"] | None = None,
    text: str = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> UserPage:
    """Newest first."""
    return await services_of(request).accounts.users.list(
        status=status, role=role, text=text[:100], cursor=cursor, limit=limit
    )


@users.get("/counts", policy=ADMIN)
async def count_users(request: Request) -> Counts:
    """How many accounts by status."""
    return Counts(counts=await services_of(request).accounts.users.counts())


@users.get("/{user_id}", policy=ADMIN)
async def get_user(request: Request, user_id: str) -> UserDetail:
    accounts = services_of(request).accounts
    return UserDetail(
        user=await accounts.users.get(user_id),
        identities=await accounts.identities.of_user(user_id),
        sessions=await accounts.sessions.of_user(user_id),
    )


@users.patch("/{user_id}", policy=ADMIN)
async def change_user(request: Request, user_id: str, body: UserChange) -> User:
    """Approve (status active), suspend, change the role or the name: all of it, or nothing."""
    return await services_of(request).accounts.users.change(
        user_id,
        body.version,
        someone(request).id,
        values=body.model_dump(exclude_unset=True, include={"display_name", "email"}) or None,
        role=body.role,
        status=Status(body.status) if body.status is not None else None,
    )


@users.delete("/{user_id}", policy=ADMIN)
async def remove_user(request: Request, user_id: str, version: int) -> None:
    """Delete the account with everything that hangs on it. version: as read, for a 409 when it changed."""
    await services_of(request).accounts.users.remove(user_id, version, someone(request).id)


@users.delete("/{user_id}/sessions", policy=ADMIN)
async def end_sessions(request: Request, user_id: str) -> None:
    """Sign the person out everywhere."""
    accounts = services_of(request).accounts
    await accounts.users.get(user_id)
    await accounts.sign_out_others(user_id, None, someone(request).id)


@users.get("/{user_id}/api-keys", policy=ADMIN)
async def list_keys(request: Request, user_id: str) -> list[ApiKeyInfo]:
    """Somebody's keys, newest first."""
    accounts = services_of(request).accounts
    await accounts.users.get(user_id)
    return await accounts.api_keys.of_user(user_id)


@users.delete("/{user_id}/api-keys/{key_id}", policy=ADMIN)
async def remove_key(request: Request, user_id: str, key_id: str) -> None:
    """The key stops working at once."""
    await services_of(request).accounts.api_keys.remove(user_id, key_id, someone(request).id)
