"""May this person come in? One pure function over a policy; every route, page, job and socket event asks it."""

from __future__ import annotations

from enum import StrEnum

from medianest_core.sdk.permissions import Access, Policy
from medianest_core.sdk.routes import Viewer

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
