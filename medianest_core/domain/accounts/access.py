"""May this person come in? One pure function over a policy; every route, page, job and socket event asks it."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from medianest_core.sdk.permissions import Access, Policy
from medianest_core.sdk.routes import Viewer

READ_SCOPE, WRITE_SCOPE, ADMIN_SCOPE = "read", "write", "admin"
SCOPES = (READ_SCOPE, WRITE_SCOPE, ADMIN_SCOPE)
"""Of API keys, each with what those before it allow. read: everything the person can see. write: change their own things.
admin: what an admin may, where they are one."""
PENDING_ROLE = "pending"
"""Role of a viewer whose account waits for approval, whatever role it will have."""


class Verdict(StrEnum):
    ALLOW = "allow"
    SIGN_IN = "sign_in"
    """Nobody is signed in: 401, or the way to the sign-in page."""
    WAITING = "waiting"
    """The account waits for approval: 403."""
    FORBIDDEN = "forbidden"
    """Not for this person: 403."""
    HIDDEN = "hidden"
    """It belongs to someone else: 404, as if it did not exist."""


def decide(policy: Policy, viewer: Viewer | None, owner_id: str | None = None) -> Verdict:
    """viewer None: nobody is signed in. owner_id: owner of the thing addressed; None where that is not known yet."""
    if policy.access is Access.PUBLIC:
        return Verdict.ALLOW
    if viewer is None:
        return Verdict.SIGN_IN
    if viewer.role == PENDING_ROLE:
        return Verdict.ALLOW if policy.access is Access.PENDING else Verdict.WAITING
    if policy.access is Access.ADMIN and not viewer.is_admin:
        return Verdict.FORBIDDEN
    if policy.permission is not None and not viewer.is_admin and policy.permission not in viewer.permissions:
        return Verdict.FORBIDDEN
    if policy.owner and owner_id is not None and owner_id != viewer.id and not viewer.is_admin:
        return Verdict.HIDDEN
    return Verdict.ALLOW


def scope_needed(policy: Policy, *, reads: bool) -> str:
    """The scope that an API key needs for a route. reads: the request changes nothing."""
    if policy.access is Access.ADMIN:
        return ADMIN_SCOPE
    return READ_SCOPE if reads else WRITE_SCOPE


def scope_allows(scopes: Collection[str], needed: str) -> bool:
    """Whether a key with these scopes may do what needs that one; a scope that is not known allows nothing."""
    return needed in SCOPES and any(one in SCOPES[SCOPES.index(needed) :] for one in scopes)
